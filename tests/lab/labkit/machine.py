# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulated machine: QEMU's command line, its start and its end."""

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import time

from labkit.common import LabError, StandsStill, die_with_parent, end_group, tail

# Each flag is there for a measured reason, README.md tells which.
CPU = "max,-smap,-rdtscp,-xsave"

# Xen itself and its tables, without the guests'.
XEN_MIB = 192

XEN_OPTIONS = ("console=com1 com1=115200,8n1 dom0_mem={dom0}M,max:{dom0}M "
               "dom0_max_vcpus=1 loglvl=info guest_loglvl=warning spec-ctrl=no xpti=no")
DOM0_OPTIONS = "console=hvc0 earlyprintk=xen quiet loglevel=4 mitigations=off rdinit=/init"

# Rarely an emulated interrupt is lost, and all processors wait for ever.  Otherwise dom0's clock alone
# takes more than this of the host's processor in so much time.
STILL_SECONDS = 120
STILL_CPU_SECONDS = 0.1


def _no_comma(path):
    """QEMU splits option values at commas; doubled ones are literal."""
    return path.replace(",", ",,")


class Machine:
    """One run of QEMU."""

    def __init__(self, dom0, dom0_mib, guests_mib):
        self.dom0 = dom0
        self.dom0_mib = dom0_mib
        self.memory_mib = XEN_MIB + dom0_mib + guests_mib
        self.args = []
        self.process = None
        self.agent_socket = None
        self.monitor = None
        self.logs = None
        self.moved = None
        self.to_save = False
        self.asked = 0
        self.heard = b""

    def disk(self, path, snapshot, image="raw"):
        """Add a virtio disk; with `snapshot`, what is written to it is forgotten."""
        self.args += ["-drive", f"file={_no_comma(path)},if=virtio,format={image},cache=unsafe,"
                      f"snapshot={'on' if snapshot else 'off'}"]

    def folder(self, tag, path, readonly=False):
        """Share a folder of the host over 9p."""
        self.args += ["-virtfs", f"local,path={_no_comma(path)},mount_tag={tag},id={tag},"
                      f"security_model=none,multidevs=remap,readonly={'on' if readonly else 'off'}"]

    def start(self, xen, kernel, initrd, logs, tmp, state=None):
        """Start QEMU; the serial console goes to logs/xen.log, temporary files to tmp.  With `state`, a
        file that save() has written, the machine is as it was then, and stands still until go_on()."""
        self.logs = logs
        ours, theirs = socket.socketpair()
        self.monitor, monitor = socket.socketpair()
        modules = f"{_no_comma(kernel)} {DOM0_OPTIONS} lab.dom0={self.dom0} "
        modules += f"lab.saved={int(self.to_save)},{_no_comma(initrd)}"
        argv = ["qemu-system-x86_64", "-machine", "pc", "-accel",
                "tcg,thread=single,tb-size=1024", "-cpu", CPU, "-smp", "1",
                "-m", str(self.memory_mib), "-nodefaults", "-no-user-config",
                "-display", "none", "-no-reboot",
                "-serial", f"file:{logs}/xen.log",
                "-kernel", xen, "-append", XEN_OPTIONS.format(dom0=self.dom0_mib),
                "-initrd", modules, *self.args,
                "-device", "virtio-serial-pci",
                "-chardev", f"socket,id=agent,fd={theirs.fileno()}",
                "-device", "virtserialport,chardev=agent,name=lab.agent",
                "-chardev", f"socket,id=monitor,fd={monitor.fileno()}",
                "-mon", "chardev=monitor,mode=control"]
        if state:
            argv += ["-incoming", f"exec:cat {shlex.quote(state)}"]
        with open(self._log(), "wb") as log:
            # QEMU keeps unlinked temporary files of snapshot=on disks in TMPDIR.
            env = dict(os.environ, TMPDIR=tmp)
            # Its own process group: Ctrl-C reaches the driver, which then ends QEMU in order.
            # pylint: disable=subprocess-popen-preexec-fn
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=env,
                                            pass_fds=[theirs.fileno(), monitor.fileno()],
                                            preexec_fn=die_with_parent(signal.SIGKILL),
                                            process_group=0)
        theirs.close()
        monitor.close()
        self.agent_socket = ours

    def _log(self):
        return os.path.join(self.logs, "qemu.log")

    def cpu_seconds(self):
        """What QEMU has used of the host's processors: the same on a busy host and an idle one."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _send(self, command, **arguments):
        """A command of QEMU's Machine Protocol; its number."""
        self.asked += 1
        self.monitor.sendall(json.dumps({"execute": command, "arguments": arguments,
                                         "id": self.asked}).encode() + b"\n")
        return self.asked

    def _ask(self, command, **arguments):
        """The same, and its answer."""
        try:
            self.monitor.settimeout(300)
            if self.asked == 0:
                self._send("qmp_capabilities")
            number = self._send(command, **arguments)
            while True:
                while b"\n" not in self.heard:
                    self.heard += self.monitor.recv(65536) or self._gone()
                line, _, self.heard = self.heard.partition(b"\n")
                answer = json.loads(line)
                if answer.get("id") == number:
                    break
        except OSError as e:
            raise LabError(f"QEMU's monitor: {command}: {e}") from None
        if "error" in answer:
            raise LabError(f"QEMU's monitor: {command}: {answer['error']['desc']}")
        return answer["return"]

    def _gone(self):
        raise LabError(f"QEMU has ended:\n{tail(self._log())}")

    def save(self, path):
        """Stop, and write the machine's state into a file.  Shared folders must be unmounted."""
        self._ask("stop")
        self._ask("migrate-set-parameters", **{"max-bandwidth": 10 ** 10})
        self._ask("migrate", uri=f"exec:cat > {shlex.quote(path)}")
        while (status := self._ask("query-migrate"))["status"] in ("setup", "active", "device"):
            time.sleep(0.1)
        if status["status"] != "completed":
            raise LabError(f"the machine's state cannot be saved: {status}\n{tail(self._log())}")

    def go_on(self):
        """From a state that was saved."""
        while self._ask("query-status")["status"] == "inmigrate":
            time.sleep(0.05)
        self._ask("cont")

    def _save_registers(self):
        """What the emulated hardware waits for, into logs/qemu-state."""
        self.monitor.settimeout(2)
        with open(f"{self.logs}/qemu-state", "wb") as f, contextlib.suppress(OSError):
            if self.asked == 0:
                self._send("qmp_capabilities")
            for what in ("registers", "lapic", "pic"):
                self._send("human-monitor-command", **{"command-line": f"info {what}"})
            while data := self.monitor.recv(65536):
                f.write(data.replace(b"\\r\\n", b"\n"))

    def check(self):
        """LabError if QEMU has ended, StandsStill if it has had nothing to do for long.  To be called
        now and then."""
        if self.process.poll() is not None:
            raise LabError(f"QEMU ended with status {self.process.returncode}:\n{tail(self._log())}")
        now, used = time.monotonic(), self.cpu_seconds()
        if self.moved is None or used - self.moved[1] > STILL_CPU_SECONDS:
            self.moved = now, used
        elif now - self.moved[0] > STILL_SECONDS:
            self._save_registers()
            raise StandsStill(f"the emulated machine stands still: no work in {STILL_SECONDS} s; "
                              "try again")

    def stop(self):
        """End QEMU, the soft way and then the hard way."""
        if self.process is None:
            return
        if self.process.poll() is None:
            end_group(self.process, 5)
        for s in (self.agent_socket, self.monitor):
            if s:
                s.close()
