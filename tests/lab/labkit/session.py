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

from labkit import build, cache, guests, host, hypervisor, images, kernels
from labkit.agent import Agent, TimedOut
from labkit.common import LAB_DIR, LabError, run_logged, say, tail
from labkit.machine import Machine

# dom0 is up 8 s after QEMU's start on an idle host, with systemd 25 s.
BOOT_SECONDS = 300

DOM0_MIB = 768
HVM_MIB = 256  # more, for device models
SYSTEMD_MIB = 128

KEEP_LOGS = 20


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

    def __init__(self, options):
        self.o = options
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
        if self.run_dir:
            shutil.rmtree(self.run_dir, ignore_errors=True)
        if self.run_lock:
            self.run_lock.close()

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
            "install": build.install_tar(o.suite) if o.install else None,
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
            self.logs = os.path.join(logs, f"run-{stamp}-{os.getpid()}")
            os.makedirs(os.path.join(self.logs, "dom0", "console"))
        share = os.path.join(self.run_dir, "share")
        boot = os.path.join(share, "boot")
        os.makedirs(boot)
        shutil.copytree(f"{LAB_DIR}/dom0", f"{share}/dom0")
        shutil.copy(f"{parts['programs']}/agent", f"{share}/dom0/agent")
        guests.write_files(self.guests,
                           lambda k: f"{parts['guest_kernels'][k]}/vmlinuz-guest", boot)
        if parts["install"]:
            shutil.copy(parts["install"], f"{share}/install.tar")
        self._scratch()

    def _scratch(self):
        """The disk for /in, /out and what dumps are written to, with /in filled here: copying a big or
        sparse folder inside the emulated machine takes many times as long."""
        skeleton = os.path.join(self.run_dir, "skeleton")
        for d in ("in", "out", "var/lib/xen/dump", "var/lib/xldump"):
            os.makedirs(os.path.join(skeleton, d))
        log = os.path.join(self.logs, "scratch.log")
        if self.o.input:
            run_logged(["cp", "-a", "--sparse=always", "--reflink=auto",
                        os.path.join(self.o.input, "."), f"{skeleton}/in/"], log,
                       f"copying {self.o.input}")
        path = os.path.join(self.run_dir, "scratch.img")
        with open(path, "wb") as f:
            f.truncate(self.o.scratch << 30)
        run_logged(["mke2fs", "-q", "-t", "ext4", "-m", "0", "-E",
                    "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0",
                    "-d", skeleton, path], log, f"a scratch disk of {self.o.scratch} GiB")
        shutil.rmtree(skeleton)

    def _boot(self, parts):
        o = self.o
        m = Machine(o.dom0, DOM0_MIB + (HVM_MIB if self.hvm else 0) +
                    (SYSTEMD_MIB if o.dom0 == "systemd" else 0),
                    sum(g.machine_mib for g in self.guests))
        host.need_memory(m.memory_mib + 256)
        m.disk(parts["disk"], snapshot=True)
        m.disk(os.path.join(self.run_dir, "scratch.img"), snapshot=False)
        m.folder("share", os.path.join(self.run_dir, "share"), readonly=True)
        m.folder("logs", os.path.join(self.logs, "dom0"))
        if o.output:
            m.folder("out", os.path.abspath(o.output))
        say(f"booting Xen ({o.hypervisor}) and dom0 of {o.suite}" +
            (" with systemd" if o.dom0 == "systemd" else ""))
        self.machine = m
        m.start(parts["xen"], f"{parts['kernels']}/vmlinux-dom0", parts["initrd"], self.logs,
                self.run_dir)
        self.agent = Agent(m.agent_socket, m.check)
        self.agent.wait_hello(min(self.deadline, time.monotonic() + BOOT_SECONDS))
        trouble = tail(os.path.join(self.logs, "dom0", "init-trouble"))
        if trouble:
            raise LabError(f"dom0's services did not start: {trouble}")
        say("dom0 is up")

    def _start_guests(self):
        guests.Starter(self.guests, self.agent, self.logs, self.deadline).run()

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
            return self.agent.run(argv, self.deadline, out=_writer(sys.stdout),
                                  err=_writer(sys.stderr))
        except TimedOut:
            self.agent.abort(time.monotonic() + 20)
            self.copy_out()
            raise

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
