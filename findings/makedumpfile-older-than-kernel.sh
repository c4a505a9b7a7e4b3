#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A makedumpfile that is older than the kernel says "Completed" and leaves out pages that are needed.
#
# Guessed: it refuses a kernel that it does not know, or warns and keeps what it cannot judge.
# In fact: Debian 12's makedumpfile 1.7.2 takes Linux 6.12, whose struct page it misreads: it warns in one line that a
# newer one may be needed, ends with status 0, and the dump at level 31 lacks memory of the kernel: the list of tasks
# cannot be walked to its end.  makedumpfile 1.7.8 keeps that memory.
# Seen with: Linux 6.12.118 of Debian 13, 63 tasks; drgn 0.3.0 on the output of 1.7.8: 63; of 1.7.2: fewer, or
#   "Excluded page"
# For users of xldump: a dump level of xl-livedump is judged by xldump itself; makedumpfile must be as new as the guest's kernel.

. "$(dirname "$0")/lib.sh"

linux_dumps trixie linux-image-6.12.118+deb13-cloud-amd64=6.12.118-1
vmlinux_of trixie linux-image-6.12.118+deb13-cloud-amd64-dbg=6.12.118-1
root_of bookworm makedumpfile=1:1.7.2-1
status=0
inside "$root" makedumpfile -l -d 31 "$dumps/plain" old >"$work/log" 2>&1 || status=$?
expect "1.7.2" 'makedumpfile Completed' "$(cat "$work/log")"
expect "1.7.2, its status" '^0$' "$status"
root_of sid makedumpfile=1:1.7.8-1 python3-drgn=0.3.0-1 libkdumpfile12=0.5.6-1
inside "$root" makedumpfile -l -d 31 "$dumps/plain" new >"$work/log" 2>&1 || skip "$(tail -n 1 "$work/log")"
cat >"$work/tasks.py" <<'END'
from drgn.helpers.linux.pid import for_each_task
n = 0
try:
    for task in for_each_task(prog):
        task.comm.string_()
        n += 1
except Exception as e:
    print(type(e).__name__, e)
print("tasks", n)
END
count() { inside "$root" drgn -q -c "$1" -s "$vmlinux" tasks.py 2>&1; }
all=$(count "$dumps/plain" | grep -o 'tasks [0-9]*')
say "of the unfiltered dump: $all"
[ "${all#tasks }" -gt 30 ] || skip "drgn does not list the tasks"
expect "1.7.8" "^$all\$" "$(count new)"
out=$(count old)
say "1.7.2: $(tail -n 2 <<<"$out" | tr '\n' ' ')"
expect_not "1.7.2" "^$all\$" "$out"
finish
