#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# makedumpfile cannot read the ELF file of QEMU's dump-guest-memory.
#
# Guessed: both speak the same vmcore format, so the largest filter for vmcores takes the files of the most used
# hypervisor, as crash, drgn and gdb do.
# In fact: since 7.2 QEMU puts section headers between the ELF header and the program headers (e_phoff 192) and says
# that the ELF header has 8 bytes (e_ehsize).  makedumpfile wants the program headers at 64 and gives up; elfutils
# calls the header invalid.  No guest system is needed to see it.
# Seen with: QEMU 7.2.22 (Debian 12) and 11.1.3 (sid), makedumpfile 1.7.8 and eu-elflint 0.196 of sid:
#   e_phoff 192, e_ehsize 8; "get_elf_info: Can't get the number of PT_LOAD."; "invalid ELF header size: 8"
# For users of xldump: `xldumpctl convert` reads such a file and writes one that makedumpfile takes.

. "$(dirname "$0")/lib.sh"

dump_with() {
	local machine=(-machine "q35" -accel tcg -m 64 -nodefaults -no-user-config -display none -S -qmp stdio)
	# shellcheck disable=SC2016
	inside "$1" sh -c '(echo "{\"execute\":\"qmp_capabilities\"}"
		echo "{\"execute\":\"dump-guest-memory\",\"arguments\":{\"paging\":false,\"protocol\":\"file:$0\"}}"
		echo "{\"execute\":\"quit\"}"; sleep 2) | qemu-system-x86_64 "$@"' "$2" "${machine[@]}" >"$work/qmp"
	[ -s "$2" ] || skip "QEMU does not dump: $(tail -n 1 "$work/qmp")"
}

root_of bookworm qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3 busybox-static=1:1.35.0-4+deb12u1+b1
dump_with "$root" "$work/old"
root_of sid qemu-system-x86=1:11.1.3+ds-1
dump_with "$root" "$work/new"
root_of sid makedumpfile=1:1.7.8-1 elfutils=0.196-1

for f in old new; do
	say "dump-guest-memory of QEMU, $f"
	expect "$f: program headers at 192" '^192$' "$(od -An -tu8 -j32 -N8 "$work/$f" | tr -d ' ')"
	expect "$f: the ELF header says it has 8 bytes" '^8$' "$(od -An -tu2 -j52 -N2 "$work/$f" | tr -d ' ')"
	expect "$f: makedumpfile gives up" "Can't get the number of PT_LOAD" \
		"$(inside "$root" makedumpfile -d 0 "$work/$f" "$work/out" 2>&1)"
	expect "$f: eu-elflint objects" 'invalid ELF header size: 8' "$(inside "$root" eu-elflint "$work/$f" 2>&1)"
done
finish
