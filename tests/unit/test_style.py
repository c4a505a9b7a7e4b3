#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the house style says of C and a program can see: functions are short.  TAP."""
import os
import sys

SOURCE = os.environ["top_srcdir"]
FOLDERS = ("libxldump", "daemon", "tests")
LONGEST = 59


def functions(text):
    """(name, lines) of each function: its braces stand alone at the begin of a line."""
    lines = text.split("\n")
    first = None
    for i, line in enumerate(lines):
        if line == "{":
            first = i - 1
            while lines[first][:1] in ("\t", " "):
                first -= 1
        elif line == "}" and first is not None:
            yield lines[first].split("(")[0].split()[-1].lstrip("*"), i - first + 1
            first = None


def too_long(path, text):
    return [f"{path}: {name}() has {n} lines" for name, n in functions(text) if n > LONGEST]


def sources():
    for top in FOLDERS:
        for folder, _, names in os.walk(os.path.join(SOURCE, top)):
            for name in names:
                if name.endswith((".c", ".h")):
                    yield os.path.join(folder, name)


def main():
    made_up = "int f(int a,\n      int b)\n{\n" + "\ta += b;\n" * 55 + "\treturn a;\n}\n"
    paths = sorted(sources())
    wrong = []
    for path in paths:
        with open(path, encoding="utf-8") as f:
            wrong += too_long(os.path.relpath(path, SOURCE), f.read())
    points = (
        (too_long("f.c", made_up) == ["f.c: f() has 60 lines"], "a function of 60 lines is found"),
        (not too_long("f.c", made_up.replace("\ta += b;\n", "", 1)), "one of 59 is short enough"),
        (len(paths) > 200 and not wrong, "functions of the tree"),
    )
    for n, (good, what) in enumerate(points, 1):
        print(f"{'ok' if good else 'not ok'} {n} - {what}")
    for line in wrong:
        print(f"# {line}")
    print(f"1..{len(points)}")
    return 0 if all(good for good, _ in points) else 1


sys.exit(main())
