# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver's end of the channel to the agent in dom0; dom0/agent_frames.h has the frames."""

import os
import select
import socket
import struct
import time

from labkit.common import LabError

RUN, STDIN, EOF, SIGNAL, WINSIZE = 1, 2, 3, 4, 5
HELLO, STDOUT, STDERR, EXIT = 16, 17, 18, 19

RUN_TERMINAL = 1

# Input is sent in pieces of this size; the agent queues what the command has not read yet.
CHUNK = 32768


class Gone(LabError):
    """The channel ended: QEMU, Xen or dom0 died."""


class TimedOut(LabError):
    """The deadline passed."""


class Agent:
    """Runs commands in dom0, one at a time."""

    def __init__(self, sock, check=lambda: None):
        """check is called while nothing comes, and raises if nothing will."""
        self.sock = sock
        self.check_machine = check
        self.buffer = bytearray()

    def _send(self, kind, payload=b""):
        try:
            self.sock.sendall(struct.pack("<II", kind, len(payload)) + payload)
        except OSError:
            raise Gone("the emulated machine is gone") from None

    def _frame(self):
        """One whole frame out of the buffer, or None."""
        if len(self.buffer) < 8:
            return None
        kind, length = struct.unpack_from("<II", self.buffer)
        if len(self.buffer) < 8 + length:
            return None
        payload = bytes(self.buffer[8:8 + length])
        del self.buffer[:8 + length]
        return kind, payload

    def _receive(self):
        try:
            data = self.sock.recv(1 << 18, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise Gone("the emulated machine ended by itself")
        self.buffer += data

    def _wait(self, fds, deadline, what):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimedOut(f"{what}: no end within the time limit")
        self.check_machine()
        return select.select([self.sock, *fds], [], [], min(left, 1.0))[0]

    def wait_hello(self, deadline):
        """Wait until dom0 is up."""
        while True:
            frame = self._frame()
            if frame and frame[0] == HELLO:
                return
            if frame is None and self.sock in self._wait([], deadline, "dom0's start"):
                self._receive()

    def resize(self, rows, columns):
        """Tell the command's terminal its size."""
        self._send(WINSIZE, struct.pack("<II", rows, columns))

    def signal(self, number):
        """Send a signal to the command and its children."""
        self._send(SIGNAL, struct.pack("<I", number))

    def run(self, argv, deadline, stdin=None, out=None, err=None, terminal=None):
        """Run a command; returns its exit status.

        stdin is a file descriptor or None; out and err are called with bytes as they come;
        terminal is (rows, columns) to run on a pseudo terminal."""
        rows, columns = terminal or (0, 0)
        head = struct.pack("<IHH", RUN_TERMINAL if terminal else 0, rows, columns)
        self._send(RUN, head + b"".join(os.fsencode(a) + b"\0" for a in argv))
        if stdin is None and not terminal:
            self._send(EOF)
        return self._serve(deadline, " ".join(argv)[:200], stdin, out, err)

    def abort(self, deadline):
        """Kill the command that ran into its deadline, so that another can run."""
        self.signal(9)
        self._serve(deadline, "killing the command", None, None, None)

    def _serve(self, deadline, what, stdin, out, err):
        """Pass input and output on until the command ends; its exit status."""
        while True:
            frame = self._frame()
            if frame is None:
                ready = self._wait([] if stdin is None else [stdin], deadline, what)
                if self.sock in ready:
                    self._receive()
                if stdin is not None and stdin in ready:
                    stdin = self._forward_input(stdin)
                continue
            kind, payload = frame
            if kind == STDOUT and out:
                out(payload)
            elif kind == STDERR and err:
                err(payload)
            elif kind == EXIT:
                return struct.unpack("<I", payload)[0]

    def _forward_input(self, fd):
        data = os.read(fd, CHUNK)
        if not data:
            self._send(EOF)
            return None
        self._send(STDIN, data)
        return fd

    def check(self, argv, deadline):
        """Run a command that must succeed; returns its output as text."""
        got = []
        status = self.run(argv, deadline, out=got.append, err=got.append)
        text = b"".join(got).decode("utf-8", "replace")
        if status != 0:
            raise LabError(f"in dom0: {' '.join(argv)[:200]}: exit {status}: {text.strip()}")
        return text
