# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of a service manager that keeps descriptors for a service (sd_pid_notify_with_fds(3),
sd_listen_fds(3)), in a thread of the test."""

import array
import os
import socket
import sys
import threading

FIRST_FD = 3

# A program that becomes the service: its descriptors are numbered from 3, and it is told its own number.
BECOME = """
import fcntl, os, sys
fds = [int(n) for n in sys.argv[1].split()]
high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for fd in fds]
for fd in fds:
    os.close(fd)
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


class FakeManager:
    """NOTIFY_SOCKET is `path`; `kept` is what the service has left, by name, and `said` all that it says of itself."""

    def __init__(self, path):
        self.path = path
        self.kept = {}
        self.said = {}
        self.lock = threading.Lock()
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        self.serving = threading.Thread(target=self._serve, daemon=True)
        self.serving.start()

    def _serve(self):
        size = array.array("i").itemsize
        while True:
            try:
                text, more, _, _ = self.sock.recvmsg(4096, socket.CMSG_SPACE(16 * size))
            except OSError:
                return
            if not text:
                return
            fds = array.array("i")
            for level, kind, data in more:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds.frombytes(data[:len(data) - len(data) % size])
            said = dict(line.partition("=")[::2] for line in text.decode().splitlines())
            with self.lock:
                self.said.update(said)
                if said.get("FDSTORE") == "1":
                    for fd in fds:
                        self._forget(said["FDNAME"])
                        self.kept[said["FDNAME"]] = fd
                elif said.get("FDSTOREREMOVE") == "1":
                    self._forget(said["FDNAME"])

    def _forget(self, name):
        if name in self.kept:
            os.close(self.kept.pop(name))

    def stopped(self):
        """The service is stopped for good: nothing is kept."""
        with self.lock:
            for name in list(self.kept):
                self._forget(name)

    def command(self, argv):
        """(what to run instead of argv, descriptors that it needs)"""
        with self.lock:
            names, fds = list(self.kept), list(self.kept.values())
        return [sys.executable, "-c", BECOME, " ".join(map(str, fds)), ":".join(names), *argv], fds

    def close(self):
        """End.  No thread may be left with a descriptor that soon is another's."""
        self.sock.shutdown(socket.SHUT_RDWR)
        self.serving.join()
        self.sock.close()
        self.stopped()
