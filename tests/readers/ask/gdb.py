# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb: registers of every vCPU, a variable."""

import re
import subprocess

from ask.dumpfile import Answer


def ask(dump, vmlinux, show):
    """Returns an Answer."""
    out = subprocess.run(["gdb", "--version"], capture_output=True, text=True, check=False).stdout
    version = out.splitlines()[0].split()[-1] if out else "?"
    if dump.kind != "elf":
        return Answer("gdb", version, "n/a", "reads ELF files with program headers alone")
    # The symbols are where the kernel was moved to.
    argv = ["gdb", "-nx", "-batch", "-ex", "set confirm off", "-ex", f"core-file {dump.path}",
            "-ex", f"add-symbol-file {vmlinux} -o {dump.kaslr:#x}",
            "-ex", "info threads", "-ex", "info registers rip",
            "-ex", "output init_uts_ns.name.release"]
    run = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False)
    out = run.stdout.decode("utf-8", "replace")
    show(out)
    threads = len(re.findall(r"^[* ] +\d+ +(?:process|LWP|Thread)", out, re.M))
    wrong = []
    if threads < 1:
        wrong.append("no thread")
    if not re.search(r"^rip +0x", out, re.M):
        wrong.append("no registers")
    if not dump.release or f'"{dump.release}' not in out:
        wrong.append("init_uts_ns.name.release is not the release")
    text = "; ".join(wrong) or f"{threads} vCPUs with registers, init_uts_ns"
    return Answer("gdb", version, "not ok" if wrong else "ok", text)
