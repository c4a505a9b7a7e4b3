# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian roots made by mmdebstrap, and running a command in one."""

import os
import subprocess

from labkit import cache, debian, host
from labkit.common import LabError, run_logged

# Raised when a root is made in another way, so that old ones are not used.
RECIPE = 1

BUILD_COMMON = """
    ccache gcc libc6-dev make flex bison python3 patch xz-utils autoconf automake libtool pkg-config
    libxen-dev libelf-dev libjson-c-dev libxxhash-dev zlib1g-dev libdeflate-dev libzstd-dev liblzo2-dev
    libsnappy-dev libsystemd-dev libcmocka-dev uuid-dev libacl1-dev valgrind
""".split()

BUILD = {
    "bookworm": BUILD_COMMON,
    "trixie": BUILD_COMMON,
}

# Where the Debian packages are built: their Build-Depends are in debian/control.
PACKAGING = """
    build-essential debhelper lintian pkgconf libxen-dev libelf-dev libjson-c-dev libxxhash-dev zlib1g-dev
    libdeflate-dev libzstd-dev liblzo2-dev libsnappy-dev libsystemd-dev libcmocka-dev uuid-dev bash-completion
    python3
""".split()
SYSTEMD_PC = {"bookworm": "systemd", "trixie": "systemd-dev", "sid": "systemd-dev"}

# Readers of dumps.  crash of sid (9.x) reads everything; the older ones are what users have.
READERS = {
    "bookworm": "crash python3-drgn makedumpfile gdb python3-libkdumpfile".split(),
    "trixie": "crash python3-drgn makedumpfile gdb python3-libkdumpfile".split(),
    "sid": "crash python3-drgn makedumpfile gdb python3-libkdumpfile".split(),
}

EXCLUDE = ("--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
           "--dpkgopt=path-exclude=/usr/share/doc/*")

# In front of a command: its processes are of one PID namespace and end with it, also when the
# driver is killed.
CONTAINED = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]


def make(suite, packages, folder, log, variant="minbase", whole=False):
    """Fill a folder with a root of the suite; returns the versions of the packages asked for.  A whole one
    has manual pages, and apt's indexes."""
    host.need_root("making a Debian root")
    argv = [*CONTAINED, "mmdebstrap", "--mode=root", f"--variant={variant}", "--format=directory",
            "--skip=check/empty", "--include=" + ",".join(packages),
            *(f'--aptopt={key} "{value}"' for key, value in debian.APT_OPTIONS.items()),
            *(["--skip=cleanup/apt/lists"] if whole else EXCLUDE),
            suite, folder, *debian.source_lines(suite)]
    run_logged(argv, log, f"mmdebstrap {suite}")
    text = subprocess.run(["dpkg-query", f"--admindir={folder}/var/lib/dpkg", "-W",
                           "-f", "${Package} ${Version}\n"],
                          capture_output=True, text=True, check=True).stdout
    versions = dict(line.split() for line in text.splitlines())
    return {p: versions[p] for p in packages if p in versions}


def _log(kind):
    return os.path.join(cache.subdir("logs"), f"make-{kind}.log")


def _entry(kind, suite, packages, what, need_mib, whole=False):
    recipe = {"recipe": RECIPE, "suite": suite, "packages": packages}

    def build(tmp):
        os.mkdir(f"{tmp}/root")
        return {"versions": make(suite, packages, f"{tmp}/root", _log(kind), whole=whole)}

    return cache.entry(kind, recipe, build, what, need_mib) + "/root"


def build_root(suite):
    """The root in which this project and the hypervisor are compiled for a suite."""
    if suite not in BUILD:
        raise LabError(f"no build root for suite {suite}: there are {', '.join(BUILD)}")
    return _entry(f"build-root-{suite}", suite, BUILD[suite],
                  f"the {suite} build root (half a minute)", 2000)


def reader_root(suite):
    """The root with the programs that read dumps."""
    if suite not in READERS:
        raise LabError(f"no reader root for suite {suite}: there are {', '.join(READERS)}")
    return _entry(f"readers-{suite}", suite, READERS[suite],
                  f"the {suite} root with crash, drgn, gdb and makedumpfile", 2000)


def packaging_root(suite):
    """The root in which the Debian packages are built and judged by lintian."""
    return _entry(f"packaging-{suite}", suite, [*PACKAGING, SYSTEMD_PC[suite]],
                  f"the {suite} root with Debian's packaging tools (a minute)", 2500)


def clean_root(suite):
    """A root as Debian installs it: what a package brings beside that, it brings itself."""
    return _entry(f"clean-{suite}", suite, ["systemd", "ca-certificates"], f"a clean {suite} root", 800, whole=True)


# Runs in a private mount namespace: $1 the root, $2 a folder to mount things on, $3 the folder to
# start in, then the binds, `--` and the command.  The root itself stays untouched: writes go to a
# layer in memory that ends with the command.
ENTER = r"""
root=$1 work=$2 dir=$3
shift 3
mount -t tmpfs lab "$work"
mkdir "$work/up" "$work/wk" "$work/root"
mount -t overlay lab -o "lowerdir=$root,upperdir=$work/up,workdir=$work/wk" "$work/root" || {
	echo "lab: this kernel cannot mount an overlay; the command was not run" >&2
	exit 99
}
root=$work/root
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t tmpfs tmp "$root/tmp"
[ ! -e /etc/resolv.conf ] || cat /etc/resolv.conf >"$root/etc/resolv.conf"
while [ "$1" != -- ]; do
	if [ -d "$1" ]; then
		mkdir -p "$root$1"
	else
		mkdir -p "$root${1%/*}"
		: >>"$root$1"
	fi
	mount --rbind "$1" "$root$1"
	shift
done
shift
exec chroot "$root" /bin/sh -c 'cd "$0" 2>/dev/null || cd /; exec "$@"' "$dir" "$@"
"""


def enter_argv(root, argv, binds=()):
    """The host command that runs argv in a root, with paths bind-mounted at the same place."""
    host.need_root("entering a Debian root")
    binds = [os.path.abspath(b) for b in binds]
    for b in binds:
        if not os.path.exists(b):
            raise LabError(f"{b}: no such file or folder to bind")
    return ["unshare", "--mount", "--propagation", "private", "--", "/bin/sh", "-e", "-c", ENTER,
            "lab-root", root, cache.subdir("mnt"), os.getcwd(), *binds, "--", *argv]


def enter_env():
    """The environment of a command in a root: nothing of the host's but the terminal."""
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
           "HOME": "/root", "LC_ALL": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb")}
    for name in ("MAKEFLAGS", "COLUMNS", "LINES", "DEBUGINFOD_URLS"):
        if name in os.environ:
            env[name] = os.environ[name]
    return env


def run_in(root, argv, log, what, binds=(), **kwargs):
    """Run a command in a root with its output in a log; LabError when it fails."""
    run_logged([*CONTAINED, *enter_argv(root, argv, binds)], log, what, env=enter_env(), **kwargs)
