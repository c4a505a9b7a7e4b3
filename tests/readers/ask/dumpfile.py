# SPDX-License-Identifier: GPL-2.0-or-later
"""What must be known of a dump before a reader is asked, read from the file's own bytes.

Sources: System V ABI; makedumpfile's diskdump_mod.h (the header of a kdump-compressed file).
"""

import os
import re
import struct

PAGE = 4096
NOTE_VMCOREINFO = b"VMCOREINFO\0"


class Dump:
    """A dump file: its kind, and the VMCOREINFO of its guest."""

    def __init__(self, path, twin=None):
        """twin: another dump of the same guest, for the VMCOREINFO where path has none."""
        self.path = path
        self.name = os.path.basename(path)
        with open(path, "rb") as f:
            head = f.read(PAGE)
            self.kind = self._kind_of(head)
            self.info = self._vmcoreinfo(f, head)
        self.own_info = bool(self.info)
        if not self.info and twin:
            self.info = Dump(twin).info

    @staticmethod
    def _kind_of(head):
        if head[:8] == b"KDUMP   ":
            return "kdump"
        if head[:12] == b"makedumpfile":
            return "flattened"
        if head[:4] == b"\x7fELF":
            return "elf" if struct.unpack_from("<H", head, 56)[0] else "sections"
        return "unknown"

    def _vmcoreinfo(self, f, head):
        """The text as {key: value}; SYMBOL(x) and the like are the keys."""
        if self.kind == "kdump":
            block = struct.unpack_from("<I", head, 428)[0]
            f.seek(block)
            sub = f.read(128)
            offset, size = struct.unpack_from("<QQ", sub, 32)
        elif self.kind == "elf":
            offset, size = self._elf_note(f, head)
        else:
            return {}
        f.seek(offset)
        text = f.read(size).decode("ascii", "replace")
        return dict(re.findall(r"^([^=\n]+)=(.*)$", text, re.M))

    @staticmethod
    def _elf_note(f, head):
        phoff = struct.unpack_from("<Q", head, 32)[0]
        start, size = struct.unpack_from("<Q", head, phoff + 8)[0], \
            struct.unpack_from("<Q", head, phoff + 32)[0]
        f.seek(start)
        notes, at = f.read(size), 0
        while at + 12 <= size:
            namesz, descsz, _ = struct.unpack_from("<III", notes, at)
            desc = at + 12 + (namesz + 3) // 4 * 4
            if notes[at + 12:at + 12 + namesz] == NOTE_VMCOREINFO:
                return start + desc, descsz
            at = desc + (descsz + 3) // 4 * 4
        return 0, 0

    @property
    def release(self):
        """Of the kernel, "" when it is not known."""
        return self.info.get("OSRELEASE", "")

    @property
    def kaslr(self):
        """How far the kernel was moved."""
        return int(self.info.get("KERNELOFFSET", "0"), 16)

    @property
    def phys_base(self):
        """Of the kernel image."""
        return int(self.info.get("NUMBER(phys_base)", "0"))

    def pages_in_kdump(self):
        """Pages that a kdump-compressed file holds: bits of the second bitmap."""
        with open(self.path, "rb") as f:
            head = f.read(PAGE)
            block, sub, blocks = struct.unpack_from("<III", head, 428)
            half = blocks // 2 * block
            f.seek((1 + sub) * block + half)
            return sum(bin(b).count("1") for b in f.read(half))


class Answer:
    """What a reader said: ok, wrong, or by design nothing."""

    def __init__(self, reader, version, verdict, text, facts=None):
        self.reader = reader
        self.version = version
        self.verdict = verdict
        self.text = text
        self.facts = facts or {}
