#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What drgn sees in a dump: drgn-tasks.py VMLINUX DUMP

Prints the kernel's release, the number of tasks, and the stack of one that sleeps in the kernel:
that stack is in vmalloc space, so reading it takes the guest's page tables.  Exit status: 0 all of
it was there, 1 something was not.  Works from drgn 0.0.22 on.
"""

import sys

import drgn
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.pid import for_each_task

TASK_INTERRUPTIBLE = 1


def state_of(task):
    """The member is __state since Linux 5.14."""
    try:
        return task.member_("__state").value_()
    except LookupError:
        return task.member_("state").value_()


def print_stack(prog, task):
    """Print the stack of a sleeping task; whether it is one: it ends in the scheduler."""
    trace = prog.stack_trace(task)
    names = [trace[i].name or hex(trace[i].pc) for i in range(len(trace))]
    if "__schedule" not in names[:3] or len(names) < 5:
        return False
    print(f"stack of {task.pid.value_()} ({task.comm.string_().decode(errors='replace')}):")
    for i, name in enumerate(names):
        print(f"  #{i} {name}")
    return True


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    prog = drgn.Program()
    prog.set_core_dump(sys.argv[2])
    try:
        prog.load_debug_info([sys.argv[1]])
    except drgn.MissingDebugInfoError as e:
        print(f"note: {e}", file=sys.stderr)

    tasks = list(for_each_task(prog))
    print(f"release: {prog['init_uts_ns'].name.release.string_().decode()}")
    print(f"tasks: {len(tasks)}")

    # Registers of CPU n are filed under "process" n + 1, and drgn 0.0.22 takes that for a pid.
    cpus = len(list(for_each_online_cpu(prog)))
    for task in tasks:
        if task.pid.value_() <= cpus or not state_of(task) & TASK_INTERRUPTIBLE:
            continue
        if print_stack(prog, task):
            return 0
    print("no sleeping task has a stack that can be read")
    return 1


if __name__ == "__main__":
    sys.exit(main())
