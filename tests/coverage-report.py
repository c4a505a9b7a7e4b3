# SPDX-License-Identifier: GPL-2.0-or-later
"""What gcov counted, summed over all programs of a build folder: see tests/coverage."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

# Percent of the branches that must be taken.  What the daemon's own processes do when memory, a disk
# or xenstored fails is most of the rest of its folders.
FLOOR = {"libxldump/capture": 90.0, "libxldump/guest": 90.0,
         "daemon": 70.0, "daemon/common": 75.0, "daemon/ctl": 75.0}


def gcov(build):
    """One document of gcov for each object file, also for those that never ran."""
    for notes in sorted(build.rglob("*.gcno")):
        out = subprocess.run(
            ["gcov", "--json-format", "--stdout", "--branch-probabilities", str(notes)],
            cwd=build, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        for line in out.splitlines():
            yield json.loads(line)


class File:
    """Lines and branches of one source file.  A file is compiled more than once, and a header into
    many objects: a line is the same when its number and its function are."""

    def __init__(self):
        self.line = {}

    def add(self, line):
        key = (line["line_number"], line.get("function_name"))
        count, branches = self.line.get(key, (0, []))
        new = [b["count"] for b in line["branches"]]
        if len(branches) < len(new):
            branches, new = new, branches
        for i, n in enumerate(new):
            branches[i] += n
        self.line[key] = (count + line["count"], branches)

    def lines(self):
        run = {}
        for (number, _), (count, _) in self.line.items():
            run[number] = run.get(number, 0) + count
        return sum(1 for n in run.values() if n), len(run)

    def branches(self):
        all_ = [n for _, branches in self.line.values() for n in branches]
        return sum(1 for n in all_ if n), len(all_)

    def missing(self):
        for (number, _), (count, branches) in sorted(self.line.items(), key=lambda i: i[0][0]):
            if not all(branches):
                yield number, count, sum(1 for n in branches if not n), len(branches)


def collect(source, build):
    files = {}
    for document in gcov(build):
        here = Path(document["current_working_directory"])
        for f in document["files"]:
            path = (here / f["file"]).resolve()
            if path.is_relative_to(source):
                file = files.setdefault(str(path.relative_to(source)), File())
                for line in f["lines"]:
                    file.add(line)
    return files


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def row(name, lines, branches):
    cells = "".join(f"{run:7}/{n:<5}{percent(run, n):6.1f} %" for run, n in (lines, branches))
    print(f"{name:40}{cells}")


def total(pairs):
    pairs = list(pairs)
    return sum(p[0] for p in pairs), sum(p[1] for p in pairs)


def show_missing(source, name, file):
    text = (source / name).read_text().splitlines()
    for number, count, missing, of in file.missing():
        print(f"    {name}:{number}: {missing} of {of} branches not taken"
              f"{'' if count else ', line not run'}: {text[number - 1].strip()}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("source", type=Path)
    parser.add_argument("build", type=Path)
    args = parser.parse_args()

    source = args.source.resolve()
    files = collect(source, args.build)
    folders = sorted({str(Path(name).parent) for name in files if not name.startswith("tests/")})
    good = True
    print(f"{'':40}{'lines':^21}{'branches':^21}")
    for folder in folders if args.all else FLOOR:
        names = sorted(n for n in files if str(Path(n).parent) == folder)
        for name in names:
            row(name, files[name].lines(), files[name].branches())
        branches = total(files[n].branches() for n in names)
        row(folder + "/", total(files[n].lines() for n in names), branches)
        if folder in FLOOR and (not names or percent(*branches) < FLOOR[folder]):
            good = False
            print(f"{folder}/: less than {FLOOR[folder]:.0f} % of the branches")
        if args.missing:
            for name in names:
                show_missing(source, name, files[name])
        print()
    return 0 if good else 1


sys.exit(main())
