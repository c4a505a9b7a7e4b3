# SPDX-License-Identifier: GPL-2.0-or-later
"""Initramfs archives (cpio "newc"), written without a tree on disk, the same bytes each time."""

import os


def _entry(name, mode, data=b"", ino=0):
    raw = name.encode() + b"\0"
    fields = (ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + raw
    head += b"\0" * (-len(head) % 4)
    return head + data + b"\0" * (-len(data) % 4)


def archive(files):
    """The archive of {path inside: (mode, bytes)}; parent folders are added."""
    dirs = set()
    for name in files:
        parent = os.path.dirname(name)
        while parent:
            dirs.add(parent)
            parent = os.path.dirname(parent)
    out, ino = [], 1
    for name in sorted(dirs):
        out.append(_entry(name, 0o040755, ino=ino))
        ino += 1
    for name, (mode, data) in sorted(files.items()):
        out.append(_entry(name, 0o100000 | mode, data, ino))
        ino += 1
    out.append(_entry("TRAILER!!!", 0))
    blob = b"".join(out)
    return blob + b"\0" * (-len(blob) % 512)
