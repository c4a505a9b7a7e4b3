# SPDX-License-Identifier: GPL-2.0-or-later
"""xenstored over its socket protocol (docs/misc/xenstore.txt), in a thread of the test.

Each connection is domain 0's.  A transaction works on a copy of the tree and fails with EAGAIN if the
tree has changed meanwhile.  It can be slow, and can answer errors, on demand."""

import collections
import contextlib
import copy
import os
import socket
import struct
import threading
import time

(CONTROL, DIRECTORY, READ, GET_PERMS, WATCH, UNWATCH, TRANSACTION_START, TRANSACTION_END, INTRODUCE,
 RELEASE, GET_DOMAIN_PATH, WRITE, MKDIR, RM, SET_PERMS, WATCH_EVENT, ERROR) = range(17)

CHANGING = {TRANSACTION_END: "end", WRITE: "write", MKDIR: "mkdir", RM: "rm", SET_PERMS: "chmod"}

HEADER = struct.Struct("<IIII")


class Refused(Exception):
    """An error of the protocol: the name of an errno."""


class Node:
    """A value, its permissions and the nodes below."""

    def __init__(self, perms):
        self.value = b""
        self.perms = list(perms)
        self.below = {}


class Tree:
    """All nodes, and a number that tells whether they have changed."""

    def __init__(self):
        self.root = Node(["n0"])
        self.changes = 0

    def find(self, path):
        """The node of a path; Refused when there is none."""
        node = self.root
        for part in [p for p in path.split("/") if p]:
            if part not in node.below:
                raise Refused("ENOENT")
            node = node.below[part]
        return node

    def make(self, path):
        """The node of a path, made with the permissions of its parent if need be."""
        node = self.root
        for part in [p for p in path.split("/") if p]:
            if part not in node.below:
                node.below[part] = Node(node.perms)
            node = node.below[part]
        self.changes += 1
        return node

    def remove(self, path):
        """Remove a node and all below."""
        parent, _, name = path.rpartition("/")
        try:
            node = self.find(parent)
        except Refused:
            raise Refused("ENOENT") from None
        if node.below.pop(name, None) is None:
            raise Refused("ENOENT")
        self.changes += 1


class Connection(threading.Thread):
    """One client."""

    def __init__(self, store, sock):
        super().__init__(daemon=True)
        self.store = store
        self.sock = sock
        self.watches = []
        self.transactions = {}
        self.next_transaction = 1

    def read_exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    def send(self, kind, request, transaction, payload):
        self.sock.sendall(HEADER.pack(kind, request, transaction, len(payload)) + payload)

    def event(self, path, token):
        try:
            self.send(WATCH_EVENT, 0, 0, path.encode() + b"\0" + token + b"\0")
        except OSError:
            pass

    def run(self):
        try:
            while True:
                kind, request, transaction, length = HEADER.unpack(self.read_exactly(HEADER.size))
                payload = self.read_exactly(length)
                if self.store.delay:
                    time.sleep(self.store.delay)
                with self.store.lock:
                    self.answer(kind, request, transaction, payload)
        except OSError:
            pass
        finally:
            with self.store.lock:
                if self in self.store.connections:
                    self.store.connections.remove(self)

    def answer(self, kind, request, transaction, payload):
        fired = []
        try:
            error = self.store.error_for(kind, payload)
            if error:
                raise Refused(error)
            answer = self.handle(kind, transaction, payload, fired)
        except Refused as e:
            self.send(ERROR, request, transaction, str(e).encode() + b"\0")
            return
        self.send(kind, request, transaction, answer)
        for path in fired:
            self.store.fire_locked(path)

    def handle(self, kind, transaction, payload, fired):
        tree = self.transactions[transaction][0] if transaction else self.store.tree
        parts = payload.split(b"\0")
        path = parts[0].decode(errors="surrogateescape")
        if kind in CHANGING:
            self.store.history.append(f"{self.name} {CHANGING[kind]} {transaction} {path}")
        if kind == TRANSACTION_START:
            number = self.next_transaction
            self.next_transaction += 1
            self.transactions[number] = (copy.deepcopy(self.store.tree), self.store.tree.changes, [])
            return str(number).encode() + b"\0"
        if kind == TRANSACTION_END:
            tree, changes, paths = self.transactions.pop(transaction)
            if parts[0] == b"T":
                if self.store.tree.changes != changes:
                    raise Refused("EAGAIN")
                self.store.tree = tree
                fired += paths
            return b"OK\0"
        if transaction:
            fired = self.transactions[transaction][2]
        if kind == READ:
            return tree.find(path).value
        if kind == DIRECTORY:
            return b"".join(n.encode(errors="surrogateescape") + b"\0"
                            for n in tree.find(path).below)
        if kind == GET_PERMS:
            return b"".join(p.encode() + b"\0" for p in tree.find(path).perms)
        if kind == WRITE:
            tree.make(path).value = payload[len(parts[0]) + 1:]
            fired.append(path)
            return b"OK\0"
        if kind == MKDIR:
            try:
                tree.find(path)
            except Refused:
                tree.make(path)
                fired.append(path)
            return b"OK\0"
        if kind == RM:
            try:
                tree.remove(path)
                fired.append(path)
            except Refused:
                pass
            return b"OK\0"
        if kind == SET_PERMS:
            tree.find(path).perms = [p.decode() for p in parts[1:] if p]
            tree.changes += 1
            fired.append(path)
            return b"OK\0"
        if kind == WATCH:
            self.watches.append((path, parts[1]))
            # Each fires once when it is registered.
            self.store.later.append((self, path, parts[1]))
            self.store.wake.set()
            return b"OK\0"
        if kind == UNWATCH:
            self.watches = [w for w in self.watches if w != (path, parts[1])]
            return b"OK\0"
        raise Refused("ENOSYS")


class FakeXenstored:
    """The server; the test uses its methods from its own thread."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.RLock()
        self.tree = Tree()
        self.connections = []
        self.delay = 0
        self.errors = {}
        # What was done last, for a test that fails.
        self.history = collections.deque(maxlen=80)
        self.later = []
        self.wake = threading.Event()
        self.tree.make("/tool")
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(path)
        self.sock.listen(16)
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()
        threading.Thread(target=self._first_events, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            c = Connection(self, sock)
            with self.lock:
                self.connections.append(c)
            c.start()

    def _first_events(self):
        while True:
            self.wake.wait()
            with self.lock:
                self.wake.clear()
                todo, self.later = self.later, []
                for c, path, token in todo:
                    c.event(path, token)

    def error_for(self, kind, payload):
        """The error that a request of this kind is to have now; see fail()."""
        name, count, only = self.errors.get(kind, (None, 0, b""))
        if not count or only not in payload:
            return None
        self.errors[kind] = (name, count - 1, only)
        return name

    def fire_locked(self, path):
        for c in self.connections:
            for watched, token in c.watches:
                if path == watched or path.startswith(watched + "/") or \
                        watched.startswith(path + "/"):
                    c.event(path if not watched.startswith(path + "/") else watched, token)

    # ---- for the test ----

    def fire(self, path):
        """An event of a watch."""
        with self.lock:
            self.fire_locked(path)

    def write(self, nodes, perms=None):
        """Write nodes, {path: value}, at one instant; perms are those of each."""
        with self.lock:
            for path, value in nodes.items():
                node = self.tree.make(path)
                node.value = value if isinstance(value, bytes) else value.encode()
                if perms:
                    node.perms = list(perms)
            for path in nodes:
                self.fire_locked(path)

    def read(self, path):
        """Value of a node as a text; None when there is none."""
        with self.lock:
            try:
                return self.tree.find(path).value.decode(errors="replace")
            except Refused:
                return None

    def names(self, path):
        """Names of the nodes below one."""
        with self.lock:
            try:
                return list(self.tree.find(path).below)
            except Refused:
                return []

    def listing(self, path):
        """All nodes below one, a line each with its value."""
        lines = []
        with self.lock:
            with contextlib.suppress(Refused):
                lines.append(f"{path} = {self.tree.find(path).value!r}")
        for name in self.names(path):
            lines += self.listing(f"{path}/{name}")
        return lines

    def perms(self, path):
        """Permissions of a node."""
        with self.lock:
            return list(self.tree.find(path).perms)

    def remove(self, path):
        """Remove a node."""
        with self.lock:
            self.tree.remove(path)
            self.fire_locked(path)

    def fail(self, kind, name, count, only=b""):
        """The next requests of a kind, with these bytes in them, get an error."""
        with self.lock:
            self.errors[kind] = (name, count, only)

    def close(self):
        """End, as if it had died.

        No thread may be left in accept(2): when the kernel restarts that, it goes by the number of the
        descriptor, which by then is that of the next test's server, and takes a connection away from it."""
        self.sock.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
        self.sock.close()
        with self.lock:
            connections = list(self.connections)
        for c in connections:
            with contextlib.suppress(OSError):
                c.sock.shutdown(socket.SHUT_RDWR)
            c.join()
            c.sock.close()
        os.unlink(self.path)
