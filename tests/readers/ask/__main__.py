# SPDX-License-Identifier: GPL-2.0-or-later
"""Open a dump with the readers installed here and ask each what a person would.

usage: python3 ask [--show | --json] [--reader NAME]... [--pages N] [--twin DUMP] [--task NAME]
       [--panic] [--devices] VMLINUX DUMP

Prints TAP: per reader whether it opened the dump, with the release that the guest had, tasks,
registers, log, a variable, pages.  A reader that by design cannot take such a file is skipped.
--show prints what the readers say as well, --json a line of JSON each instead of TAP.  --pages: how
many pages of the guest the dump must have.  --twin: another dump of the same guest, for what a dump
without VMCOREINFO does not say.  --task: a process that must be there.  --panic: the kernel
has panicked, and crash must say so.  --devices: the guest has them (devices=on), and crash must list
its modules, memory, slab caches and open files.  Exit status: 0 all well, 1 a reader failed.
"""

import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# pylint: disable=wrong-import-position
from ask import crash, debugger_drgn, gdb, libkdumpfile, makedumpfile
from ask.dumpfile import Dump

READERS = {"crash": crash.ask, "drgn": debugger_drgn.ask, "gdb": gdb.ask,
           "makedumpfile": makedumpfile.ask, "libkdumpfile": libkdumpfile.ask}

# What a reader is asked beyond the dump and its kernel.
EXTRA = {"crash": ("task", "panic", "devices"), "makedumpfile": ("pages",), "libkdumpfile": ("pages",)}


def _compare(answers):
    """The idle tasks, one for each CPU, are crash's alone; else it and drgn count the same."""
    by = {a.reader: a for a in answers if a.verdict == "ok"}
    if "crash" not in by or "drgn" not in by:
        return
    a, b = by["crash"].facts, by["drgn"].facts
    if a["TASKS"] != b["TASKS"] + a["CPUS"]:
        by["drgn"].verdict = "not ok"
        by["drgn"].text = f"{b['TASKS']} tasks, where crash has {a['TASKS']} with the idle ones"


def _print_tap(name, answer):
    if answer.verdict == "n/a":
        print(f"ok - {name}: {answer.reader} {answer.version} # SKIP {answer.text}")
    else:
        print(f"{answer.verdict} - {name}: {answer.reader} {answer.version}: {answer.text}")
    for what, why in answer.facts.get("more", {}).items():
        print(f"{'not ok' if why else 'ok'} - {name}: {answer.reader} {answer.version}: {what}" +
              (f": {why}" if why else ""))


def main():
    """Entry; the exit status."""
    p = argparse.ArgumentParser(add_help=False)
    p.add_argument("--show", action="store_true")
    p.add_argument("--json", action="store_true")
    p.add_argument("--reader", action="append", choices=READERS)
    p.add_argument("--pages", type=int)
    p.add_argument("--twin")
    p.add_argument("--task")
    p.add_argument("--panic", action="store_true")
    p.add_argument("--devices", action="store_true")
    p.add_argument("-h", "--help", action="store_true")
    p.add_argument("vmlinux", nargs="?")
    p.add_argument("dump", nargs="?")
    o = p.parse_args()
    if o.help or not o.dump:
        print(__doc__, file=sys.stdout if o.help else sys.stderr)
        return 0 if o.help else 2
    dump = Dump(o.dump, o.twin)
    answers = []
    for name in o.reader or READERS:
        said = []
        more = {key: getattr(o, key) for key in EXTRA.get(name, ())}
        answers.append(READERS[name](dump, o.vmlinux, said.append, **more))
        if o.show:
            print(f"--- {name} {dump.name}")
            print("\n".join(said), flush=True)
    _compare(answers)
    for a in answers:
        if o.json:
            print(json.dumps({"dump": dump.name, "kind": dump.kind, "reader": a.reader,
                              "version": a.version, "verdict": a.verdict, "text": a.text,
                              "more": a.facts.get("more")}))
        else:
            _print_tap(dump.name, a)
    return int(any(a.verdict == "not ok" or any(a.facts.get("more", {}).values()) for a in answers))


if __name__ == "__main__":
    sys.exit(main())
