#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# makedumpfile -E of a vmcore with section headers writes a header that promises sections, and none of them.
#
# Guessed: it writes a new ELF header for the new file, or keeps the sections.
# In fact: e_shoff, e_shnum and e_shstrndx are copied, the section headers are not.  They lead into the pages or behind the end, so
# tools that look at sections print errors or nonsense.  Those that follow program headers alone are well.
# Seen with: makedumpfile 1.7.8 and readelf 2.47 of sid, a vmcore of Linux 6.1.192 with two section headers behind the pages:
#   e_shoff 168039643 in a file of 62899720 bytes; "Reading 128 bytes extends past end of file for section headers"
# For users of xldump: the format elf has sections for mdb; `makedumpfile -E` of it is for the other readers.

. "$(dirname "$0")/lib.sh"

linux_dumps bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
root_of sid makedumpfile=1:1.7.8-1 binutils=2.47.50.20261021-1
cp --reflink=auto "$dumps/plain" "$work/core"
chmod u+w "$work/core"
python3 - "$work/core" <<'END'
import struct, sys
with open(sys.argv[1], "r+b") as f:
    names = b"\0.shstrtab\0"
    at = f.seek(0, 2)
    f.write(names + bytes(64 - len(names)))
    # The null section, and the section of names.
    f.write(bytes(64) + struct.pack("<IIQQQQIIQQ", 1, 3, 0, 0, at, len(names), 0, 0, 1, 0))
    f.seek(40)
    f.write(struct.pack("<Q", at + 64))
    f.seek(58)
    f.write(struct.pack("<HHH", 64, 2, 1))
END
expect "the input is right" '\.shstrtab +STRTAB' "$(inside "$root" readelf -SW core 2>&1)"
inside "$root" makedumpfile -E -d 31 core filtered >"$work/log" 2>&1 || skip "$(tail -n 1 "$work/log")"
shoff() { od -An -tu8 -j40 -N8 "$1" | tr -d ' '; }
say "e_shoff, size: $(shoff "$work/core"), $(stat -c %s "$work/core"); filtered:" \
	"$(shoff "$work/filtered"), $(stat -c %s "$work/filtered")"
expect "e_shoff is the old one" "^$(shoff "$work/core")\$" "$(shoff "$work/filtered")"
expect "e_shnum is the old one" '^2$' "$(od -An -tu2 -j60 -N2 "$work/filtered" | tr -d ' ')"
out=$(inside "$root" readelf -SW filtered 2>&1)
expect_not "there are no such sections" '\.shstrtab +STRTAB' "$out"
expect "readelf objects" '<no-strings>|rror|corrupt' "$out"
finish
