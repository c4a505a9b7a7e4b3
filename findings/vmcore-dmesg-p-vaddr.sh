#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vmcore-dmesg prints no log from an ELF vmcore whose segments have physical addresses alone.
#
# Guessed: what crash, drgn and makedumpfile need to find the log (p_paddr, VMCOREINFO with phys_base and
# KERNELOFFSET) is enough for the small tool of kexec-tools that does nothing else.
# In fact: it follows p_vaddr alone, as /proc/vmcore has it.  QEMU's dump-guest-memory leaves p_vaddr at 0 unless
# it is asked for the slow form with paging, and the tool ends with a message that two words run into.
# Seen with: kexec-tools 2.0.32 of sid, QEMU 7.2.22, Linux 6.1.192 without KASLR:
#   "No program header covering vaddr 0xffffffff82a622c0found kexec bug?"; with "paging": the log
# For users of xldump: the format elf has the kernel's own addresses in p_vaddr, so it works.

. "$(dirname "$0")/lib.sh"

root_of sid kexec-tools=1:2.0.32-3
linux_dumps bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
expect "plain dump" '^No program header covering vaddr 0x[0-9a-f]*found kexec bug' \
	"$(inside "$root" vmcore-dmesg "$dumps/elf" 2>&1)"

guest_start bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
guest_dump "$work/paging" '"paging":true'
guest_end
expect "dump with paging" '^\[ *0\.000000\].* Linux version 6\.1\.0-57' "$(inside "$root" vmcore-dmesg "$work/paging" 2>&1)"
finish
