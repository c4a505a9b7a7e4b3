#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One record of the kernel's log with a newline and a byte above 127 in it reads differently in each tool.
#
# Guessed: tools that print the log of a dump print a record alike: the prefix again on its second line, and \xc3.
# In fact: vmcore-dmesg writes \xc3; makedumpfile extends the sign, \xffffffc3.  makedumpfile indents the second line by
# the width of the prefix, to which it adds the caller's id; vmcore-dmesg prints it from the first column, as a line
# without a time.
# Seen with: makedumpfile 1.7.8 and kexec-tools 2.0.32 of sid; Linux 6.1.192, dump with paging by QEMU 7.2.22.
# For users of xldump: `xldumpctl dmesg` repeats the time stamp and writes \xc3.

. "$(dirname "$0")/lib.sh"

guest_init='printf "finding: first\nsecond \303 line\n" >/dev/kmsg
'$guest_init
guest_start bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
guest_dump "$work/elf"
guest_dump "$work/paging" '"paging":true'
guest_end
plain_elf "$work/elf" "$work/plain"
root_of sid makedumpfile=1:1.7.8-1 kexec-tools=1:2.0.32-3

inside "$root" makedumpfile --dump-dmesg plain log >"$work/messages" 2>&1 || skip "$(tail -n 1 "$work/messages")"
expect "makedumpfile, first line" '^\[ *[0-9]+\.[0-9]+\]( \[ *[A-Z0-9]+\])? finding: first' "$(cat "$work/log")"
expect "makedumpfile, second line" '^ {10,}second \\xffffffc3 line' "$(cat "$work/log")"
out=$(inside "$root" vmcore-dmesg paging 2>&1)
expect "vmcore-dmesg, first line" '^\[ *[0-9]+\.[0-9]+\] finding: first' "$out"
expect "vmcore-dmesg, second line" '^second \\xc3 line' "$out"
finish
