#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# crash --log FILE, which prints the kernel's log without a vmlinux, works with no kernel of the last years.
#
# Guessed: the option of the manual page works where `crash --osrelease` does, since both need VMCOREINFO alone.
# In fact: it knows the log as it was before Linux 5.10.  The ring of records that replaced it is described in
# VMCOREINFO as well, and the command `log` of a session reads it, but the option does not.
# Seen with: crash 9.0.2 of sid, dumps of Linux 6.1.192 by QEMU, ELF and kdump:
#   "crash: VMCOREINFO: no log buffer data"; --osrelease: 6.1.0-57-cloud-amd64; SYMBOL(prb) is in VMCOREINFO
# For users of xldump: `xldumpctl dmesg` and `makedumpfile --dump-dmesg` need no vmlinux either.

. "$(dirname "$0")/lib.sh"

linux_dumps bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
root_of sid crash=9.0.2+~16.3-1
for f in elf kdump; do
	expect "$f: crash --log" 'VMCOREINFO: no log buffer data' "$(inside "$root" crash --log "$dumps/$f" 2>&1 || true)"
	expect "$f: crash --osrelease" '^6\.1\.0-57-cloud-amd64$' "$(inside "$root" crash --osrelease "$dumps/$f" 2>&1)"
done
expect "VMCOREINFO knows the ring" '^SYMBOL\(prb\)=' "$(grep -aom1 '^SYMBOL(prb)=[0-9a-f]*' "$dumps/elf")"
finish
