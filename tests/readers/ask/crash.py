# SPDX-License-Identifier: GPL-2.0-or-later
"""crash: tasks, the backtrace of every CPU, the log, a variable."""

import re
import subprocess
import tempfile

from ask.dumpfile import Answer

COMMANDS = """sys
ps
bt -a
log | tail -n 20
p init_uts_ns.name.release
exit
"""


def version():
    """As `crash --version` has it."""
    out = subprocess.run(["crash", "--version"], capture_output=True, text=True, check=False).stdout
    m = re.search(r"^crash (\S+)", out, re.M)
    return m.group(1) if m else "?"


def argv_of(dump, vmlinux, commands):
    """crash finds KASLR in program headers and kdump files, but not in sections."""
    argv = ["crash", "-s", "-i", commands]
    if dump.kind == "sections" and dump.kaslr:
        argv += [f"--kaslr={dump.kaslr:#x}", "--machdep", f"phys_base={dump.phys_base:#x}"]
    return [*argv, vmlinux, dump.path]


def with_registers(out, sections):
    """How many CPUs have registers in the answer to `bt -a`.  It does not print those of a file that has
    only sections, but begins with them: then there is a stack."""
    parts = re.split(r"^PID: .* CPU: (\d+) ", out, flags=re.M)
    return len({cpu for cpu, text in zip(parts[1::2], parts[2::2])
                if "RIP: " in text or sections and re.search(r"^ *#2 \[[0-9a-f]+\] \S+ at ", text, re.M)})


def panic_shown(out):
    """Whether crash says why the kernel panicked, and who did, with the way there.  With some kernels it
    begins at who called panic(), which is sysrq here."""
    return (re.search(r'^ +PANIC: ".*panic', out, re.M) and
            re.search(r"^ *#\d+ \[\w+\] (\w*panic|sysrq_handle_crash) at ", out, re.M))


def ask(dump, vmlinux, show, task=None, panic=False):
    """Returns an Answer; task: the name of a process that must be there; panic: the kernel has."""
    ver = version()
    with tempfile.NamedTemporaryFile("w", suffix=".crash") as f:
        f.write(COMMANDS)
        f.flush()
        run = subprocess.run(argv_of(dump, vmlinux, f.name), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    out = run.stdout.decode("utf-8", "replace")
    show(out)
    facts = {k: int(v) for k, v in re.findall(r"^ *(CPUS|TASKS): (\d+)", out, re.M)}
    # Only sections: registers of vCPU 0 alone, for crash does not look at the others'.
    sections = dump.kind == "sections"
    registers = with_registers(out, sections)
    want = 1 if sections else facts.get("CPUS", 1)
    wrong = []
    if run.returncode:
        last = [line for line in out.splitlines() if line.strip()][-1:]
        wrong.append(f"status {run.returncode}: {''.join(last).strip()[:90]}")
    if not dump.release or f"RELEASE: {dump.release}" not in out:
        wrong.append("another release")
    if facts.get("TASKS", 0) < 30:
        wrong.append(f"{facts.get('TASKS', 0)} tasks")
    if task and not re.search(rf" {re.escape(task)}$", out, re.M):
        wrong.append(f"no task {task}")
    if panic and not panic_shown(out):
        wrong.append("no panic")
    if registers < want and facts.get("CPUS"):
        wrong.append(f"registers of {registers} CPUs of {want}")
    if re.search(r"bt: .*(cannot|invalid)|read error|active task", out):
        wrong.append(re.search(r".*(bt: .*(?:cannot|invalid)|read error|active task).*",
                               out).group(0).strip()[:90])
    if not re.search(r"^\[ *\d+\.\d+\] ", out, re.M):
        wrong.append("no log")
    if f'= "{dump.release}"' not in out and f'"{dump.release}\\000' not in out:
        wrong.append("init_uts_ns.name.release is not the release")
    text = "; ".join(wrong) or (f"{facts.get('TASKS')} tasks, registers of {registers} of "
                                f"{facts.get('CPUS')} CPUs, log, init_uts_ns" +
                                (", its panic" if panic else ""))
    return Answer("crash", ver, "not ok" if wrong else "ok", text, facts)
