#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# crash finds a kernel with KASLR in an ELF file only if the first segment has the alignment 0.
#
# Guessed: p_align of a PT_LOAD says how to map it and is of no interest to who reads by p_offset; a page is a good value.
# In fact: crash tells the two kinds of vmcore that it knows apart by it.  A first PT_LOAD that has an alignment, and
# stands at a multiple of it, makes the file a "netdump", and of those it does not look for KERNELOFFSET in VMCOREINFO.
# It ends with status 1 and not a word.
# Seen with: crash 9.0.2 of sid, Linux 6.12.118 of Debian 13 with KASLR, dumped by QEMU 7.2.22 (p_align 0: opens); the same
#   bytes with the pages at a multiple of 4096 and p_align 4096: status 1, no output
# For users of xldump: its files have 0.

. "$(dirname "$0")/lib.sh"

linux_dumps trixie linux-image-6.12.118+deb13-cloud-amd64=6.12.118-1 ' '
vmlinux_of trixie linux-image-6.12.118+deb13-cloud-amd64-dbg=6.12.118-1
root_of sid crash=9.0.2+~16.3-1
# Pages at multiples of 4096; alignments to be filled in.
python3 - "$dumps/plain" "$work" <<'END'
import struct, sys
with open(sys.argv[1], "rb") as f:
    head = f.read(64)
    count, = struct.unpack_from("<H", head, 56)
    phdrs = [list(struct.unpack("<IIQQQQQQ", f.read(56))) for i in range(count)]
    for align in 0, 4096:
        with open(f"{sys.argv[2]}/align-{align}", "wb") as out:
            out.write(head)
            at = phdrs[1][2] + 4095 & ~4095
            for p in phdrs:
                new = p[:]
                if p[0] == 1:
                    new[2], new[7] = at, align
                    at += p[5]
                out.write(struct.pack("<IIQQQQQQ", *new))
                f.seek(p[2])
                here = out.tell()
                out.seek(new[2])
                out.write(f.read(p[5]))
                out.seek(here)
END
printf 'sys\nquit\n' >"$work/commands"
for align in 0 4096; do
	status=0
	out=$(inside "$root" crash -s -i commands "$vmlinux" align-$align </dev/null 2>&1) || status=$?
	if [ $align = 0 ]; then
		expect "p_align $align" '^ *RELEASE: 6\.12\.118' "$out"
	else
		expect_not "p_align $align" '^ *RELEASE: 6\.12\.118' "$out"
		expect "p_align $align, all that is printed" '^$' "$out"
		expect "p_align $align, status" '^1$' "$status"
	fi
done
finish
