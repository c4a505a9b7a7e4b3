# SPDX-License-Identifier: GPL-2.0-or-later
"""makedumpfile: the log, all pages copied, unneeded ones left out."""

import os
import re
import subprocess
import tempfile

from ask.dumpfile import Answer, Dump

# Of Xen, not of the guest: they have no struct page, and makedumpfile leaves them out always.
SPECIAL_PAGES_MAX = 64


def _run(argv, show):
    run = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False)
    out = run.stdout.decode("utf-8", "replace")
    show(out)
    # It writes its progress over and over in one line, and its complaint somewhere between.
    said = [line.strip() for line in re.split(r"[\r\n]+", out) if line.strip()]
    said = [line for line in said if "%]" not in line] or said
    return run.returncode, (said[0][:90] if said else "")


def ask(dump, _vmlinux, show, pages=None):
    """Returns an Answer; pages: how many the dump must have."""
    out = subprocess.run(["makedumpfile", "-v"], capture_output=True, text=True, check=False).stdout
    m = re.search(r"version (\S+)", out)
    version = m.group(1).rstrip(":") if m else "?"
    if dump.kind == "sections":
        return Answer("makedumpfile", version, "n/a", "reads program headers or kdump files")
    if dump.kind == "flattened":
        return Answer("makedumpfile", version, "n/a", "only takes it apart again (-R)")
    wrong, facts = [], {}
    with tempfile.TemporaryDirectory() as d:
        status, said = _run(["makedumpfile", "--dump-dmesg", dump.path, f"{d}/log"], show)
        if status or not os.path.getsize(f"{d}/log"):
            wrong.append(f"no log: {said}")
        if "compression unsupported" in said:
            return Answer("makedumpfile", version, "n/a", f"this one is built without it: {said}")
        status, said = _run(["makedumpfile", "-c", "-d", "0", dump.path, f"{d}/all"], show)
        if status:
            wrong.append(f"-d 0: {said}")
        else:
            facts["pages"] = Dump(f"{d}/all").pages_in_kdump()
            if pages is not None and not pages - SPECIAL_PAGES_MAX <= facts["pages"] <= pages:
                wrong.append(f"{facts['pages']} pages of {pages}")
            os.unlink(f"{d}/all")
        status, said = _run(["makedumpfile", "-c", "-d", "31", dump.path, f"{d}/few"], show)
        if status:
            wrong.append(f"-d 31: {said}")
        else:
            facts["kept"] = Dump(f"{d}/few").pages_in_kdump()
            # Of what was left out already it finds nothing more.
            most = facts.get("pages", 1 << 40) - (0 if dump.level() == 31 else 1)
            if not 0 < facts["kept"] <= most:
                wrong.append(f"-d 31 keeps {facts['kept']} pages")
    text = "; ".join(wrong) or f"log, {facts['pages']} pages, {facts['kept']} with -d 31"
    return Answer("makedumpfile", version, "not ok" if wrong else "ok", text, facts)
