# SPDX-License-Identifier: GPL-2.0-or-later
"""This project, compiled in the build root of a suite, as a tar to unpack over dom0's root.

Each suite and checkout has its own build folder in the cache: a copy of the sources that keeps
their times, so that make does only what changed."""

import glob
import os
import shutil
import subprocess

from labkit import cache, roots
from labkit.common import CHECKOUT, LabError, run_logged, say

# Raised when the steps below change, so that build folders start afresh.
RECIPE = 2

# A compiler is asked once for the same text, whichever checkout has it: the sources have relative names.
CCACHE = ["PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin", "CCACHE_NOHASHDIR=1", "CCACHE_MAXSIZE=2G"]

# Where dom0 finds the programs that `make check` builds under tests/readers and tests/lab.
TESTS_DIR = "usr/libexec/xldump-tests"

CONFIGURE = ["--prefix=/usr", "--sysconfdir=/etc", "--localstatedir=/var"]

# What decides about configure; everything else is make's business.
CONFIGURE_INPUTS = (".ac", ".am", ".m4")

COPY_PROGRAMS = r"""
cd "$1"
mkdir -p "$2"
for p in tests/readers/* tests/lab/dom0/*; do
	[ -f "$p" ] && [ -x "$p" ] || continue
	case $p in *.o|*.lo|*.la|*.sh|*.py) continue ;; esac
	./libtool --quiet --mode=install install -c "$p" "$2/"
done
cp "$3/tests/tap.sh" "$2/"
"""


def source_files():
    """All files of the checkout that git knows or would add."""
    r = subprocess.run(["git", "-c", f"safe.directory={CHECKOUT}", "-C", CHECKOUT, "ls-files",
                        "-z", "--cached", "--others", "--exclude-standard"],
                       capture_output=True, check=False)
    if r.returncode == 0:
        names = {os.fsdecode(n) for n in r.stdout.split(b"\0") if n}
    else:
        # A release tarball: everything but what a build leaves.
        names = {os.path.relpath(os.path.join(d, f), CHECKOUT)
                 for d, _, files in os.walk(CHECKOUT) for f in files}
    return sorted(n for n in names if os.path.lexists(os.path.join(CHECKOUT, n)))


def _state(names, wanted=lambda n: True):
    """A digest of names, sizes and times of files of the checkout."""
    rows = []
    for n in names:
        if wanted(n):
            s = os.lstat(os.path.join(CHECKOUT, n))
            rows.append((n, s.st_size, s.st_mtime_ns, s.st_mode))
    return cache.digest_of_text(rows)


def _copy_sources(names, src):
    """Bring the copy of the sources up to date; files that vanished go."""
    known = set(names)
    for d, _, files in os.walk(src):
        for f in files:
            rel = os.path.relpath(os.path.join(d, f), src)
            if rel not in known and _was_copied(src, rel):
                os.unlink(os.path.join(src, rel))
    for n in names:
        a, b = os.path.join(CHECKOUT, n), os.path.join(src, n)
        sa = os.lstat(a)
        try:
            sb = os.lstat(b)
            if (sa.st_size, sa.st_mtime_ns) == (sb.st_size, sb.st_mtime_ns):
                continue
            os.unlink(b)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(b), exist_ok=True)
        shutil.copy2(a, b, follow_symlinks=False)
    with open(src + ".list", "w", encoding="utf-8", errors="surrogateescape") as f:
        f.write("\0".join(names))


def _was_copied(src, rel):
    """Whether a file came from the checkout, and not from autoreconf."""
    try:
        with open(src + ".list", encoding="utf-8", errors="surrogateescape") as f:
            return rel in f.read().split("\0")
    except OSError:
        return False


class Build:
    """The build folder of one suite."""

    def __init__(self, suite):
        self.root = roots.build_root(suite)
        key = cache.digest_of_text(CHECKOUT, self.root, RECIPE)[:12]
        self.key = f"{suite}-{key}"
        self.dir = cache.subdir(f"build/{self.key}")
        self._drop_older(suite)
        self.src = f"{self.dir}/src"
        self.obj = f"{self.dir}/obj"
        self.log = f"{self.dir}/log"

    def _stamp(self, name):
        try:
            with open(f"{self.dir}/{name}", encoding="ascii") as f:
                return f.read()
        except OSError:
            return None

    def _set_stamp(self, name, value):
        with open(f"{self.dir}/{name}", "w", encoding="utf-8") as f:
            f.write(value)

    def _run(self, argv, folder, what):
        ccache = cache.subdir("ccache")
        argv = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', folder, "env", *CCACHE, f"CCACHE_DIR={ccache}", *argv]
        roots.run_in(self.root, argv, self.log, what, binds=[self.dir, ccache])

    def _configure(self, names):
        want = _state(names, lambda n: n.endswith(CONFIGURE_INPUTS))
        if self._stamp("configured") == want and os.path.exists(f"{self.obj}/Makefile"):
            return
        self._run(["autoreconf", "-fi"], self.src, "autoreconf")
        os.makedirs(self.obj, exist_ok=True)
        self._run(["../src/configure", *CONFIGURE], self.obj, "configure")
        self._set_stamp("configured", want)

    def _test_programs(self, dest):
        """Programs of tests/readers and tests/lab that are meant to run in dom0; a fault there is no reason
        not to run the rest."""
        try:
            self._run(["make", "-k", f"-j{os.cpu_count()}", "programs-for-dom0"], self.obj,
                      "make programs-for-dom0")
        except LabError:
            say(f"some test programs do not compile, see {self.log}")
        if glob.glob(f"{self.obj}/tests/readers/*"):
            self._run(["/bin/sh", "-c", COPY_PROGRAMS, "copy", self.obj,
                       f"{dest}/{TESTS_DIR}", self.src], self.obj, "copying test programs")

    def _drop_older(self, suite):
        """Remove build folders of this checkout and suite for build roots that are gone."""
        self._set_stamp("checkout", CHECKOUT)
        folder = os.path.dirname(self.dir)
        for name in os.listdir(folder):
            if not name.startswith(suite + "-") or name == self.key:
                continue
            try:
                with open(f"{folder}/{name}/checkout", encoding="utf-8") as f:
                    if f.read() == CHECKOUT:
                        shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
            except OSError:
                continue

    def make(self):
        """Path of the tar, up to date with the checkout."""
        with cache.lock(f"build-{self.key}"):
            names = source_files()
            want = _state(names)
            tar = f"{self.dir}/install.tar"
            if self._stamp("installed") == want and os.path.exists(tar):
                return tar
            cache.need_space(self.dir, 500, "compiling the project")
            say("compiling the project")
            with open(self.log, "wb"):
                pass
            os.makedirs(self.src, exist_ok=True)
            _copy_sources(names, self.src)
            self._configure(names)
            self._run(["make", f"-j{os.cpu_count()}"], self.obj, "make")
            dest = f"{self.dir}/dest"
            shutil.rmtree(dest, ignore_errors=True)
            self._run(["make", "install", f"DESTDIR={dest}"], self.obj, "make install")
            self._test_programs(dest)
            run_logged(["tar", "-c", "-f", tar + ".new", "-C", dest, "."], self.log, "tar")
            os.rename(tar + ".new", tar)
            if _state(names) == want:
                self._set_stamp("installed", want)
            return tar


def install_tar(suite):
    """Path of the tar of this project for a suite, compiled if it changed."""
    if not os.path.exists(f"{CHECKOUT}/configure.ac"):
        raise LabError("there is no configure.ac in the checkout, so there is nothing to install "
                       "into dom0: use --no-install")
    b = Build(suite)
    try:
        return b.make()
    except LabError as e:
        raise LabError(f"the project does not compile for {suite} (--no-install runs the lab "
                       f"without it): {e}") from None
