# SPDX-License-Identifier: GPL-2.0-or-later
"""What QEMU boots: dom0's disk and initramfs, the guests' initramfs, and our programs in them."""

import glob
import gzip
import os
import shutil
import tempfile

from labkit import cache, cpio, kernels, roots
from labkit.common import LAB_DIR, run_logged

RECIPE = 1

# systemd is process 1 only with `--dom0 systemd`.
COMMON = """xenstore-utils systemd mount kmod e2fsprogs procps util-linux acl zlib1g libdeflate0 liblzo2-2 libsnappy1v5
    libsystemd0 libxxhash0 libjson-c5 libzstd1 libxenstore4 libgcc-s1 file""".split()

DOM0 = {
    "bookworm": ["xen-utils-4.17", "libxenmisc4.17", "libelf1", *COMMON],
    "trixie": ["xen-utils-4.20", "libxenmisc4.20", "libelf1t64", *COMMON],
}

DOM0_DISK_MIB = 1200
GUEST_DISK_MIB = 32
GUEST_FILES = 12

CFLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-O2", "-g0", "-static"]

# A kernel: nothing of any library, and no registers that Xen would have to be asked for.
KERNEL32_CFLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-O2", "-g0", "-m32", "-march=i686",
                   "-ffreestanding", "-fno-pic", "-no-pie", "-fno-stack-protector",
                   "-fcf-protection=none", "-mno-sse", "-mno-mmx", "-fno-asynchronous-unwind-tables",
                   "-fno-tree-loop-distribute-patterns", "-nostdlib", "-static",
                   "-Wl,-m,elf_i386,--build-id=none,-Ttext-segment=0x100000,-z,noseparate-code"]


def _log(kind):
    return os.path.join(cache.subdir("logs"), f"make-{kind}.log")


def dom0_disk(suite, hvm):
    """Path of dom0's root disk, an ext4 image; with a device model if `hvm`."""
    packages = DOM0[suite] + (["qemu-system-xen"] if hvm else [])
    kind = f"dom0-hvm-{suite}" if hvm else f"dom0-{suite}"
    recipe = {"recipe": RECIPE, "roots": roots.RECIPE, "packages": packages,
              "mib": DOM0_DISK_MIB}

    def build(tmp):
        versions = roots.make(suite, packages, f"{tmp}/root", _log(kind), variant="essential")
        _tidy_dom0(f"{tmp}/root")
        with open(f"{tmp}/disk.img", "wb") as f:
            f.truncate(DOM0_DISK_MIB << 20)
        run_logged(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-E",
                    "lazy_itable_init=1", "-d", f"{tmp}/root", f"{tmp}/disk.img"],
                   _log(kind), "mke2fs")
        shutil.rmtree(f"{tmp}/root")
        return {"versions": versions}

    what = f"dom0's disk of {suite}" + (" with a device model" if hvm else "")
    return cache.entry(kind, recipe, build, what, 2500) + "/disk.img"


def _tidy_dom0(root):
    for path in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(f"{root}/{path}", ignore_errors=True)
    for path in ("in", "out", "scratch", "proc/xen"):
        os.makedirs(f"{root}/{path}", exist_ok=True)
    with open(f"{root}/etc/hosts", "w", encoding="ascii") as f:
        f.write("127.0.0.1 localhost lab\n")


def _compile(sources, output, log, flags=CFLAGS):
    run_logged(["gcc", *flags, "-o", output, *sources], log, f"compiling {sources[0]}")


def programs():
    """Folder with our static programs: stage1 and agent of dom0, init of the guests, and a whole guest
    of 32 bits."""
    sources = {
        "stage1": [f"{LAB_DIR}/dom0/stage1.c"],
        "agent": [f"{LAB_DIR}/dom0/agent.c"],
        "guest-init": sorted(glob.glob(f"{LAB_DIR}/guest/*.c")),
    }
    used = sorted(glob.glob(f"{LAB_DIR}/dom0/*.[ch]") + glob.glob(f"{LAB_DIR}/guest*/*.[ch]"))
    recipe = {"recipe": RECIPE, "flags": CFLAGS + KERNEL32_CFLAGS,
              "sources": cache.digest_of_files(used)}

    def build(tmp):
        for name, files in sources.items():
            _compile(files, f"{tmp}/{name}", _log("programs"))
        _compile([f"{LAB_DIR}/guest32/stamp32.c"], f"{tmp}/stamp32", _log("programs"),
                 KERNEL32_CFLAGS)

    return cache.entry("programs", recipe, build, "the lab's programs for dom0 and guests", 50)


def _read(path):
    with open(path, "rb") as f:
        return f.read()


def dom0_initrd(suite):
    """Path of dom0's initramfs: stage1 and the modules, not compressed (TCG would unpack it)."""
    kernel = kernels.kernels(suite)
    stage1 = programs() + "/stage1"
    recipe = {"recipe": RECIPE, "stage1": cache.digest_of_files([stage1]),
              "kernel": cache.identity(kernel)}

    def build(tmp):
        files = {"init": (0o755, _read(stage1))}
        for name in os.listdir(f"{kernel}/modules"):
            files[f"modules/{name}"] = (0o644, _read(f"{kernel}/modules/{name}"))
        with open(f"{tmp}/initrd", "wb") as f:
            f.write(cpio.archive(files))

    return cache.entry(f"initrd-{suite}", recipe, build, f"dom0's initramfs of {suite}",
                       100) + "/initrd"


def write_guest_disk(path):
    """Write a guest's disk: an ext4 file system with files to read."""
    with tempfile.TemporaryDirectory() as d:
        for n in range(GUEST_FILES):
            with open(f"{d}/file-{n}", "wb") as f:
                f.write(b"".join(b"%d %d\n" % (n, i) for i in range(40000)))
        with open(path, "wb") as f:
            f.truncate(GUEST_DISK_MIB << 20)
        run_logged(["mke2fs", "-q", "-t", "ext4", "-m", "0", "-d", d, path], _log("guest-disk"),
                   "mke2fs")


def write_guest_initrd(path, program=None, modules=None):
    """Write a guest's initramfs: our init, a program from outside if there is one, and modules of that
    folder."""
    files = {"init": (0o755, _read(programs() + "/guest-init"))}
    if program:
        files["program"] = (0o755, _read(program))
    for name in sorted(os.listdir(modules)) if modules else ():
        files[f"modules/{name}"] = (0o644, _read(f"{modules}/{name}"))
    with open(path, "wb") as f:
        f.write(gzip.compress(cpio.archive(files), compresslevel=1, mtime=0))
