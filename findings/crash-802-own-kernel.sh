#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian 12's crash shows the idle tasks alone of a dump of Debian 12's own kernel.
#
# Guessed: crash and the kernel of one stable release have been tried with each other.
# In fact: crash 8.0.2 opens the dump with status 0, warns in passing, and `ps` lists the swapper tasks, one for each
# CPU, as if nothing else ran: structures of 6.1 have changed in its stable updates.  The list of tasks in memory is whole.
# Seen with: crash 8.0.2 and Linux 6.1.192 of Debian 12, dumped by QEMU: "active task ... not found in PID hash",
#   TASKS: 1 or 2 instead of 54; `list` over init_task.tasks prints more than 40
# For users of xldump: take drgn, or crash of a later release.

. "$(dirname "$0")/lib.sh"

linux_dumps bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
vmlinux_of bookworm linux-image-6.1.0-57-cloud-amd64-dbg=6.1.192-3
root_of bookworm crash=8.0.2-1
printf 'sys\nps\nlist -o task_struct.tasks -h init_task -s task_struct.comm\nquit\n' >"$work/commands"
out=$(inside "$root" crash -s -i "$work/commands" "$vmlinux" "$dumps/elf" </dev/null 2>&1 || true)
expect "the number of tasks" '^ *TASKS: [12]$' "$out"
expect "the idle task is there" 'swapper/0' "$out"
expect_not "ps does not list init" '^ +1 +0 .*init$' "$out"
expect "it is in the list in memory" 'comm = "init' "$out"
finish
