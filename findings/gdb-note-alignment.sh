#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# gdb decides by p_align of the notes whether a file is a core dump at all.
#
# Guessed: p_align of a PT_NOTE is of no interest to readers, since core files have notes padded to 4 bytes, or gdb pads
# notes to whatever it says.
# In fact: gdb takes 0 to 4 for 4, and 8 for notes padded to 8.  Of notes that are padded to 4 behind a p_align of 8 or
# more it says that the file is no core dump, not even 16 or a page, which no note is ever padded to; libkdumpfile
# reads the same files.
# Seen with: gdb 18.1 and libkdumpfile 0.5.6 of sid, the ELF file of QEMU with nothing but p_align changed: 0, 1, 4: two threads;
#   16 and 4096: "is not a core dump: file format not recognized"; libkdumpfile finds VMCOREINFO in all of them
# For users of xldump: its files have 0 there.

. "$(dirname "$0")/lib.sh"

linux_dumps bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
root_of sid gdb=18.1-3 python3-libkdumpfile=0.5.5.1-3+b1 libkdumpfile12=0.5.6-1
cp --reflink=auto "$dumps/plain" "$work/core"
chmod u+w "$work/core"
cat >"$work/info.py" <<'END'
import os, sys, kdumpfile
c = kdumpfile.Context()
c.attr["file.fd"] = os.open(sys.argv[1], os.O_RDONLY)
print(c.attr["linux.vmcoreinfo.lines.OSRELEASE"])
END
for align in 0 1 4 16 4096; do
	# p_align of the first program header.
	printf '%b' "\\x$(printf %02x $((align & 255)))\\x$(printf %02x $((align >> 8)))" |
		dd of="$work/core" bs=1 seek=$((64 + 48)) conv=notrunc status=none
	out=$(inside "$root" gdb -nx -batch -ex 'info threads' -c core 2>&1)
	if [ "$align" -le 4 ]; then
		expect "gdb, p_align $align" '^  2 +.*LWP 2' "$out"
	else
		expect "gdb, p_align $align" 'is not a core dump: file format not recognized' "$out"
	fi
	expect "libkdumpfile, p_align $align" '^6\.1\.0-57-cloud-amd64' "$(inside "$root" python3 info.py core 2>&1)"
done
finish
