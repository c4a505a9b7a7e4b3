#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The kdump file that QEMU makes of a kernel with KASLR has a wrong phys_base, far outside of memory.
#
# Guessed: QEMU copies NUMBER(phys_base) of VMCOREINFO into the sub-header, where makedumpfile and crash look for it.
# In fact: the number is decimal, and QEMU reads its digits as hexadecimal: of -501219328 it makes -0x501219328.
# makedumpfile then cannot translate an address and gives up on the file; without KASLR the number is 0 and right.
# Seen with: QEMU 7.2.22 of Debian 12, Linux 6.12.118 of Debian 13, makedumpfile 1.7.8 of sid:
#   NUMBER(phys_base)=-501219328, in the sub-header -0x501219328; "check_release: Can't get the address of
#   system_utsname."  (The number is another at every boot.)
# For users of xldump: `xldumpctl convert` takes the number from VMCOREINFO, and writes it right.

. "$(dirname "$0")/lib.sh"

root_of sid makedumpfile=1:1.7.8-1 elfutils=0.196-1
linux_dumps trixie linux-image-6.12.118+deb13-cloud-amd64=6.12.118-1 ' '
inside "$root" makedumpfile -R "$work/raw" <"$dumps/kdump" >"$work/log" 2>&1 || skip "$(tail -n 1 "$work/log")"

told=$(grep -aom1 '^NUMBER(phys_base)=-\?[0-9]*' "$dumps/elf" | sed 's/.*=//')
written=$(od -An -td8 -j4096 -N8 "$work/raw" | tr -d ' ')
say "VMCOREINFO says $told, the sub-header of the kdump file $written"
case $told in
-*) hex=$((-0x${told#-})) ;;
*) hex=$((0x$told)) ;;
esac
[ "$told" != 0 ] || skip "this kernel was not moved"
expect "the digits were read as hexadecimal" "^$hex\$" "$written"
expect "makedumpfile gives up" "Can't get the address of system_utsname|Can't convert a virtual address" \
	"$(inside "$root" makedumpfile -d 31 "$work/raw" "$work/out" 2>&1)"
finish
