# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests: what `--guest` says, the domain's configuration, starting it and waiting for it."""

import os
import re
import time

from labkit import images
from labkit.agent import Gone
from labkit.common import LabError, say, tail

# pv32 is no Linux but a kernel of ours, tests/lab/guest32: it stamps, and nothing else.
TYPES = ("pv", "pvh", "hvm", "pv32")
KERNELS = ("bullseye", "bookworm", "trixie", "sid")
WORKLOADS = ("idle", "dirty", "stamp", "panic")

# A boot of a PVH or HVM guest under emulation fails now and then, through no fault of what is
# tested here: it is tried again.
TRIES = 3

# From `xl create` to ready takes 8 s (PV), 16 s (PVH) or 22 s (HVM) alone on an idle host.
READY_SECONDS = 180

READY = "GUEST-READY"


class Guest:
    """One guest as asked for on the command line."""

    def __init__(self, name, kind, memory=128, vcpus=1, workload="idle", program=None):
        self.name = name
        self.kind = kind
        self.memory = memory
        self.vcpus = vcpus
        self.workload = workload
        self.program = program
        self.kernel = None
        self.kaslr = True
        self.devices = False

    @property
    def machine_mib(self):
        """What it takes of the emulated machine's memory, with Xen's and the tools' overhead."""
        return self.memory + self.memory // 32 + 24 + 4 * self.vcpus + \
            (16 if self.kind == "hvm" else 0)

    def config(self):
        """The domain's xl configuration."""
        if self.kind == "pv32":
            return (f'name = "{self.name}"\ntype = "pv"\nmemory = {self.memory}\n'
                    f"maxmem = {self.memory}\nvcpus = 1\n"
                    'kernel = "/run/lab/boot/stamp32"\non_crash = "preserve"\n')
        cmdline = (f"console=hvc0 quiet loglevel=4 mitigations=off lab.name={self.name} "
                   f"lab.workload={self.workload}")
        if self.program:
            cmdline += " lab.program=1"
        if self.devices:
            cmdline += " lab.devices=1"
        if not self.kaslr:
            cmdline += " nokaslr"
        lines = [f'name = "{self.name}"', f'type = "{self.kind}"', f"memory = {self.memory}",
                 f"maxmem = {self.memory}", f"vcpus = {self.vcpus}",
                 f'kernel = "/run/lab/boot/vmlinuz-{self.kernel or "guest"}"',
                 f'ramdisk = "/run/lab/boot/{self.name}.initrd"', f'cmdline = "{cmdline}"',
                 'on_crash = "preserve"', 'on_poweroff = "destroy"', 'on_reboot = "destroy"']
        if self.kind == "hvm":
            # No serial console: each of its characters is an exit to the device model.
            lines += ['vga = "none"', "vnc = 0", "usb = 0"]
        if self.devices:
            lines += [f'disk = ["format=raw,vdev=xvda,access=rw,script=block-lab,'
                      f'target=/scratch/disks/{self.name}"]', 'vif = ["script=vif-lab"]']
        return "\n".join(lines) + "\n"


def parse(text):
    """A Guest out of NAME=TYPE[,KEY=VALUE]..."""
    m = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9_.-]*)=(\w+)((?:,[a-z]+=[^,]+)*)", text)
    if not m or m.group(2) not in TYPES:
        raise LabError(f"--guest {text}: expected NAME=pv|pvh|hvm|pv32[,mem=MIB][,vcpus=N]"
                       "[,workload=W][,program=FILE][,kernel=SUITE][,kaslr=off][,devices=on]")
    guest = Guest(m.group(1), m.group(2))
    for item in m.group(3).split(",")[1:]:
        key, _, value = item.partition("=")
        if key == "mem":
            guest.memory = _number(text, key, value, 32 if guest.kind == "pv32" else 96, 65536)
        elif key == "vcpus":
            guest.vcpus = _number(text, key, value, 1, 32)
        elif key == "workload":
            guest.workload = value
        elif key == "program":
            guest.program = value
        elif key == "kernel":
            guest.kernel = _one_of(text, key, value, KERNELS)
        elif key == "kaslr":
            guest.kaslr = _one_of(text, key, value, ("on", "off")) == "on"
        elif key == "devices":
            guest.devices = _one_of(text, key, value, ("on", "off")) == "on"
        else:
            raise LabError(f"--guest {text}: no such key '{key}'")
    if guest.program:
        if not os.path.isfile(guest.program):
            raise LabError(f"--guest {text}: {guest.program}: no such file")
    elif guest.workload.split("=")[0] not in WORKLOADS:
        raise LabError(f"--guest {text}: no such workload; there are {', '.join(WORKLOADS)}")
    if re.search(r'[\s"]', guest.workload):
        raise LabError(f"--guest {text}: the workload must not have spaces or quotes")
    return guest


def _number(text, key, value, least, most):
    if not value.isdecimal() or not least <= int(value) <= most:
        raise LabError(f"--guest {text}: {key} must be a number from {least} to {most}")
    return int(value)


def _one_of(text, key, value, values):
    if value not in values:
        raise LabError(f"--guest {text}: {key} must be one of {', '.join(values)}")
    return value


def parse_all(texts):
    """The guests of a command line; names must differ."""
    found = [parse(t) for t in texts]
    names = [g.name for g in found]
    if len(set(names)) != len(names) or "Domain-0" in names:
        raise LabError("each --guest needs a name of its own")
    return found


def write_files(guests, kernels, boot):
    """Put what dom0 needs to start the guests into the folder it copies to /run/lab/boot.

    kernels: by suite, and with None as the run's own, the folder of its kernel."""
    for name in {g.kernel for g in guests if g.kind != "pv32"}:
        os.link(f"{kernels[name]}/vmlinuz-guest", f"{boot}/vmlinuz-{name or 'guest'}")
    if any(g.kind == "pv32" for g in guests):
        os.link(f"{images.programs()}/stamp32", f"{boot}/stamp32")
    for g in guests:
        if g.kind != "pv32":
            modules = f"{kernels[g.kernel]}/modules-guest" if g.devices else None
            images.write_guest_initrd(f"{boot}/{g.name}.initrd", g.program, modules)
        with open(f"{boot}/{g.name}.cfg", "w", encoding="ascii") as f:
            f.write(g.config())


def write_disks(guests, folder):
    """Disks of those guests that have one."""
    for g in guests:
        if g.devices:
            images.write_guest_disk(f"{folder}/{g.name}")


class Starter:
    """Starts the guests and waits until all run."""

    def __init__(self, guests, agent, logs, deadline):
        self.guests = guests
        self.agent = agent
        self.logs = logs
        self.deadline = deadline
        self.started = {}
        self.tries = {}

    def console(self, guest):
        """The guest's console log, on the host."""
        return os.path.join(self.logs, "dom0", "console", f"guest-{guest.name}.log")

    def _start(self, guest):
        tries = self.tries[guest.name] = self.tries.get(guest.name, 0) + 1
        if tries > TRIES:
            raise LabError(f"guest {guest.name} did not get ready in {TRIES} tries; the end of "
                           f"its console:\n{tail(self.console(guest))}")
        if tries > 1:
            say(f"guest {guest.name} is not ready, trying again ({tries} of {TRIES})")
        self.started[guest.name] = time.monotonic()
        try:
            self.agent.check(["guest-start", guest.name], self.deadline)
        except Gone:
            raise
        except LabError as e:
            if tries >= TRIES:
                raise
            say(str(e))

    def _ready(self, guest):
        try:
            with open(self.console(guest), "rb") as f:
                return READY.encode() in f.read()
        except OSError:
            return False

    def _dead(self, guest):
        """Whether the domain is gone or crashed."""
        got = []
        status = self.agent.run(["xl", "list", guest.name], self.deadline, out=got.append)
        last = b"".join(got).decode("utf-8", "replace").split("\n")[1:2]
        return status != 0 or (last and "c" in last[0].split()[4])

    def _wait(self, guest):
        next_look = time.monotonic() + 10
        while not self._ready(guest):
            time.sleep(0.05)
            if time.monotonic() < next_look:
                continue
            next_look = time.monotonic() + 10
            if time.monotonic() - self.started[guest.name] > READY_SECONDS or self._dead(guest):
                self._start(guest)
        took = time.monotonic() - self.started[guest.name]
        say(f"guest {guest.name} ({guest.kind}) runs, {took:.1f} s after its start")

    def run(self, stay_paused=False):
        """Returns when all guests run, or are paused.

        They share one emulated CPU, so each is paused, once it is ready, while the others boot."""
        paused = []
        for g in self.guests:
            self._start(g)
            self._wait(g)
            if g is not self.guests[-1] or stay_paused:
                self.agent.run(["xl", "pause", g.name], self.deadline)
                paused.append(g)
        for g in paused if not stay_paused else ():
            self.agent.run(["xl", "unpause", g.name], self.deadline)
