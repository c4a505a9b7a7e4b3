# SPDX-License-Identifier: GPL-2.0-or-later
"""What must be known of a dump before a reader is asked, read from the file's own bytes.

Sources: System V ABI; makedumpfile's diskdump_mod.h (the header of a kdump-compressed file) and
makedumpfile.h (the flattened form).
"""

import os
import re
import struct

PAGE = 4096
FLAT_SIGNATURE = b"makedumpfile"
FLAT_HEADER = 4096
NOTE_VMCOREINFO = b"VMCOREINFO\0"


class Flattened:
    """The file that a flattened dump becomes: read and seek alone.

    Records of (offset, size, bytes), both numbers of 64 bits and big-endian, to a negative offset;
    what comes later replaces what came before.
    """

    def __init__(self, f):
        self.file = f
        self.at = 0
        self.records = []
        f.seek(FLAT_HEADER)
        while True:
            offset, size = struct.unpack(">qq", f.read(16))
            if offset < 0:
                break
            self.records.append((offset, size, f.tell()))
            f.seek(size, os.SEEK_CUR)

    def seek(self, offset):
        """From the begin of the file."""
        self.at = offset

    def read(self, size):
        """What no record has is zero."""
        out = bytearray(size)
        for offset, length, where in self.records:
            begin, end = max(offset, self.at), min(offset + length, self.at + size)
            if begin < end:
                self.file.seek(where + begin - offset)
                out[begin - self.at:end - self.at] = self.file.read(end - begin)
        self.at += size
        return bytes(out)


class Dump:
    """A dump file: its kind, and the VMCOREINFO of its guest."""

    def __init__(self, path, twin=None):
        """twin: another dump of the same guest, for the VMCOREINFO where path has none."""
        self.path = path
        self.name = os.path.basename(path)
        with open(path, "rb") as f:
            head = f.read(PAGE)
            self.kind = self._kind_of(head)
            if self.kind == "flattened":
                f = Flattened(f)
                head = f.read(PAGE)
            self.info = self._vmcoreinfo(f, head)
        self.own_info = bool(self.info)
        if not self.info and twin:
            self.info = Dump(twin).info

    @staticmethod
    def _kind_of(head):
        if head[:8] == b"KDUMP   ":
            return "kdump"
        if head.startswith(FLAT_SIGNATURE):
            return "flattened"
        if head[:4] == b"\x7fELF":
            return "elf" if struct.unpack_from("<H", head, 56)[0] else "sections"
        return "unknown"

    def _vmcoreinfo(self, f, head):
        """The text as {key: value}; SYMBOL(x) and the like are the keys."""
        inner = self._kind_of(head)
        if inner == "kdump":
            block = struct.unpack_from("<I", head, 428)[0]
            f.seek(block)
            sub = f.read(128)
            offset, size = struct.unpack_from("<QQ", sub, 32)
        elif inner == "elf":
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

    def level(self):
        """The dump level (-d) that the file says it was made with."""
        if self.kind != "kdump":
            return 0
        with open(self.path, "rb") as f:
            block = struct.unpack_from("<I", f.read(PAGE), 428)[0]
            f.seek(block + 8)
            return struct.unpack("<i", f.read(4))[0]

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
