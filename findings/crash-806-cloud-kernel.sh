#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# crash 8.0.6 (Debian 13) does not open a dump of Debian 12's cloud kernel that has not panicked.
#
# Guessed: the newer crash opens the older kernel, or is too old for all of it.
# In fact: it depends on one option.  The cloud flavour of 6.1 is built without CONFIG_X86_MCE, so its interrupt
# table names no stack for machine checks.  crash then takes that stack for one of 0 bytes, and cannot read 0 bytes
# when it looks at the registers of a CPU: it searches all exception stacks of an active task unless it finds a panic
# before.  The ordinary 6.1 kernel of Debian 12 and the cloud kernel of 6.12 have the option.  --no_panic does not
# help; crash 9 skips a stack that it cannot read.
# Seen with: Linux 6.1.192 cloud of Debian 12, dumped by QEMU while it ran; crash 8.0.6: "read of stack at
#   fffffe0000014000 failed", no prompt; "[3]: (unknown)" among the stacks; crash 9.0.2 of sid: 54 tasks
# For users of xldump: convert such a dump to xencore, where crash finds no registers and does not search, or use crash 9.

. "$(dirname "$0")/lib.sh"

linux_dumps bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
vmlinux_of bookworm linux-image-6.1.0-57-cloud-amd64-dbg=6.1.192-3
image=$(pinned bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3)
expect "the kernel's configuration" '^# CONFIG_X86_MCE is not set' \
	"$(dpkg-deb --fsys-tarfile "$image" | tar -xO --wildcards './boot/config-*' | grep -w CONFIG_X86_MCE)"
printf 'ps -S\nquit\n' >"$work/commands"

root_of trixie crash=8.0.6-1
out=$(inside "$root" crash -d1 -i "$work/commands" "$vmlinux" "$dumps/elf" </dev/null 2>&1 || true)
expect "8.0.6: the stack has no name" '^ *\[3\]: \(unknown\)' "$out"
expect "8.0.6: it gives up" '^crash: read of stack at fffffe[0-9a-f]* failed' "$out"
expect_not "8.0.6: no list of tasks" '^ *IN: [0-9]+' "$out"
expect "8.0.6 with --no_panic" '^crash: read of stack at fffffe[0-9a-f]* failed' \
	"$(inside "$root" crash -s --no_panic -i "$work/commands" "$vmlinux" "$dumps/elf" </dev/null 2>&1 || true)"

root_of sid crash=9.0.2+~16.3-1
expect "9.0.2 opens it" '^ *IN: [0-9]+' \
	"$(inside "$root" crash -s -i "$work/commands" "$vmlinux" "$dumps/elf" </dev/null 2>&1)"
finish
