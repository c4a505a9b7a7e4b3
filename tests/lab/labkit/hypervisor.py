# SPDX-License-Identifier: GPL-2.0-or-later
"""The hypervisors of a suite: Debian's as shipped, and the same with shadow paging."""

import glob
import gzip
import os
import re
import shutil

from labkit import cache, debian, roots
from labkit.common import LabError, output_of, run_logged

RECIPE = 1

PACKAGES = {"bookworm": "xen-hypervisor-4.17-amd64", "trixie": "xen-hypervisor-4.20-amd64"}

# Sources that mirrors have kept, for when their index names only newer ones which they lack.
KEPT = {"trixie": [("4.20.3+127-gc42374a105-0+deb13u1", "pool/main/x/xen", {
    "xen_4.20.3+127-gc42374a105.orig.tar.xz":
        "df0831854a55a8f31cb3cb85036f2edc928e2ef098d77f815f5714bfafac68f3",
    "xen_4.20.3+127-gc42374a105-0+deb13u1.debian.tar.xz":
        "b1f909d626f3d4ba6965ba291dd97b0dfbbe48bb8e2510913cbc1760c5e8cb3e"})]}


def _log(kind):
    return os.path.join(cache.subdir("logs"), f"make-{kind}.log")


def _make_stock(suite, tmp):
    apt = debian.Apt(suite)
    apt.update()
    package = PACKAGES[suite]
    version = apt.candidate(package)
    work = f"{tmp}/work"
    os.mkdir(work)
    debian.unpack_deb(apt.download([package], work)[0], f"{work}/x", _log(f"xen-{suite}"))
    (image,) = glob.glob(f"{work}/x/boot/xen-*-amd64.gz")
    (config,) = glob.glob(f"{work}/x/boot/xen-*.config")
    with gzip.open(image) as f, open(f"{tmp}/xen", "wb") as out:
        out.write(f.read())
    shutil.copy(config, f"{tmp}/config")
    shutil.rmtree(work)
    return {"version": version}


def stock(suite):
    """Folder with Debian's hypervisor: `xen` (not compressed) and its `config`."""
    recipe = {"recipe": RECIPE, "package": PACKAGES[suite]}
    return cache.entry(f"xen-stock-{suite}", recipe, lambda tmp: _make_stock(suite, tmp),
                       f"{suite}'s own hypervisor")


def _source_versions(apt):
    """Known versions of Debian's xen source, newest first: (version, folder, {file: sha256})."""
    text = output_of(["apt-cache", "showsrc", "--only-source", "xen"], "apt-cache showsrc xen",
                     env=apt.env())
    found = {}
    for part in text.split("\n\n"):
        version = re.search(r"^Version: (\S+)", part, re.M)
        folder = re.search(r"^Directory: (\S+)", part, re.M)
        sums = re.search(r"^Checksums-Sha256:\n((?: .*\n?)+)", part, re.M)
        if version and folder and sums:
            files = {line.split()[2]: line.split()[0] for line in sums.group(1).splitlines()}
            tars = {n: s for n, s in files.items() if ".tar." in n and not n.endswith(".asc")}
            found.setdefault(version.group(1), []).append((folder.group(1), tars))
    order = sorted(found, key=_version_key, reverse=True)
    return [(v, folder, tars) for v in order for folder, tars in found[v]]


def _version_key(version):
    return [int(n) for n in re.findall(r"\d+", re.sub(r"-g[0-9a-f]+", "", version))]


def _fetch_source(suite, folder):
    """Download the newest source whose files the mirror really has; its version and files.

    Mirrors are known to list a source of the security archive that they do not carry."""
    apt = debian.Apt(suite, "deb-src")
    apt.update()
    archives = [m for m in debian.mirrors() if m]
    versions = _source_versions(apt) + KEPT.get(suite, [])
    for version, directory, tars in versions:
        paths = {n: os.path.join(folder, n) for n in tars}
        for archive in archives:
            if all(apt.fetch_file(f"{archive}/{directory}/{n}", paths[n], tars[n]) for n in tars):
                return version, list(paths.values())
    raise LabError(f"no source of xen for {suite} could be downloaded, tried "
                   f"{', '.join(v for v, _, _ in versions) or 'none: the index lists none'}; "
                   f"see {apt.log}")


BUILD_SCRIPT = r"""
cd "$1"
while read -r patch _; do
	case $patch in ''|'#'*) continue ;; esac
	patch -p1 -s <"debian/patches/$patch"
done <debian/patches/series
cp "$2" xen/.config
printf "%s\n" CONFIG_SHADOW_PAGING=y CONFIG_PV32=y >>xen/.config
make -C xen olddefconfig
grep -x CONFIG_SHADOW_PAGING=y xen/.config
grep -x CONFIG_PV32=y xen/.config
make -C xen -j"$(nproc)" XEN_TARGET_ARCH=x86_64 xen
"""


def _make_shadow(suite, config, tmp):
    log = _log(f"xen-shadow-{suite}")
    root = roots.build_root(suite)
    work = f"{tmp}/work"
    os.makedirs(f"{work}/xen")
    version, tars = _fetch_source(suite, work)
    for tar in sorted(tars, key=lambda p: ".debian.tar" in p):
        strip = [] if ".debian.tar" in tar else ["--strip-components=1"]
        extra = re.search(r"\.orig-(\w+)\.tar", tar)
        target = f"{work}/xen/{extra.group(1)}" if extra else f"{work}/xen"
        os.makedirs(target, exist_ok=True)
        run_logged(["tar", "-x", "-f", tar, "-C", target, *strip], log, f"unpacking {tar}")
    shutil.copy(config, f"{work}/config")
    roots.run_in(root, ["/bin/sh", "-e", "-c", BUILD_SCRIPT, "build", f"{work}/xen",
                        f"{work}/config"], log, f"building xen {version}", binds=[work])
    shutil.copy(f"{work}/xen/xen/xen", f"{tmp}/xen")
    shutil.copy(f"{work}/xen/xen/.config", f"{tmp}/config")
    shutil.rmtree(work)
    return {"version": version}


def shadow(suite):
    """Folder with the hypervisor that can log the dirty pages of PV guests."""
    base = stock(suite)
    recipe = {"recipe": RECIPE, "suite": suite, "script": BUILD_SCRIPT,
              "stock": cache.info(base)["version"]}
    return cache.entry(f"xen-shadow-{suite}", recipe,
                       lambda tmp: _make_shadow(suite, f"{base}/config", tmp),
                       f"{suite}'s hypervisor with shadow paging (a minute and a half)", 1000)


def hypervisor(suite, kind):
    """Path of the hypervisor's ELF file."""
    return (stock if kind == "stock" else shadow)(suite) + "/xen"
