# SPDX-License-Identifier: GPL-2.0-or-later
"""A host for one test of xldumpd: guests in a file (hv_host.c), a xenstored in a thread, the daemon as a
process, an xl that obeys as the real one does, and TAP."""

import contextlib
import fcntl
import glob
import json
import mmap
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid as uuids

from fake_manager import FakeManager
from fake_xenstored import FakeXenstored

BUILD = os.path.abspath(os.environ.get("top_builddir", "."))
DAEMON = f"{BUILD}/tests/daemon/xldumpd"
KERNEL = f"{BUILD}/tests/daemon/make_kernel"
CTL = f"{BUILD}/xldumpctl"
LIVEDUMP = f"{BUILD}/xl-livedump"
ROOT = "/tool/xldump"
FINAL = ("done", "failed", "refused", "cancelled")

# struct guest of hv_host.c
FIELDS = ("domid", "shutdown", "reason", "dying", "pauses", "unpauses", "log_on", "delay_us", "steps",
          "map_error", "pages", "hvm")
UUID_AT = 96
NAME_AT = 112

# Nothing here takes as long on any machine; who waits longer waits for ever.
PATIENCE = 120


class Failed(Exception):
    """A test point that did not hold."""


class Skipped(Exception):
    """What a test needs is not here."""


def check(condition, what):
    """A test goes on, or ends here."""
    if not condition:
        raise Failed(what)


def until(condition, what):
    """Wait for something; its value."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise Failed(f"waited in vain for: {what}")


class Guest:
    """One domain of the host."""

    def __init__(self, world, domid, name, uuid=None):
        object.__setattr__(self, "world", world)
        object.__setattr__(self, "at", domid * 4096)
        object.__setattr__(self, "uuid", uuid or str(uuids.uuid4()))
        object.__setattr__(self, "name", name)
        raw = name.encode()[:63] + b"\0"
        world.host[self.at + 8:self.at + 4096] = bytes(4088)
        world.host[self.at + UUID_AT:self.at + UUID_AT + 16] = uuids.UUID(self.uuid).bytes
        world.host[self.at + NAME_AT:self.at + NAME_AT + len(raw)] = raw
        self.pages = 256
        self.domid = domid

    def __getattr__(self, field):
        i = self.at + 8 * FIELDS.index(field)
        return struct.unpack("<Q", self.world.host[i:i + 8])[0]

    def __setattr__(self, field, value):
        i = self.at + 8 * FIELDS.index(field)
        self.world.host[i:i + 8] = struct.pack("<Q", value)

    def userdata(self, kind, name):
        """A file of libxl about it."""
        number = self.at // 4096
        return f"{self.world.libxl}/userdata-{kind}.{number}.{self.uuid}.{name}"

    def configure(self, **actions):
        """Write what libxl would: on_crash="destroy" and so on; what is libxl's default it omits."""
        config = {"c_info": {"name": self.name, "uuid": self.uuid}}
        config.update({k: v for k, v in actions.items() if v != "destroy"})
        with open(self.userdata("d", "libxl-json"), "w", encoding="ascii") as f:
            json.dump(config, f)

    def go_down(self, reason=3):
        """End: 3 is a crash."""
        self.reason = reason
        self.shutdown = 1

    def vanish(self):
        """What libxl does last, under its lock: the domain and its userdata go."""
        self.domid = 0
        for kind, name in (("d", "libxl-json"), ("l", "domain-userdata-lock")):
            try:
                os.unlink(self.userdata(kind, name))
            except FileNotFoundError:
                pass

    def destroy_as_libxl(self):
        """Wait for the lock as libxl does (libxl_internal.c), then vanish.  In a thread."""
        def run():
            path = self.userdata("l", "domain-userdata-lock")
            while True:
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(fd, fcntl.LOCK_EX)
                try:
                    if os.fstat(fd).st_ino == os.stat(path).st_ino:
                        break
                except FileNotFoundError:
                    pass
                os.close(fd)
            self.vanish()
            os.close(fd)
            self.world.store.fire("@releaseDomain")
        t = threading.Thread(target=run, daemon=True)
        t.start()
        return t

    def left_alone(self):
        """Nothing that a dump does to a guest is left."""
        return self.pauses == 0 and self.log_on == 0


class World:
    """The host, for one test."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="xldumpd-test.")
        self.spool = f"{self.dir}/dumps"
        self.libxl = f"{self.dir}/libxl"
        self.config = f"{self.dir}/xldumpd.conf"
        self.log = f"{self.dir}/log"
        for d in (self.libxl, f"{self.dir}/bin"):
            os.mkdir(d)
        with open(f"{self.dir}/host", "wb") as f:
            f.truncate(64 * 4096)
        with open(f"{self.dir}/host", "r+b") as f:
            self.host = mmap.mmap(f.fileno(), 64 * 4096)
        self.store = FakeXenstored(f"{self.dir}/xenstored")
        self.configure()
        with open(f"{self.dir}/bin/xl", "w", encoding="ascii") as f:
            f.write(f'#!/bin/sh\necho "$@" >> {self.dir}/xl.log\n')
        os.chmod(f"{self.dir}/bin/xl", 0o755)
        self.env = dict(os.environ, XENSTORED_PATH=f"{self.dir}/xenstored",
                        XLDUMP_TEST_HOST=f"{self.dir}/host",
                        XLDUMP_TEST_HV=f"{BUILD}/.libs/hv_host.so",
                        XLDUMP_TEST_UNDO=f"{self.dir}/undo",
                        XLDUMP_TEST_MEMORY=f"{self.dir}/memory",
                        PATH=f"{self.dir}/bin:{os.environ['PATH']}")
        for name in ("INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_USEC"):
            self.env.pop(name, None)
        self.daemon = None
        self.manager = None
        self.inside = []

    def with_file_system(self, mib):
        """The folder of the dumps is to be a file system of this size, which the daemon alone sees."""
        unshare = ["unshare", "--mount", "--user", "--map-root-user"]
        os.makedirs(self.spool, 0o700)
        r = subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", self.spool], capture_output=True,
                           text=True, check=False)
        if r.returncode != 0:
            raise Skipped(f"no file system can be mounted: {r.stderr.strip()}")
        self.inside = [*unshare, "sh", "-c",
                       f'mount -t tmpfs -o size={mib}m,mode=0700 none {self.spool} && exec "$@"', "-"]

    def mount(self, mib):
        """The same while it runs."""
        subprocess.run(["nsenter", f"--target={self.daemon.pid}", "--mount", "--user", "--preserve-credentials",
                        "mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0700", "none", self.spool], check=True)

    def unmount(self):
        """Lazily, as a host does that shuts down its storage."""
        subprocess.run(["nsenter", f"--target={self.daemon.pid}", "--mount", "--user", "--preserve-credentials",
                        "umount", "-l", self.spool], check=True)

    def with_manager(self):
        """The daemon is to have a service manager."""
        self.manager = FakeManager(f"{self.dir}/notify")
        self.env["NOTIFY_SOCKET"] = self.manager.path

    def configure(self, *lines):
        """Write the configuration."""
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f'spool = "{self.spool}"\nkeep_free_mib = 0\n')
            f.writelines(line + "\n" for line in lines)

    def guest(self, domid, name=None, uuid=None, **actions):
        """A new guest; with actions, one of libxl."""
        g = Guest(self, domid, name or f"guest{domid}", uuid)
        self.store.write({f"/local/domain/{domid}/name": g.name})
        if actions:
            g.configure(**actions)
        return g

    def fail_lists(self, error):
        """The list of domains cannot be had, but this errno; 0: again it can."""
        self.host[:8] = struct.pack("<Q", error)

    def kernel(self):
        """Memory of all HVM guests: that of a Linux kernel.  Where it says that it has panicked."""
        r = subprocess.run([KERNEL, f"{self.dir}/memory"], capture_output=True, text=True, check=True)
        return int(r.stdout)

    def kexec(self, release):
        """The memory of HVM guests becomes that of another kernel, while they are looked at."""
        other = f"{self.dir}/other"
        subprocess.run([KERNEL, other, release], capture_output=True, check=True)
        with open(other, "rb") as new, open(f"{self.dir}/memory", "r+b") as memory:
            memory.write(new.read())

    def poke(self, paddr, value):
        """Write 32 bits to the memory of HVM guests."""
        with open(f"{self.dir}/memory", "r+b") as f:
            f.seek(paddr)
            f.write(struct.pack("<I", value))

    def start(self, want=None):
        """Start the daemon, and wait until it serves; or until it has ended with a status that is wanted."""
        self.begin()
        if want is not None:
            check(self.daemon.wait(PATIENCE) == want, f"it ends with status {want}")
            self.daemon = None
            return
        pid = str(self.daemon.pid)
        until(lambda: self.daemon.poll() is not None or
              (self.store.read(f"{ROOT}/daemon/pid") == pid and self.said(": ready")),
              "the daemon is ready")
        check(self.daemon.poll() is None, "the daemon has started")

    def begin(self):
        """Start the daemon."""
        argv = [DAEMON, "-c", self.config, f"--state-dir={self.dir}/state", f"--libxl-dir={self.libxl}"]
        fds = ()
        if self.manager:
            argv, fds = self.manager.command(argv)
        argv = [*self.inside, *argv]
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen(argv, env=self.env, stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=log, pass_fds=fds)

    def stop(self, how=signal.SIGTERM):
        """End the daemon; its exit status."""
        if self.daemon is None:
            return None
        self.daemon.send_signal(how)
        status = self.daemon.wait(PATIENCE)
        self.daemon = None
        return status

    def workers(self):
        """Processes of workers."""
        r = subprocess.run(["pgrep", "-P", str(self.daemon.pid)], capture_output=True, text=True,
                           check=False)
        return [int(p) for p in r.stdout.split()]

    def kill_worker(self):
        """kill -9 of a worker, if there is one; never of who has its number by then."""
        for pid in self.workers():
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            if pid in self.workers():
                try:
                    signal.pidfd_send_signal(fd, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            os.close(fd)

    def said(self, text, times=1):
        """Whether the log has it, so many times."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read().count(text) >= times

    def request(self, name, **nodes):
        """Write a request as a client does."""
        self.store.write({f"{ROOT}/request/{name}/{k.replace('_', '-')}": v
                          for k, v in nodes.items()})

    def node(self, name, node):
        """A node of a request."""
        return self.store.read(f"{ROOT}/request/{name}/{node}")

    def end_of(self, name):
        """Wait for the end of a request; its state."""
        return until(lambda: self.node(name, "state") in FINAL and self.node(name, "state"),
                     f"the end of {name}")

    def crash_of(self, domid):
        """The name of the request that the daemon made for a crash; waits for it."""
        def find():
            names = self.store.names(f"{ROOT}/request")
            return [n for n in names if n.startswith(f"crash-{domid}-")]
        return until(find, f"a dump of the crash of {domid}")[0]

    def dumps(self):
        """Names of the files in the spool that look like dumps, temporary ones included."""
        return sorted(n for n in os.listdir(self.folder()) if not n.endswith(".json"))

    def folder(self):
        """The folder of the dumps as the daemon sees it."""
        return f"/proc/{self.daemon.pid}/root{self.spool}" if self.inside else self.spool

    def queued(self):
        """Files of the queue."""
        return glob.glob(f"{self.dir}/state/queue/*.job")

    def good(self, name):
        """Whether the dump of a request is there, whole and described."""
        path = self.node(name, "result")
        path = path and path.replace(self.spool, self.folder(), 1)
        check(path and os.path.exists(path), f"{name}: the dump is there: {path}")
        check(os.stat(path).st_mode & 0o777 == 0o600, f"{path}: mode 0600")
        r = subprocess.run([CTL, "verify", "-q", path], capture_output=True, text=True, check=False)
        check(r.returncode == 0, f"{path} is whole: {r.stdout}{r.stderr}")
        with open(path + ".json", encoding="utf-8") as f:
            about = json.load(f)
        check(about["id"] == name, f"{path} is described")
        return about

    def close(self):
        """End everything; the log if it is of interest."""
        if self.daemon and self.daemon.poll() is None:
            # Asked, so that what it ran is counted for tests/coverage.
            self.daemon.terminate()
            try:
                self.daemon.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        if self.manager:
            self.manager.close()
        try:
            self.store.close()
        except OSError:
            pass
        shutil.rmtree(self.dir, ignore_errors=True)


def tool(w, *args, status=0, program=CTL):
    """Output of a command, which must have this exit status."""
    r = subprocess.run([program, *args], env=w.env, capture_output=True, encoding="utf-8", check=False,
                       timeout=PATIENCE)
    check(r.returncode == status, f"{args}: {r.returncode}, not {status}: {r.stdout}{r.stderr}")
    return r.stdout if status == 0 else r.stderr


@contextlib.contextmanager
def started(w, *argv, **how):
    """A command that runs meanwhile; it does not outlive a test that fails."""
    with subprocess.Popen(argv, env=w.env, **how) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def run(tests):
    """Each in a world of its own; TAP on standard output.  Arguments name those to run."""
    names = sys.argv[1:]
    tests = [t for t in tests if not names or t.__name__ in names]
    bad = 0
    for n, test in enumerate(tests, 1):
        world = World()
        try:
            test(world)
            print(f"ok {n} - {test.__doc__}")
        except Skipped as e:
            print(f"ok {n} - {test.__doc__} # SKIP {e}")
        except Exception as e:  # pylint: disable=broad-except
            bad += 1
            print(f"not ok {n} - {test.__doc__}")
            text = str(e) if isinstance(e, Failed) else traceback.format_exc()
            if world.daemon and world.daemon.poll() is not None:
                text += f"\nthe daemon has ended: {world.daemon.returncode}"
            with open(world.log, "a+", encoding="utf-8", errors="replace") as f:
                f.seek(0)
                text += "\nlog:\n" + f.read()
            text += "\nxenstore:\n" + "\n".join(world.store.listing(ROOT))
            text += "\nwhat was done to it last:\n" + "\n".join(world.store.history)
            print("\n".join("# " + line for line in text.splitlines()))
        finally:
            world.close()
        sys.stdout.flush()
    print(f"1..{len(tests)}")
    sys.exit(bad > 0)
