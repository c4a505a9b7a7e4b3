# SPDX-License-Identifier: GPL-2.0-or-later
"""What every part of the lab uses: its error, its messages, running a host command."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

LAB_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CHECKOUT = os.path.dirname(os.path.dirname(LAB_DIR))

# The lab's own failure, apart from any status that a script is likely to exit with.
EXIT_LAB = 99
EXIT_STANDS_STILL = 98

PR_SET_PDEATHSIG = 1

_started = time.monotonic()


class LabError(Exception):
    """The lab itself failed.  The text says what, and the way out."""


class StandsStill(LabError):
    """The emulated machine computes nothing any more: QEMU's fault, so it is worth another try."""


class Quiet:
    """Whether progress messages are wanted; errors are always shown."""
    on = False


def say(text):
    """A line of progress on stderr, with the seconds since the driver started."""
    if not Quiet.on:
        print(f"lab: [{time.monotonic() - _started:6.1f}] {text}", file=sys.stderr, flush=True)


def tail(path, lines=15):
    """The last lines of a text file, or an empty string."""
    try:
        with open(path, "rb") as f:
            f.seek(0, os.SEEK_END)
            f.seek(max(0, f.tell() - 16384))
            text = f.read().decode("utf-8", "replace").replace("\r", "")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def die_with_parent(number):
    """For preexec_fn: what the driver started must not outlive a driver that was killed."""
    def prepare():
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    return prepare


def end_group(process, seconds):
    """End a process that leads its own group, and the group, the soft way and then the hard way."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return


def run_logged(argv, log, what, **kwargs):
    """Run a command with its output appended to the file `log`.

    Raises LabError with the end of the log when it fails; ends it when we are to end."""
    with open(log, "ab") as out:
        try:
            # pylint: disable=subprocess-popen-preexec-fn,consider-using-with
            p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, process_group=0,
                                 stderr=subprocess.STDOUT,
                                 preexec_fn=die_with_parent(signal.SIGKILL), **kwargs)
        except FileNotFoundError:
            raise LabError(f"{what}: {argv[0]} is not installed") from None
        try:
            p.wait()
        except BaseException:
            end_group(p, 10)
            raise
    if p.returncode != 0:
        raise LabError(f"{what} failed (exit {p.returncode}); the end of {log}:\n{tail(log)}")


def output_of(argv, what, **kwargs):
    """The standard output of a command as text; LabError when it fails."""
    try:
        r = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           check=False, **kwargs)
    except FileNotFoundError:
        raise LabError(f"{what}: {argv[0]} is not installed") from None
    if r.returncode != 0:
        raise LabError(f"{what} failed (exit {r.returncode}): {r.stderr.strip()[-2000:]}")
    return r.stdout
