# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernels of a suite: the full one for dom0, the cloud one for guests, its debug symbols."""

import lzma
import os
import re
import shutil
import struct
import subprocess

from labkit import cache, debian
from labkit.common import LabError, output_of, run_logged

RECIPE = 2
VMLINUX_RECIPE = 2

# What dom0 needs beyond its kernel's built-in drivers, by module name; those that a kernel has
# built in are skipped.
DOM0_MODULES = """xen-privcmd xen-evtchn xenfs xen-gntdev xen-gntalloc virtio_pci virtio_blk
    virtio_console crc32c_generic ext4 9pnet_virtio 9p loop xen-blkback xen-netback""".split()

# What a guest with devices loads; their file system is built in.
GUEST_MODULES = ["xen-blkfront", "xen-netfront"]


def _log(suite):
    return os.path.join(cache.subdir("logs"), f"make-kernels-{suite}.log")


def _kernel_package(apt, meta):
    """The versioned package that a meta package such as linux-image-amd64 stands for."""
    for name in apt.depends(meta):
        if re.match(r"linux-image-\d", name):
            return name
    raise LabError(f"{meta} of {apt.suite} depends on no kernel")


def decompress(data):
    """The payload of a bzImage, by its magic."""
    if data[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(data)
    if data[:2] == b"\x1f\x8b":
        argv = ["gzip", "-dc"]
    elif data[:4] == b"\x28\xb5\x2f\xfd":
        argv = ["zstd", "-dc"]
    elif data[:4] == b"\x02\x21\x4c\x18":
        argv = ["lz4", "-dc"]
    else:
        raise LabError(f"a kernel is compressed in an unknown way (magic {data[:6].hex()})")
    # Some tools complain about the size word that follows the stream: judged by the result.
    out = subprocess.run(argv, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         check=False).stdout
    return out


def vmlinux_of(bzimage):
    """The ELF kernel inside a bzImage: Xen boots it without emulated decompression."""
    with open(bzimage, "rb") as f:
        data = f.read()
    setup_sects = data[0x1f1] or 4
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = (setup_sects + 1) * 512 + offset
    elf = decompress(data[start:start + length])
    if elf[:4] != b"\x7fELF":
        raise LabError(f"{bzimage}: no ELF kernel inside")
    return elf


def _module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def _module_order(tree, release, wanted):
    """Paths of the wanted modules and what they depend on, dependencies first."""
    output_of(["depmod", "-b", tree, release], "depmod")
    base = f"{tree}/lib/modules/{release}"
    deps = {}
    with open(f"{base}/modules.dep", encoding="ascii") as f:
        for line in f:
            path, _, rest = line.partition(":")
            deps[path] = rest.split()
    by_name = {_module_name(p): p for p in deps}
    order = []
    for name in wanted:
        path = by_name.get(name.replace("-", "_"))
        if path is None:
            continue
        # modules.dep lists the nearest dependency first
        for p in reversed([path, *deps[path]]):
            if p not in order:
                order.append(p)
    return [f"{base}/{p}" for p in order]


def _copy_modules(tree, release, wanted, folder):
    os.mkdir(folder)
    names = []
    for path in _module_order(tree, release, wanted):
        name = os.path.basename(path).split(".ko")[0] + ".ko"
        with open(path, "rb") as f:
            data = f.read()
        if path.endswith(".xz"):
            data = lzma.decompress(data)
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
        names.append(name)
    with open(os.path.join(folder, "order"), "w", encoding="ascii") as f:
        f.write("\n".join(names) + "\n")


def _usrmerge(tree):
    """Debian 13 packages have usr/lib/modules where Debian 12's have lib/modules."""
    if os.path.isdir(f"{tree}/usr/lib/modules"):
        os.makedirs(f"{tree}/lib", exist_ok=True)
        os.rename(f"{tree}/usr/lib/modules", f"{tree}/lib/modules")


def _packages(apt, image):
    """The image package and, since Linux 7, those beside it that hold its files."""
    release = image.removeprefix("linux-image-")
    parts = {f"linux-{part}-{release}" for part in ("base", "binary", "modules")}
    return [image, *(p for p in apt.depends(image) if p in parts)]


def _boot_file(tree, release, name):
    """vmlinuz or config, which moved from /boot to the modules' folder."""
    paths = [f"{tree}/boot/{name}-{release}", f"{tree}/lib/modules/{release}/{name}"]
    for path in paths:
        if os.path.exists(path):
            return path
    raise LabError(f"the kernel packages of {release} have no {name}")


def _unpack(apt, image, suite, tree):
    folder = f"{tree}.debs"
    os.mkdir(folder)
    for deb in apt.download(_packages(apt, image), folder):
        debian.unpack_deb(deb, tree, _log(suite))
    _usrmerge(tree)


def _make(suite, tmp):
    apt = debian.Apt(suite)
    apt.update()
    full = _kernel_package(apt, "linux-image-amd64")
    cloud = _kernel_package(apt, "linux-image-cloud-amd64")
    work = f"{tmp}/work"
    os.mkdir(work)
    _unpack(apt, full, suite, f"{work}/full")
    _unpack(apt, cloud, suite, f"{work}/cloud")
    release = full.removeprefix("linux-image-")
    guest_release = cloud.removeprefix("linux-image-")
    with open(f"{tmp}/vmlinux-dom0", "wb") as f:
        f.write(vmlinux_of(_boot_file(f"{work}/full", release, "vmlinuz")))
    _copy_modules(f"{work}/full", release, DOM0_MODULES, f"{tmp}/modules")
    _copy_modules(f"{work}/cloud", guest_release, GUEST_MODULES, f"{tmp}/modules-guest")
    shutil.copy(_boot_file(f"{work}/cloud", guest_release, "vmlinuz"), f"{tmp}/vmlinuz-guest")
    shutil.copy(_boot_file(f"{work}/cloud", guest_release, "config"), f"{tmp}/config-guest")
    shutil.rmtree(work)
    return {"dom0": release, "guest": guest_release, "guest_package": cloud,
            "guest_version": apt.candidate(cloud)}


def kernels(suite):
    """Folder with vmlinux-dom0, modules/, vmlinuz-guest, modules-guest/, config-guest."""
    recipe = {"recipe": RECIPE, "suite": suite, "modules": DOM0_MODULES + GUEST_MODULES}
    return cache.entry(f"kernels-{suite}", recipe, lambda tmp: _make(suite, tmp),
                       f"the {suite} kernels (100 MB to download)", 1500)


def _extract(deb, member, folder, suite):
    """One file of a package: all of them would be gigabytes."""
    run_logged(["/bin/sh", "-c",
                'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --occurrence=1 "./$3"',
                "extract", deb, folder, member], _log(suite), f"extracting {member}")


def _make_vmlinux(suite, facts, tmp):
    apt = debian.Apt(suite)
    apt.update()
    package, release = facts["guest_package"], facts["guest"]
    work = f"{tmp}/work"
    os.mkdir(work)
    try:
        deb = apt.download([f"{package}-dbg={facts['guest_version']}"], work)[0]
    except LabError as e:
        raise LabError(f"{e}\nThe mirror may have moved on to a newer kernel: "
                       f"`lab prepare --suite {suite} --refresh` fetches the newest kernels, "
                       "then try again") from None
    member = f"usr/lib/debug/boot/vmlinux-{release}"
    _extract(deb, member, work, suite)
    path = os.path.join(work, member)
    if os.path.islink(path):  # since Linux 7 it is beside the modules
        member = os.path.normpath(os.path.join(os.path.dirname(member), os.readlink(path)))
        _extract(deb, member, work, suite)
    os.rename(os.path.join(work, member), f"{tmp}/vmlinux-{release}")
    shutil.rmtree(work)
    return facts


def debug_vmlinux(suite):
    """Path of the vmlinux with debug symbols of exactly the guests' kernel."""
    facts = cache.info(kernels(suite))
    recipe = {"recipe": VMLINUX_RECIPE, "suite": suite, "package": facts["guest_package"],
              "version": facts["guest_version"]}
    path = cache.entry(f"vmlinux-{suite}", recipe, lambda tmp: _make_vmlinux(suite, facts, tmp),
                       f"the debug symbols of {facts['guest']} (300 MB to download)", 2500)
    return f"{path}/vmlinux-{facts['guest']}"
