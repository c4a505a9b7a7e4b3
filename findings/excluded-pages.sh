#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Of a page that makedumpfile left out, each reader says something else, and crash 9 nothing at all.
#
# Guessed: who reads a page that was filtered away gets an error, in all readers and both formats.
# In fact, for a page that had contents:
#   ELF (makedumpfile -E): crash and drgn return zeros without a word; libkdumpfile: "Page not found"
#   kdump (makedumpfile -z): crash 9 prints neither the memory nor a message; drgn: FaultError; libkdumpfile: "Excluded page"
# Seen with: crash 9.0.2, drgn 0.3.0, libkdumpfile 0.5.6, makedumpfile 1.7.8 of sid; -d 31 of Linux 6.1.192.
# For users of xldump: the same is true of dumps with -d.  The kdump format is the safer one to read by drgn.

. "$(dirname "$0")/lib.sh"

linux_dumps bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
vmlinux_of bookworm linux-image-6.1.0-57-cloud-amd64-dbg=6.1.192-3
root_of sid crash=9.0.2+~16.3-1 makedumpfile=1:1.7.8-1 python3-drgn=0.3.0-1 python3-libkdumpfile=0.5.5.1-3+b1 libkdumpfile12=0.5.6-1
# shellcheck disable=SC2016
inside "$root" sh -c 'makedumpfile -E -d 31 "$0" elf && makedumpfile -z -d 31 "$0" kdump' "$dumps/plain" >"$work/log" 2>&1 ||
	skip "$(tail -n 1 "$work/log")"

# A page behind some p_filesz that is not zero in the dump of all, whose first load starts at 0.
page=$(python3 - "$dumps/plain" "$work/elf" <<'END'
import struct, sys
def loads(f):
    f.seek(32)
    phoff, = struct.unpack("<Q", f.read(8))
    f.seek(56)
    n, = struct.unpack("<H", f.read(2))
    for i in range(n):
        f.seek(phoff + 56 * i)
        p = struct.unpack("<IIQQQQQQ", f.read(56))
        if p[0] == 1:
            yield p[2], p[4], p[5], p[6]
with open(sys.argv[1], "rb") as whole, open(sys.argv[2], "rb") as out:
    base = next(loads(whole))[0]
    for offset, paddr, filesz, memsz in list(loads(out)):
        for at in range(paddr + filesz, paddr + memsz, 4096):
            whole.seek(base + at)
            if at > 0x1000000 and any(whole.read(8)):
                sys.exit(print(f"{at:x}") or 0)
END
)
[ -n "$page" ] || skip "no page with contents was left out"
say "physical address $page"
printf 'rd -p 0x%s 1\nquit\n' "$page" >"$work/commands"
cat >"$work/read.py" <<'END'
import os, sys, kdumpfile
c = kdumpfile.Context()
c.attr["file.fd"] = os.open(sys.argv[1], os.O_RDONLY)
print(c.read(kdumpfile.MACHPHYSADDR, int(sys.argv[2], 16), 8).hex())
END
for f in elf kdump; do
	# The prompt's line shows that the command was run.
	crash=$(inside "$root" crash -s -i commands "$vmlinux" $f </dev/null 2>&1)
	drgn=$(inside "$root" drgn -q -c $f -e "print(prog.read(0x$page, 8, physical=True).hex())" 2>&1 || true)
	kdump=$(inside "$root" python3 read.py $f "$page" 2>&1 || true)
	if [ $f = elf ]; then
		expect "$f: crash" "^ *$page: +0000000000000000" "$crash"
		expect "$f: drgn" '^0000000000000000$' "$drgn"
		expect "$f: libkdumpfile" 'NoDataError.*Page not found' "$kdump"
	else
		expect "$f: crash, nothing" '^$' "$crash"
		expect_not "$f: crash" "$page|xclude|rror" "$crash"
		expect "$f: drgn" 'FaultError: .*Excluded page' "$drgn"
		expect "$f: libkdumpfile" 'NoDataError.*Excluded page' "$kdump"
	fi
done
finish
