# SPDX-License-Identifier: GPL-2.0-or-later
"""drgn: tasks, the stack of one that sleeps in the kernel (it is in vmalloc space, so reading it
takes the guest's page tables), registers of every CPU, a variable.

Works from drgn 0.0.22 on.
"""

from ask.dumpfile import Answer

TASK_INTERRUPTIBLE = 1


def _state_of(task):
    """The member is __state since Linux 5.14."""
    try:
        return task.member_("__state").value_()
    except LookupError:
        return task.member_("state").value_()


def _stack(prog, task):
    """Names of the functions on the stack of a sleeping task; [] if it does not end in the
    scheduler."""
    trace = prog.stack_trace(task)
    names = [trace[i].name or hex(trace[i].pc) for i in range(len(trace))]
    return names if "__schedule" in names[:3] and len(names) >= 5 else []


def ask(dump, vmlinux, show):
    """Returns an Answer."""
    # pylint: disable=import-outside-toplevel,import-error,broad-exception-caught
    import drgn
    version = getattr(drgn, "__version__", "?")
    if dump.kind == "sections":
        return Answer("drgn", version, "n/a", "reads program headers or kdump files")
    if dump.kind == "flattened" and version.startswith("0.0."):
        return Answer("drgn", version, "n/a", "flattened files are tried with drgn 0.3.0 alone")
    try:
        return _ask(drgn, version, dump, vmlinux, show)
    except Exception as e:  # whatever drgn throws is its answer
        return Answer("drgn", version, "not ok", f"{type(e).__name__}: {e}".split("\n", 1)[0][:120])


def _ask(drgn, version, dump, vmlinux, show):
    # pylint: disable=import-outside-toplevel,import-error
    from drgn.helpers.linux.cpumask import for_each_online_cpu
    from drgn.helpers.linux.pid import for_each_task
    prog = drgn.Program()
    prog.set_core_dump(dump.path)
    try:
        prog.load_debug_info([vmlinux])
    except drgn.MissingDebugInfoError as e:
        show(f"note: {e}")
    tasks = list(for_each_task(prog))
    release = prog["init_uts_ns"].name.release.string_().decode()
    show(f"release: {release}\ntasks: {len(tasks)}")
    wrong = []
    if release != dump.release:
        wrong.append("another release")
    if len(tasks) < 30:
        wrong.append(f"{len(tasks)} tasks")
    # Registers of CPU n are filed under "process" n + 1, and drgn 0.0.22 takes that for a pid.
    cpus = len(list(for_each_online_cpu(prog)))
    for task in tasks:
        if task.pid.value_() <= cpus or not _state_of(task) & TASK_INTERRUPTIBLE:
            continue
        names = _stack(prog, task)
        if names:
            show(f"stack of {task.pid.value_()} "
                 f"({task.comm.string_().decode(errors='replace')}):")
            show("\n".join(f"  #{i} {name}" for i, name in enumerate(names)))
            break
    else:
        wrong.append("no sleeping task has a stack that can be read")
    text = "; ".join(wrong) or f"{len(tasks)} tasks, the stack of one, init_uts_ns"
    return Answer("drgn", version, "not ok" if wrong else "ok", text, {"TASKS": len(tasks)})
