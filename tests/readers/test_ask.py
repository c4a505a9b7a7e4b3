#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of what is known of a dump before its readers are asked: `/usr/bin/python3 test_ask.py`."""

import os
import struct
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from ask.crash import MARK, MORE, answers_to_more, panic_shown, torn_tasks, with_registers
from ask.dumpfile import Dump

INFO = b"OSRELEASE=6.1.0-test\nKERNELOFFSET=1a000000\n"


def kdump(level):
    """The begin of a kdump-compressed file."""
    file = bytearray(3 * 4096)
    file[:8] = b"KDUMP   "
    struct.pack_into("<I", file, 428, 4096)
    struct.pack_into("<i", file, 4096 + 8, level)
    struct.pack_into("<QQ", file, 4096 + 32, 8192, len(INFO))
    file[8192:8192 + len(INFO)] = INFO
    return bytes(file)


def flattened(records):
    """A flattened file of (offset, bytes)."""
    out = struct.pack(">16sqq", b"makedumpfile", 1, 1).ljust(4096, b"\0")
    for offset, data in records:
        out += struct.pack(">qq", offset, len(data)) + data
    return out + struct.pack(">qq", -1, -1)


class Known(unittest.TestCase):
    """Of files of each kind."""

    def known(self, content):
        """What Dump says of it."""
        with tempfile.NamedTemporaryFile(suffix=".img") as f:
            f.write(content)
            f.flush()
            d = Dump(f.name)
            return d.kind, d.release, d.kaslr, d.level()

    def test_kdump(self):
        self.assertEqual(self.known(kdump(31)), ("kdump", "6.1.0-test", 0x1a000000, 31))

    def test_flattened(self):
        """Records out of order, that meet in the text, and one that is replaced by a later one."""
        whole = kdump(0)
        records = [(4096, b"\xff" * 4096), (8200, whole[8200:]), (4096, whole[4096:8200]),
                   (0, whole[:4096])]
        self.assertEqual(self.known(flattened(records)),
                         ("flattened", "6.1.0-test", 0x1a000000, 0))

    def test_neither(self):
        self.assertEqual(self.known(b"nothing"), ("unknown", "", 0, 0))


class Panics(unittest.TestCase):
    """What crash prints of a kernel that panicked, and of others."""

    SAID = '       PANIC: "Kernel panic - not syncing: sysrq triggered crash"\n'

    def test_both_begins(self):
        for first in ("panic", "vpanic", "sysrq_handle_crash"):
            self.assertTrue(panic_shown(self.SAID + f" #0 [ffffc90000673b48] {first} at ffffffff818b688a\n"))

    def test_others(self):
        self.assertFalse(panic_shown(self.SAID + " #0 [ffffc90000673b48] schedule at ffffffff818b688a\n"))
        self.assertFalse(panic_shown(" #0 [ffffc90000673b48] panic at ffffffff818b688a\n"))


class Stacks(unittest.TestCase):
    """What crash says of the CPUs."""

    TASK = 'PID: 0        TASK: ffffffff82a1aa40  CPU: %d    COMMAND: "swapper/%d"\n'
    STACK = "".join(f" #{n} [ffffffff82a03e{n}8] function_{n} at ffffffff810259b{n}\n" for n in range(4))
    REGISTERS = "    RIP: ffffffff81a178aa  RSP: ffffffff82a03e70  RFLAGS: 00000246\n"

    def test_registers(self):
        """Printed, or begun with where crash does not print them."""
        stack, full = self.TASK % (0, 0) + self.STACK, self.TASK % (1, 1) + self.REGISTERS + self.STACK
        self.assertEqual(with_registers(stack + full, False), 1)
        self.assertEqual(with_registers(stack + full, True), 2)
        self.assertEqual(with_registers(self.TASK % (0, 0) + "bt: cannot determine\n", True), 0)
        self.assertEqual(with_registers("", True), 0)

    def test_switching_tasks(self):
        """Two tasks at once are right while a CPU goes from one to the other, and torn otherwise."""
        said = "crash: inconsistent active task indications for CPU 0:\n"
        stack = self.TASK % (0, 0) + self.STACK
        switching = " #4 [ffffffff82a03e48] __schedule at ffffffff810259b4\n"
        stopped = "    [exception RIP: %s+77]\n" + self.REGISTERS
        self.assertEqual(torn_tasks(said + stack), ["0"])
        self.assertEqual(torn_tasks(said), ["0"])
        self.assertEqual(torn_tasks(said + stack + stopped % "write_cr3" + switching), [])
        self.assertEqual(torn_tasks(said + stack + stopped % "__switch_to"), [])
        # Without registers it is the stack of a task that sleeps.
        self.assertEqual(torn_tasks(said + stack + switching), ["0"])
        self.assertEqual(torn_tasks(said + stack + stopped % "default_idle"), ["0"])
        self.assertEqual(torn_tasks(said + stack + self.TASK % (1, 1) + stopped % "write_cr3" + switching), ["0"])
        self.assertEqual(torn_tasks(stack), [])


class More(unittest.TestCase):
    """What crash says of a guest with devices."""

    SAID = {"mod": "ffffffffc0006040  xen_blkfront  ffffffffc0000000  49152  (not loaded)\n"
                   "ffffffffc0016040  xen_netfront  ffffffffc0010000  53248  (not loaded)\n",
            "kmem -i": "    TOTAL MEM    21717      84.8 MB         ----\n       CACHED     1861       7.3 MB    8% of TOTAL MEM\n",
            "kmem -s": "ffff888003a0e200     1096         13        28      2    16k  ext4_inode_cache\n"
                       "ffff888003841000     6272         72        75     15    32k  task_struct\n",
            "files": "  3 ffff888003f0d200 ffff888004d7b540 ffff888004d42f58 REG  /data/file-11\n"}

    def answers(self, **changes):
        """To what crash would have said, but for that."""
        said = {**self.SAID, **changes}
        return answers_to_more("tasks\n" + "".join(f"{MARK}{name}\n{said[name]}" for name in said))

    def test_right(self):
        self.assertEqual(self.answers(), dict.fromkeys(MORE, ""))

    def test_each_wrong(self):
        for name in MORE:
            self.assertEqual([n for n, why in self.answers(**{name: "\n"}).items() if why], [name])
        bad = self.answers(**{"kmem -s": "kmem: invalid structure member offset: kmem_cache_list\n"})
        self.assertIn("invalid structure", bad["kmem -s"])
        bad = self.answers(mod="mod: no modules loaded in this kernel\n")
        self.assertIn("no modules", bad["mod"])

    def test_ended(self):
        self.assertEqual(set(answers_to_more("tasks\n").values()), {"no answer"})


if __name__ == "__main__":
    unittest.main()
