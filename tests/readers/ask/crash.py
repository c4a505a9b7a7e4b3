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
"""

# More that is asked of a guest with devices (tests/lab/guest/devices.c), and what a right answer has.
MORE = {
    "mod": ("mod", (r"^\w+ +xen_blkfront ", r"^\w+ +xen_netfront ")),
    "kmem -i": ("kmem -i", (r"^ *TOTAL MEM +\d{4,} ", r"^ *CACHED +\d{3,} ")),
    "kmem -s": ("kmem -s", (r" ext4_inode_cache$", r" task_struct$")),
    "files": ("foreach reader files", (r" REG +/data/file-\d+$",)),
}
MARK = "asked: "


def version():
    """As `crash --version` has it."""
    out = subprocess.run(["crash", "--version"], capture_output=True, text=True, check=False).stdout
    m = re.search(r"^crash (\S+)", out, re.M)
    return m.group(1) if m else "?"


def argv_of(dump, vmlinux):
    """With None for the file of commands.  crash finds KASLR in program headers and kdump files, but not in
    sections."""
    argv = ["crash", "-s", "-i", None]
    if dump.kind == "sections" and dump.kaslr:
        argv += [f"--kaslr={dump.kaslr:#x}", "--machdep", f"phys_base={dump.phys_base:#x}"]
    return [*argv, vmlinux, dump.path]


def with_registers(out, sections):
    """How many CPUs have registers in the answer to `bt -a`.  It does not print those of a file that has
    only sections, but begins with them: then there is a stack."""
    parts = re.split(r"^PID: .* CPU: (\d+) ", out, flags=re.M)
    return len({cpu for cpu, text in zip(parts[1::2], parts[2::2])
                if "RIP: " in text or sections and re.search(r"^ *#2 \[[0-9a-f]+\] \S+ at ", text, re.M)})


def torn_tasks(out):
    """The CPUs of which crash says that their run queue and their current task differ, unless their registers are in
    the code that switches tasks: between the two stores both are right.  The stack of a task that sleeps, which crash
    shows where it does not believe the registers, ends in that code, too."""
    torn = set(re.findall(r"inconsistent active task indications for CPU (\d+)", out))
    parts = re.split(r"^PID: .* CPU: (\d+) ", out, flags=re.M)
    for cpu, text in zip(parts[1::2], parts[2::2]):
        running = text.partition("[exception RIP: ")[2]
        if re.search(r"(?:^|^ *#\d+ \[[0-9a-f]+\] )(?:__switch_to|__schedule|switch_mm)", running, re.M):
            torn.discard(cpu)
    return sorted(torn)


def panic_shown(out):
    """Whether crash says why the kernel panicked, and who did, with the way there.  With some kernels it
    begins at who called panic(), which is sysrq here."""
    return (re.search(r'^ +PANIC: ".*panic', out, re.M) and
            re.search(r"^ *#\d+ \[\w+\] (\w*panic|sysrq_handle_crash) at ", out, re.M))


def answers_to_more(out):
    """{name: "" or what is wrong}, of the output after each mark."""
    parts = re.split(rf"^{MARK}(.+)\n", out, flags=re.M)
    said = dict(zip(parts[1::2], parts[2::2]))
    found = {}
    for name, (command, wanted) in MORE.items():
        text = said.get(name, "")
        complaint = re.search(rf"^{command.split()[0]}: .*", text, re.M)
        missing = [w for w in wanted if not re.search(w, text, re.M)]
        if missing or complaint:
            found[name] = complaint.group(0)[:90] if complaint else \
                "no answer" if not text.strip() else f"nothing like {missing[0]!r}"
        else:
            found[name] = ""
    return found


def _run(argv, commands):
    """Its status and output."""
    with tempfile.NamedTemporaryFile("w", suffix=".crash") as f:
        f.write(commands + "exit\n")
        f.flush()
        run = subprocess.run([arg or f.name for arg in argv], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return run.returncode, run.stdout.decode("utf-8", "replace")


def ask(dump, vmlinux, show, task=None, panic=False, devices=False):
    """Returns an Answer; task: the name of a process that must be there; panic: the kernel has; devices: the
    guest has them, so ask MORE, of which the answers are in the facts."""
    ver = version()
    more = "".join(f"!echo '{MARK}{name}'\n{command}\n" for name, (command, _) in MORE.items())
    status, whole = _run(argv_of(dump, vmlinux), COMMANDS + more * devices)
    show(whole)
    without = "module_init()" in whole and status
    if without:
        # It ends where it reads the modules; it offers to leave them alone.
        status, whole = _run([*argv_of(dump, vmlinux), "--no_modules"], COMMANDS + more * devices)
        show(whole)
    out = whole.partition(MARK)[0]
    facts = {k: int(v) for k, v in re.findall(r"^ *(CPUS|TASKS): (\d+)", out, re.M)}
    # Only sections: registers of vCPU 0 alone, for crash does not look at the others'.
    sections = dump.kind == "sections"
    registers = with_registers(out, sections)
    want = 1 if sections else facts.get("CPUS", 1)
    wrong = []
    if status:
        last = [line for line in out.splitlines() if line.strip()][-1:]
        wrong.append(f"status {status}: {''.join(last).strip()[:90]}")
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
    if re.search(r"bt: .*(cannot|invalid)|read error", out):
        wrong.append(re.search(r".*(bt: .*(?:cannot|invalid)|read error).*", out).group(0).strip()[:90])
    wrong += [f"CPU {cpu}: its run queue and its current task differ" for cpu in torn_tasks(out)]
    if not re.search(r"^\[ *\d+\.\d+\] ", out, re.M):
        wrong.append("no log")
    if f'= "{dump.release}"' not in out and f'"{dump.release}\\000' not in out:
        wrong.append("init_uts_ns.name.release is not the release")
    if devices:
        facts["more"] = answers_to_more(whole)
    text = "; ".join(wrong) or (f"{facts.get('TASKS')} tasks, registers of {registers} of "
                                f"{facts.get('CPUS')} CPUs, log, init_uts_ns" +
                                (", its panic" if panic else "") +
                                (", with --no_modules" if without else ""))
    return Answer("crash", ver, "not ok" if wrong else "ok", text, facts)
