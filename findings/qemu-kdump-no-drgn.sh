#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# drgn opens the ELF file, but not the kdump file, that QEMU makes of the same guest.
#
# Guessed: drgn reads kdump files through libkdumpfile, which knows the format, and QEMU writes it.
# In fact: QEMU leaves sysname, release and version in the header empty and fills "machine" alone.  libkdumpfile
# then knows no architecture, although "x86_64" stands there, and drgn, which asks for it, does not start.
# Seen with: QEMU 7.2.22 of Debian 12, Linux 6.1.192, drgn 0.3.0 with libkdumpfile 0.5.6 of sid:
#   "Exception: kdump_get_string_attr(KDUMP_ATTR_ARCH_NAME): Key has no value"
# For users of xldump: its kdump files have all four; `xldumpctl convert` of QEMU's file makes one that drgn opens.

. "$(dirname "$0")/lib.sh"

root_of sid python3-drgn=0.3.0-1 libkdumpfile12=0.5.6-1 makedumpfile=1:1.7.8-1
linux_dumps bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
inside "$root" makedumpfile -R "$work/raw" <"$dumps/kdump" >"$work/log" 2>&1 || skip "$(tail -n 1 "$work/log")"

ask='print("release", prog["UTS_RELEASE"].string_().decode())'
expect "the ELF file" '^release 6\.1\.0-57-cloud-amd64' "$(inside "$root" drgn -c "$dumps/elf" -e "$ask" 2>&1)"
expect "the kdump file" 'KDUMP_ATTR_ARCH_NAME.*Key has no value' \
	"$(inside "$root" drgn -c "$work/raw" -e "$ask" 2>&1)"
# sysname at 12, release, version and machine 130, 195 and 260 bytes behind it.
expect "sysname in the header is empty" '^$' "$(dd if="$work/raw" bs=1 skip=12 count=65 status=none | tr -d '\0')"
expect "machine is not" '^x86_64$' "$(dd if="$work/raw" bs=1 skip=272 count=65 status=none | tr -d '\0')"

say "the same file with sysname, release and version filled in"
put() { printf '%s' "$2" | dd of="$work/raw" bs=1 seek="$1" conv=notrunc status=none; }
put 12 Linux
put 142 6.1.0-57-cloud-amd64
put 207 '#1 SMP'
expect "drgn opens it" '^release 6\.1\.0-57-cloud-amd64' "$(inside "$root" drgn -c "$work/raw" -e "$ask" 2>&1)"
finish
