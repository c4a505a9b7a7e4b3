# SPDX-License-Identifier: GPL-2.0-or-later
"""One run of the lab: prepare, boot, start guests, run something in dom0, clean up."""

import fcntl
import os
import shutil
import signal
import struct
import sys
import termios
import time
import tty

from labkit import build, cache, guests, host, hypervisor, images, kernels, saved
from labkit.agent import Agent, TimedOut
from labkit.common import LAB_DIR, LabError, run_logged, say, tail
from labkit.machine import Machine

# dom0 is up 8 s after QEMU's start on an idle host, with systemd 25 s.
BOOT_SECONDS = 300

DOM0_MIB = 768
HVM_MIB = 256  # more, for device models
SYSTEMD_MIB = 128

KEEP_LOGS = 20

# A saved machine answers after a second, and has this project installed after five.
RESUME_SECONDS = 120
RESUME_TRIES = 2
RESUME = r"""
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 share /run/lab/share
exec bash /run/lab/share/dom0/resume "$1"
"""


def _sweep_runs(folder):
    """Remove what killed drivers left: their run folders are no longer locked."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            with open(os.path.join(path, "lock"), "wb") as f:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            continue
        except OSError:
            shutil.rmtree(path, ignore_errors=True)


def _sweep_logs(folder):
    for name in sorted(n for n in os.listdir(folder) if n.startswith("run-"))[:-KEEP_LOGS]:
        shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


class Session:
    """A context: inside it, dom0 and the guests run."""

    def __init__(self, options, making=None):
        """making: the folder of a saved machine that is being made; this project is not in it."""
        self.o = options
        self.making = making
        self.saved = None
        self.guests = guests.parse_all(options.guest)
        self.hvm = any(g.kind == "hvm" for g in self.guests)
        self.deadline = None
        self.machine = None
        self.agent = None
        self.run_dir = None
        self.run_lock = None
        self.logs = None

    def __enter__(self):
        try:
            self._check_folders()
            parts = self._prepare()
            self.deadline = time.monotonic() + self.o.timeout
            if not (self.o.saved and not self.making and self._resume(parts)):
                self._make_run_dir(parts)
                self._boot(parts)
                self._start_guests()
        except BaseException as e:
            self._show_failure(e)
            self.close()
            raise
        return self

    def __exit__(self, kind, value, trace):
        if value is not None:
            self._show_failure(value)
        self.close()

    def close(self):
        """End QEMU, remove the run's folder; the logs stay."""
        if self.machine:
            self.machine.stop()
            self.machine = None
        if self.run_dir:
            shutil.rmtree(self.run_dir, ignore_errors=True)
        if self.run_lock:
            self.run_lock.close()
            self.run_lock = None

    def _check_folders(self):
        if self.o.input and not os.path.isdir(self.o.input):
            raise LabError(f"--in {self.o.input}: no such folder")
        if self.o.output:
            os.makedirs(self.o.output, exist_ok=True)

    def _prepare(self):
        """Everything that the cache holds, made if missing."""
        o = self.o
        parts = {
            "xen": hypervisor.hypervisor(o.suite, o.hypervisor),
            "kernels": kernels.kernels(o.suite),
            "guest_kernels": {g.kernel: kernels.kernels(g.kernel or o.suite)
                              for g in self.guests},
            "initrd": images.dom0_initrd(o.suite),
            "disk": images.dom0_disk(o.suite, self.hvm),
            "programs": images.programs(),
            "install": build.install_tar(o.suite) if o.install and not self.making else None,
        }
        return parts

    def _make_run_dir(self, parts):
        runs = cache.subdir("runs")
        with cache.lock("runs"):
            _sweep_runs(runs)
            self.run_dir = os.path.join(runs, f"{os.getpid()}-{time.time_ns()}")
            os.mkdir(self.run_dir)
            # pylint: disable=consider-using-with
            self.run_lock = open(os.path.join(self.run_dir, "lock"), "wb")
            fcntl.flock(self.run_lock, fcntl.LOCK_EX)
            logs = cache.subdir("logs")
            _sweep_logs(logs)
            stamp = time.strftime("%Y%m%d-%H%M%S")
            self.logs = os.path.join(logs, f"run-{stamp}-{os.getpid()}-{time.time_ns() % 10 ** 9:09}")
            os.makedirs(os.path.join(self.logs, "dom0", "console"))
        share = os.path.join(self.run_dir, "share")
        boot = os.path.join(share, "boot")
        os.makedirs(boot)
        shutil.copytree(f"{LAB_DIR}/dom0", f"{share}/dom0")
        shutil.copy(f"{parts['programs']}/agent", f"{share}/dom0/agent")
        guests.write_files(self.guests, parts["guest_kernels"], boot)
        if parts["install"]:
            shutil.copy(parts["install"], f"{share}/install.tar")

    def _scratch(self, path, with_input):
        """The disk for /in, /out and what dumps are written to, with /in filled here: copying a big or
        sparse folder inside the emulated machine takes many times as long."""
        skeleton = os.path.join(self.run_dir, "skeleton")
        for d in ("in", "out", "disks", "var/lib/xen/dump", "var/lib/xldump"):
            os.makedirs(os.path.join(skeleton, d))
        guests.write_disks(self.guests, os.path.join(skeleton, "disks"))
        log = os.path.join(self.logs, "scratch.log")
        if with_input and self.o.input:
            run_logged(["cp", "-a", "--sparse=always", "--reflink=auto",
                        os.path.join(self.o.input, "."), f"{skeleton}/in/"], log,
                       f"copying {self.o.input}")
        with open(path, "wb") as f:
            f.truncate(self.o.scratch << 30)
        run_logged(["mke2fs", "-q", "-t", "ext4", "-m", "0", "-E",
                    "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0",
                    "-d", skeleton, path], log, f"a scratch disk of {self.o.scratch} GiB")
        shutil.rmtree(skeleton)

    def _new_machine(self):
        o = self.o
        m = Machine(o.dom0, DOM0_MIB + (HVM_MIB if self.hvm else 0) +
                    (SYSTEMD_MIB if o.dom0 == "systemd" else 0),
                    sum(g.machine_mib for g in self.guests))
        host.need_memory(m.memory_mib + 256)
        return m

    def _share(self, m):
        """The folders of the host, after the disks."""
        m.folder("share", os.path.join(self.run_dir, "share"), readonly=True)
        m.folder("logs", os.path.join(self.logs, "dom0"))
        out = os.path.abspath(self.o.output) if self.o.output and not self.making else \
            os.path.join(self.run_dir, "out")
        os.makedirs(out, exist_ok=True)
        m.folder("out", out)

    def _start(self, m, parts, state=None):
        self.machine = m
        m.start(parts["xen"], f"{parts['kernels']}/vmlinux-dom0", parts["initrd"], self.logs,
                self.run_dir, state)
        self.agent = Agent(m.agent_socket, m.check)

    def _boot(self, parts):
        o = self.o
        m = self._new_machine()
        if self.making:
            m.to_save = True
            saved.write_disk(self.making, parts["disk"])
            m.disk(os.path.join(self.making, saved.ROOT), snapshot=False, image="qcow2")
        else:
            m.disk(parts["disk"], snapshot=True)
        scratch = os.path.join(self.making or self.run_dir, saved.SCRATCH)
        self._scratch(scratch, not self.making)
        m.disk(scratch, snapshot=False)
        self._share(m)
        say(f"booting Xen ({o.hypervisor}) and dom0 of {o.suite}" +
            (" with systemd" if o.dom0 == "systemd" else ""))
        self._start(m, parts)
        self.agent.wait_hello(min(self.deadline, time.monotonic() + BOOT_SECONDS))
        trouble = tail(os.path.join(self.logs, "dom0", "init-trouble"))
        if trouble:
            raise LabError(f"dom0's services did not start: {trouble}")
        say("dom0 is up")

    def _start_guests(self):
        guests.Starter(self.guests, self.agent, self.logs, self.deadline).run(bool(self.making))

    def save(self):
        """Write the machine, whose guests are paused, into the folder; facts of it."""
        self.agent.check(["/run/lab/suspend"], self.deadline)
        self.machine.save(os.path.join(self.making, saved.STATE))
        self.machine.stop()
        return {"digest": saved.digest(self.making)}

    def _saved_machine(self, parts):
        """Path of the saved machine, which is made if there is none."""
        def make(tmp):
            with Session(self.o, making=tmp) as s:
                return s.save()

        memory = self._new_machine().memory_mib
        return cache.entry(saved.kind(self.o), saved.recipe(self.o, parts, self.guests, memory), make,
                           "a saved machine with " + (" ".join(self.o.guest) or "dom0 alone"), 1500,
                           family="saved")

    def _resume(self, parts):
        """Go on from a saved machine; False if that cannot be."""
        for _ in range(RESUME_TRIES):
            try:
                self.saved = self._saved_machine(parts)
                self.deadline = time.monotonic() + self.o.timeout
                saved.check(self.saved)
                self._make_run_dir(parts)
                if self.o.input:
                    shutil.copytree(self.o.input, os.path.join(self.run_dir, "share", "in"),
                                    symlinks=True)
                m = self._new_machine()
                m.to_save = True
                m.disk(os.path.join(self.saved, saved.ROOT), snapshot=True, image="qcow2")
                m.disk(os.path.join(self.saved, saved.SCRATCH), snapshot=True)
                self._share(m)
                self._start(m, parts, os.path.join(self.saved, saved.STATE))
                m.go_on()
                self.agent.check(["bash", "-ec", RESUME, "resume", str(time.time())],
                                 min(self.deadline, time.monotonic() + RESUME_SECONDS))
                say("the saved machine goes on")
                return True
            except LabError as e:
                self.close()
                if not self.saved:
                    say(f"no machine could be saved, so the lab boots: {e}")
                    return False
                say(f"the saved machine does not go on, so it is made anew: {e}")
                self.discard_saved()
                self.saved = None
        return False

    def discard_saved(self):
        """What failed may have failed because of the state that it began with."""
        if self.saved:
            cache.discard(self.saved)

    def copy_out(self):
        """Bring /out back; also when the script failed."""
        if self.o.output:
            say(f"copying /out to {self.o.output}")
            # A script that used up the time must not cost its results.
            limit = max(self.deadline, time.monotonic() + 120)
            self.agent.check(["/run/lab/share/dom0/copy-out"], limit)

    def run_script(self, script, args):
        """Run a script of the host in dom0; its exit status."""
        name = "/run/lab/script/" + os.path.basename(script)
        target = os.path.join(self.run_dir, "share", "script")
        os.mkdir(target)
        shutil.copy(script, target)
        os.chmod(os.path.join(target, os.path.basename(script)), 0o755)
        self.agent.check(["cp", "-a", "/run/lab/share/script", "/run/lab/"], self.deadline)
        with open(script, "rb") as f:
            runs_itself = f.read(4)[:2] == b"#!" or f.name.endswith(".bin")
        argv = [name, *args] if runs_itself else ["bash", name, *args]
        say(f"running {os.path.basename(script)} in dom0")
        try:
            with open(os.path.join(self.logs, "times"), "wb") as times:
                return self.agent.run(argv, self.deadline, out=self._timed(times),
                                      err=_writer(sys.stderr))
        except TimedOut:
            self.agent.abort(time.monotonic() + 20)
            self.copy_out()
            raise

    def _timed(self, times):
        """A writer to standard output, and to a file with the processor time that QEMU had used then."""
        write = _writer(sys.stdout)

        def both(data):
            write(data)
            times.write(b"".join(b"%.1f %s" % (self.machine.cpu_seconds(), line)
                                 for line in data.splitlines(True)))
            times.flush()

        return both

    def shell(self):
        """A shell in dom0: on a terminal if we are on one, else commands from stdin."""
        fd = sys.stdin.fileno()
        # Who looks around may take his time.
        self.agent.check_machine = lambda: None
        if not (os.isatty(fd) and os.isatty(1)):
            return self.agent.run(["bash", "-s"], self.deadline, stdin=fd,
                                  out=_writer(sys.stdout), err=_writer(sys.stderr))
        say("dom0's shell; `exit` ends it and the lab")
        size = _terminal_size(fd)
        old = termios.tcgetattr(fd)
        signal.signal(signal.SIGWINCH, lambda *_: self.agent.resize(*_terminal_size(fd)))
        try:
            tty.setraw(fd)
            return self.agent.run(["bash", "-l"], self.deadline, stdin=fd,
                                  out=_writer(sys.stdout), terminal=size)
        finally:
            signal.signal(signal.SIGWINCH, signal.SIG_DFL)
            termios.tcsetattr(fd, termios.TCSADRAIN, old)

    def show_consoles(self, lines):
        """The last lines of all consoles, and where the rest is."""
        if not self.logs:
            return
        files = [("hypervisor and dom0", f"{self.logs}/xen.log")]
        folder = f"{self.logs}/dom0/console"
        files += [(f"guest {n[6:-4]}", f"{folder}/{n}") for n in sorted(os.listdir(folder))
                  if n.startswith("guest-") and n.endswith(".log")]
        for what, path in files:
            text = tail(path, lines)
            if text:
                print(f"--- console of {what}:\n{text}", file=sys.stderr)
        print(f"lab: the whole logs are in {self.logs}", file=sys.stderr, flush=True)

    def _show_failure(self, error):
        if isinstance(error, LabError):
            self.show_consoles(15)


def _terminal_size(fd):
    rows, columns = struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8))[:2]
    return rows, columns


def _writer(stream):
    def write(data):
        fd = stream.fileno()
        while data:
            data = data[os.write(fd, data):]
    return write
