# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lab needs of the machine it runs on: packages and memory."""

import os
import shutil

from labkit import cache
from labkit.common import LabError, run_logged, say

# program or file -> the package it is from, for machines that only run the lab
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "/usr/share/seabios/bios-256k.bin": "seabios",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "depmod": "kmod",
    "xz": "xz-utils",
    "zstd": "zstd",
    "lz4": "lz4",
    "gcc": "gcc",
    "/usr/include/stdio.h": "libc6-dev",
    "/usr/include/linux/types.h": "linux-libc-dev",
    "patch": "patch",
    "tar": "tar",
    "git": "git",
    "unshare": "util-linux",
    "dpkg-deb": "dpkg",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
    "/usr/share/doc/ca-certificates": "ca-certificates",
}


def _there(what):
    if what.startswith("/"):
        return os.path.exists(what)
    return shutil.which(what, path=search_path()) is not None


def search_path():
    """PATH with the administrator's folders, where mke2fs and depmod live."""
    return os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"


def install_packages():
    """Install the host packages that are missing."""
    os.environ["PATH"] = search_path()
    missing = sorted({pkg for what, pkg in PROGRAMS.items() if not _there(what)})
    if not missing:
        return
    command = "apt-get install --no-install-recommends " + " ".join(missing)
    if os.geteuid() != 0:
        raise LabError(f"missing packages; as root run: {command}")
    with cache.lock("host-packages"):
        say("installing " + " ".join(missing))
        log = os.path.join(cache.root(), "host-packages.log")
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        run_logged(["apt-get", "update"], log, "apt-get update", env=env)
        run_logged(["apt-get", "install", "-y", "--no-install-recommends", *missing], log,
                   command, env=env)
    still = [what for what in PROGRAMS if not _there(what)]
    if still:
        raise LabError(f"still missing after '{command}': {', '.join(still)}")


def need_root(what):
    """LabError unless run by root."""
    if os.geteuid() != 0:
        raise LabError(f"{what} needs root (chroot and device nodes): run the lab as root once; "
                       "what it has made is then cached")


def need_memory(mib):
    """LabError unless that much memory is available."""
    with open("/proc/meminfo", encoding="ascii") as f:
        for line in f:
            if line.startswith("MemAvailable:"):
                have = int(line.split()[1]) >> 10
                if have < mib:
                    raise LabError(f"the emulated machine needs {mib} MiB of memory, {have} MiB "
                                   "are available: close something or use smaller guests")
