#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# crash reads old bytes from a flattened file in which a later record covers a part of an earlier one.
#
# Guessed: the flattened form says "put these bytes there", in order, so the last record wins in each reader.
# In fact: that is what makedumpfile -R and libkdumpfile make of it.  crash looks up the record that has the first byte
# of a read, and takes the rest of the read from it: old bytes, if a later record begins within the read.  So the same
# byte is new or old, as the read begins there or before.  No message.
# Seen with: crash 9.0.2, drgn 0.3.0, makedumpfile 1.7.8 of sid; a flattened ELF of Linux 6.1.192: at 0x90800, where the later
#   record begins, crash says NEWBYTES; the bytes from 0x907f8 on are OLDBYTESNEWBYTES as well, but a page that `rd -r`
#   reads has OLDBYTES there; drgn says NEWBYTES
# For users of xldump: streams are to be put together first; xl-livedump(1) says so.

. "$(dirname "$0")/lib.sh"

linux_dumps bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
vmlinux_of bookworm linux-image-6.1.0-57-cloud-amd64-dbg=6.1.192-3
root_of sid crash=9.0.2+~16.3-1 makedumpfile=1:1.7.8-1 python3-drgn=0.3.0-1 libkdumpfile12=0.5.6-1

# In memory below 1 MiB that no kernel has: a part of a record at 0x90000, a whole one at 0x91000.
python3 - "$dumps/plain" "$work/flat" <<'END'
import os, struct, sys
with open(sys.argv[1], "rb") as f, open(sys.argv[2], "wb") as out:
    out.write(struct.pack(">16sqq", b"makedumpfile", 1, 1).ljust(4096, b"\0"))
    f.seek(64 + 56 + 8)
    base, = struct.unpack("<Q", f.read(8))
    size = os.fstat(f.fileno()).st_size
    def record(offset, data):
        out.write(struct.pack(">qq", offset, len(data)) + data)
    old, part, same = b"OLDBYTES" * 512, base + 0x90000, base + 0x91000
    f.seek(0)
    record(0, f.read(part))
    record(part, old)
    record(same, old)
    at = f.seek(same + len(old))
    while at < size:
        data = f.read(1 << 20)
        record(at, data)
        at += len(data)
    record(part + 2048, b"NEWBYTES" * 256)
    record(same, b"NEWBYTES" * 512)
    out.write(struct.pack(">qq", -1, -1))
END
printf 'rd -a -p 0x90800 8\nrd -a -p 0x91800 8\nrd -p -r page 0x90000 4096\nquit\n' >"$work/commands"
out=$(inside "$root" crash -s -i commands "$vmlinux" flat </dev/null 2>&1)
expect "crash, a read that begins with the later record" '90800: +NEWBYTES' "$out"
expect "crash, a read that begins before it" '^OLDBYTES$' "$(dd if="$work/page" bs=8 skip=256 count=1 status=none)"
expect "crash, a record of the same range" '91800: +NEWBYTES' "$out"
ask='print(prog.read(0x90800, 8, physical=True), prog.read(0x91800, 8, physical=True))'
expect "drgn" "^b'NEWBYTES' b'NEWBYTES'" "$(inside "$root" drgn -q -c flat -e "$ask" 2>&1)"
inside "$root" sh -c 'makedumpfile -R whole <flat >log 2>&1' || skip "$(tail -n 1 "$work/log")"
expect "put together, drgn" "^b'NEWBYTES' b'NEWBYTES'" "$(inside "$root" drgn -q -c whole -e "$ask" 2>&1)"
finish
