#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The real xl-livedump with simulated guests."""

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from world import BUILD, PATIENCE, check, run, started, until  # pylint: disable=wrong-import-position

LIVEDUMP = f"{BUILD}/tests/daemon/xl-livedump"


def livedump(w, *args, status=0, stdout=subprocess.PIPE):
    """Standard output and standard error."""
    r = subprocess.run([LIVEDUMP, *args], env=w.env, stdout=stdout, stderr=subprocess.PIPE, check=False,
                       encoding="utf-8", timeout=PATIENCE)
    check(r.returncode == status, f"{args}: {r.returncode}, not {status}: {r.stdout}{r.stderr}")
    return r.stdout, r.stderr


def verbose(w):
    """-v tells the story of the dump"""
    w.guest(3, "web01").pages = 3072
    _, quiet = livedump(w, "web01", f"{w.dir}/a")
    _, story = livedump(w, "-v", "web01", f"{w.dir}/b")
    for words in ("PVH guest of 3072 pages", "round 0: 3072 pages to copy, 3072 copied", "round 1: ",
                  "strategy precopy; the guest was stopped for ", "the file has "):
        check(words in story and words not in quiet, f"{words!r}: {story}")


def stopped(w):
    """progress says that the guest is stopped when it is, and not before"""
    w.guest(3, "web01").pages = 3072
    _, err = livedump(w, "--strategy=rescan", "web01", f"{w.dir}/a")
    check("copying all pages: " in err and "copying all pages, guest stopped" not in err, err)
    check(0 <= err.find("round 1, dirtied pages") < err.find("guest stopped, reading it once more"), err)
    _, err = livedump(w, "--strategy=stop", "web01", f"{w.dir}/b")
    check("copying all pages, guest stopped" in err, err)


def interrupted(w):
    """Ctrl-C ends the command by the signal when the guest runs and nothing is left; SIGTERM with status 13"""
    g = w.guest(3, "web01")
    g.pages = 3072
    g.delay_us = 100000
    for sig, want in ((signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 13)):
        steps = g.steps
        with started(w, LIVEDUMP, "web01", f"{w.dir}/x", stderr=subprocess.DEVNULL) as dumps:
            until(lambda steps=steps: g.steps > steps + 8, "it is under way")
            dumps.send_signal(sig)
            check(dumps.wait(PATIENCE) == want, f"{sig} gives {dumps.returncode}")
        check(g.left_alone() and not os.path.exists(f"{w.dir}/x"), "nothing is left")


def no_output(w):
    """a result that cannot be printed is told, and where the dump is, which is complete"""
    w.guest(3, "web01")
    with open("/dev/full", "wb") as full:
        _, err = livedump(w, "web01", f"{w.dir}/a", status=1, stdout=full)
    check("cannot be written to standard output" in err and f"complete: {w.dir}/a" in err, err)
    check(os.path.exists(f"{w.dir}/a"), "it is there")


def escaped(w):
    """a name as xldumpctl list shows it"""
    w.guest(3, "b\u00fccher")
    livedump(w, r"b\xc3\xbccher", f"{w.dir}/a")


def left_out(w):
    """without -f, -d or -c makes a kdump file, and so does a pipe"""
    w.guest(3, "web01")

    def magic(path):
        with open(path, "rb") as f:
            return f.read(8)

    for option in ("-d1", "-czstd"):
        livedump(w, "--force", option, "web01", f"{w.dir}/a")
        check(magic(f"{w.dir}/a") == b"KDUMP   ", option)
    livedump(w, "--force", "-d1", "-felf", "web01", f"{w.dir}/a")
    check(magic(f"{w.dir}/a")[:4] == b"\x7fELF", "with -f it is what was asked for")
    for form, kind in (((), b"KDUMP   "), (("-felf",), b"\x7fELF")):
        with open(f"{w.dir}/pipe", "wb") as f:
            livedump(w, "-q", *form, "web01", "-", stdout=f.fileno())
        with open(f"{w.dir}/pipe", "rb") as f:
            check(kind in f.read(), form)


TESTS = [verbose, stopped, interrupted, no_output, escaped, left_out]

if __name__ == "__main__":
    run(TESTS)
