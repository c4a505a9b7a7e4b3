#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the driver that need neither network nor QEMU: `/usr/bin/python3 test_labkit.py`."""

import argparse
import contextlib
import io
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from labkit import agent, cache, cpio, guests, machine, saved, session
from labkit.common import LabError, Quiet, StandsStill


class GuestSpec(unittest.TestCase):
    """What --guest accepts."""

    def test_defaults(self):
        g = guests.parse("web-1=pv")
        self.assertEqual((g.name, g.kind, g.memory, g.vcpus, g.workload),
                         ("web-1", "pv", 128, 1, "idle"))

    def test_all_keys(self):
        g = guests.parse("a=pvh,mem=256,vcpus=2,workload=stamp=512:1000")
        self.assertEqual((g.memory, g.vcpus, g.workload), (256, 2, "stamp=512:1000"))
        self.assertIn("lab.workload=stamp=512:1000", g.config())

    def test_kernel(self):
        g = guests.parse("a=hvm,kernel=sid,kaslr=off")
        self.assertIn("/vmlinuz-sid", g.config())
        self.assertIn(" nokaslr", g.config())
        self.assertNotIn("nokaslr", guests.parse("a=hvm").config())

    def test_devices(self):
        self.assertIn("lab.devices=1", guests.parse("a=pv,devices=on").config())
        self.assertIn("target=/scratch/disks/a", guests.parse("a=pv,devices=on").config())
        self.assertNotIn("vif", guests.parse("a=pv").config())

    def test_refused(self):
        for text in ("a=pv,devices=2", "b=pv,mem=32", "b=pv32,mem=16", "a=pv,kernel=buzz", "a=pv,kaslr=maybe", "a", "a=xx", "a=pv,mem=1", "a=pv,vcpus=x", "a=pv,foo=1", "a=pv,workload=x",
                     "a=pv,program=/no/such", "-a=pv", "a b=pv", "a=pv,workload=stamp=1 2"):
            with self.subTest(text), self.assertRaises(LabError):
                guests.parse(text)

    def test_names_differ(self):
        with self.assertRaises(LabError):
            guests.parse_all(["a=pv", "a=pvh"])


class Standstill(unittest.TestCase):
    """A machine that computes nothing any more is noticed, one that works or ends is not taken for it."""

    def machine(self, *argv):
        m = machine.Machine("sysv", 1, 1)
        # pylint: disable=consider-using-with
        m.process = subprocess.Popen(argv)
        # pylint: disable=consider-using-with
        logs = tempfile.TemporaryDirectory()
        self.addCleanup(logs.cleanup)
        m.logs = logs.name
        m.monitor, theirs = socket.socketpair()
        theirs.sendall(b"CPU#0 HLT=1")
        self.addCleanup(theirs.close)
        self.addCleanup(m.process.wait)
        self.addCleanup(m.process.kill)
        return m

    def check_for(self, m, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            m.check()
            time.sleep(0.05)

    def setUp(self):
        self.addCleanup(setattr, machine, "STILL_SECONDS", machine.STILL_SECONDS)
        machine.STILL_SECONDS = 1

    def test_asleep(self):
        m = self.machine("sleep", "60")
        with self.assertRaises(StandsStill):
            self.check_for(m, 30)
        with open(f"{m.logs}/qemu-state", encoding="ascii") as f:
            self.assertIn("HLT=1", f.read())

    def test_at_work(self):
        machine.STILL_SECONDS = 5
        self.check_for(self.machine("sh", "-c", "while :; do :; done"), 8)

    def test_ended(self):
        with self.assertRaises(LabError) as e:
            self.check_for(self.machine("false"), 30)
        self.assertNotIsInstance(e.exception, StandsStill)


class CacheFolder(unittest.TestCase):
    """Tests with a cache of their own."""

    def setUp(self):
        # pylint: disable=consider-using-with
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        old = os.environ.get("XDG_CACHE_HOME")
        os.environ["XDG_CACHE_HOME"] = self.dir.name
        self.addCleanup(lambda: os.environ.pop("XDG_CACHE_HOME") if old is None
                        else os.environ.__setitem__("XDG_CACHE_HOME", old))
        self.built = 0
        Quiet.on = True


class CacheEntry(CacheFolder):
    """An entry is made once, and again when its files are not as they were made."""

    def entry(self, recipe="r"):
        """The entry under test."""
        def build(tmp):
            self.built += 1
            os.mkdir(f"{tmp}/d")
            with open(f"{tmp}/d/f", "w", encoding="ascii") as f:
                f.write("x" * 100)
            return {"fact": self.built}
        return cache.entry("kind", recipe, build, "a test", 1)

    def test_made_once(self):
        path = self.entry()
        self.assertEqual(self.entry(), path)
        self.assertEqual(self.built, 1)
        self.assertEqual(cache.info(path), {"fact": 1})

    def test_recipe_decides(self):
        self.assertNotEqual(self.entry("a"), self.entry("b"))
        self.assertEqual(self.built, 2)

    def test_damage_is_noticed(self):
        damages = [lambda p: os.truncate(f"{p}/d/f", 50), lambda p: os.unlink(f"{p}/d/f"),
                   lambda p: os.utime(f"{p}/d/f", (1, 1)), lambda p: os.unlink(f"{p}.json"),
                   lambda p: os.truncate(f"{p}.json", 10), lambda p: open(f"{p}/new", "wb").close()]
        for n, damage in enumerate(damages):
            damage(self.entry())
            path = self.entry()
            self.assertEqual(self.built, n + 2)
            self.assertEqual(os.path.getsize(f"{path}/d/f"), 100)

    def test_failed_build_leaves_nothing(self):
        def build(tmp):
            with open(f"{tmp}/half", "wb"):
                raise LabError("no")
        with self.assertRaises(LabError):
            cache.entry("kind", "r", build, "a test", 1)
        self.assertEqual(os.listdir(f"{cache.root()}/tmp"), [])
        self.assertEqual(os.listdir(f"{cache.root()}/entries"), [])

    def test_replaced_entries_go(self):
        for recipe in range(5):
            self.entry(recipe)
        with cache.in_use():
            pass
        self.assertEqual(len(os.listdir(f"{cache.root()}/entries")), 2 * cache.KEEP)

    def test_no_space(self):
        with self.assertRaisesRegex(LabError, "disk space"):
            cache.entry("kind", "r", lambda tmp: None, "a test", 1 << 30)


class Saved(CacheFolder):
    """A saved machine is used only if it is what was written, and made anew when it does not go on."""

    def machine(self):
        """The entry under test, with the files that QEMU would have written."""
        def build(tmp):
            self.built += 1
            for name in (saved.STATE, saved.ROOT):
                with open(f"{tmp}/{name}", "wb") as f:
                    f.write(b"x" * 10000)
            return {"digest": saved.digest(tmp)}
        return cache.entry("saved-1", "r", build, "a test", 1, family="saved")

    def test_flipped_byte(self):
        path = self.machine()
        saved.check(path)
        for name in (saved.STATE, saved.ROOT):
            before = os.stat(f"{path}/{name}")
            with open(f"{path}/{name}", "r+b") as f:
                f.seek(5000)
                f.write(b"y")
            os.utime(f"{path}/{name}", ns=(before.st_atime_ns, before.st_mtime_ns))
            self.assertEqual(self.machine(), path)
            with self.assertRaisesRegex(LabError, "damaged"):
                saved.check(path)
            cache.discard(path)
            saved.check(self.machine())
        self.assertEqual(self.built, 3)

    def test_family(self):
        for n in range(cache.KEEP_FAMILY["saved"] + 3):
            cache.entry(f"saved-{n}", "r", lambda tmp: {}, "a test", 1, family="saved")
        with cache.in_use():
            pass
        self.assertEqual(len(os.listdir(f"{cache.root()}/entries")), 2 * cache.KEEP_FAMILY["saved"])

    def test_made_anew(self):
        """What QEMU does not take, or dom0 does not answer to, is made once more; then the lab boots."""
        s = session.Session(argparse.Namespace(guest=[], saved=True, timeout=60))
        s._saved_machine = lambda parts: self.machine()  # pylint: disable=protected-access
        s._make_run_dir = lambda parts: self.fail_to_run()  # pylint: disable=protected-access
        self.assertFalse(s._resume({}))  # pylint: disable=protected-access
        self.assertEqual(self.built, session.RESUME_TRIES)
        self.assertIsNone(s.saved)

    def test_not_made(self):
        """When it cannot be made the lab boots at once."""
        s = session.Session(argparse.Namespace(guest=[], saved=True, timeout=60))
        s._saved_machine = lambda parts: self.fail_to_run()  # pylint: disable=protected-access
        self.assertFalse(s._resume({}))  # pylint: disable=protected-access
        self.assertEqual(self.built, 0)

    def fail_to_run(self):
        """As a machine that does not go on."""
        raise LabError("no")


class Recipe(unittest.TestCase):
    """The key of a saved machine is of all that is in it."""

    def setUp(self):
        # pylint: disable=consider-using-with
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        for name in ("xen", "initrd", "disk", "kernels", "programs"):
            os.mkdir(f"{self.dir.name}/{name}")
            self.make(name)
        self.addCleanup(setattr, saved, "output_of", saved.output_of)
        saved.output_of = lambda argv, what: "QEMU emulator version 7.2"

    def make(self, name):
        """An entry of the cache, again."""
        with open(f"{self.dir.name}/{name}.json", "w", encoding="ascii") as f:
            json.dump({"made": time.time_ns(), "tree": name}, f)

    def key(self, *specs, **changes):
        """The recipe of a machine with such guests."""
        d = self.dir.name
        o = argparse.Namespace(**{"suite": "bookworm", "hypervisor": "stock", "dom0": "small",
                                  "scratch": 6, **changes})
        parts = {"xen": f"{d}/xen/xen", "initrd": f"{d}/initrd/initrd", "disk": f"{d}/disk/disk.img",
                 "kernels": f"{d}/kernels", "programs": f"{d}/programs",
                 "guest_kernels": {None: f"{d}/kernels"}}
        return saved.recipe(o, parts, guests.parse_all(specs), 1024)

    def test_each_part(self):
        keys = [self.key("a=pv"), self.key("a=pvh"), self.key("a=pv,vcpus=2"), self.key(),
                self.key("a=pv", hypervisor="shadow"), self.key("a=pv", dom0="systemd"),
                self.key("a=pv", scratch=7)]
        for name in ("xen", "initrd", "disk", "kernels", "programs"):
            self.assertEqual(self.key("a=pv"), self.key("a=pv"))
            self.make(name)
            keys.append(self.key("a=pv"))
        self.assertEqual(len({json.dumps(k) for k in keys}), len(keys))


class Cpio(unittest.TestCase):
    """The archives are what cpio's readers expect."""

    def test_listed_by_tar(self):
        blob = cpio.archive({"init": (0o755, b"#!"), "a/b": (0o644, b"xyz")})
        with contextlib.suppress(FileNotFoundError):
            out = subprocess.run(["cpio", "-t", "--quiet"], input=blob, capture_output=True,
                                 check=True).stdout
            self.assertEqual(out.split(), [b"a", b"a/b", b"init"])
        self.assertEqual(len(blob) % 512, 0)


class Channel(unittest.TestCase):
    """The driver's end of the agent's protocol, against frames written by hand."""

    def setUp(self):
        ours, self.theirs = socket.socketpair()
        self.agent = agent.Agent(ours)
        self.addCleanup(ours.close)
        self.addCleanup(self.theirs.close)

    def frame(self, kind, payload=b""):
        """Send what the agent in dom0 would."""
        self.theirs.sendall(struct.pack("<II", kind, len(payload)) + payload)

    def test_streams_and_status(self):
        out, err = io.BytesIO(), io.BytesIO()
        self.frame(agent.STDOUT, b"a" * 100000)
        self.frame(agent.STDERR, b"e")
        self.frame(agent.EXIT, struct.pack("<I", 7))
        status = self.agent.run(["x"], time.monotonic() + 5, out=out.write, err=err.write)
        self.assertEqual((status, len(out.getvalue()), err.getvalue()), (7, 100000, b"e"))

    def test_end_of_machine(self):
        self.frame(agent.HELLO)
        self.agent.wait_hello(time.monotonic() + 5)
        self.theirs.close()
        with self.assertRaises(agent.Gone):
            self.agent.run(["x"], time.monotonic() + 5)

    def test_deadline(self):
        with self.assertRaises(agent.TimedOut):
            self.agent.run(["x"], time.monotonic() + 0.1)


if __name__ == "__main__":
    unittest.main()
