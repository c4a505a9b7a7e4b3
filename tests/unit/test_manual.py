#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each option of a program is in its --help, in its manual page and in its completion.  TAP."""
import glob
import os
import re
import shutil
import subprocess
import sys

SOURCE = os.environ["top_srcdir"]
BUILD = os.environ["top_builddir"]

# xldumpctl(1) and its completion say these once, for every command.
OF_EVERY_COMMAND = {"-h", "--help", "-V", "--version"}

# Completes the last word of its arguments and prints what may stand there.
COMPLETE = """
. "$1"
shift
compopt() { :; }
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
"_${1//-/_}" "$1" "${COMP_WORDS[COMP_CWORD]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""

points = 0
failed = 0


def point(wrong, what):
    """One test point, which failed if something is wrong."""
    global points, failed
    points += 1
    failed += bool(wrong)
    print(f"{'not ok' if wrong else 'ok'} {points} - {what}")
    for line in wrong:
        print(f"# {line}")


def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


# ---- what each of the three places says ----

def in_help(*argv):
    """Options at the begin of a line, and those in brackets after `usage:'."""
    found = set()
    for line in run(*argv, "--help").splitlines():
        m = re.match(r"\s+(-\w)?(?:, *)?(--[a-z][a-z-]*)?(?=[=\s]|$)", line)
        found |= {option for option in (m.groups() if m else ()) if option}
        if line.startswith("usage:"):
            found |= set(re.findall(r"\[(--?[a-z][a-z-]*)", line))
    return found


def commands_in_help(program):
    listed = run(program, "--help").split("\n\n")[1]
    return re.findall(r"^  (\w+) ", listed, re.M)


def options_of(line):
    """The options in a line of mdoc."""
    found = {f"--{name}" for name in re.findall(r"Fl Fl ([a-z][a-z-]*)", line)}
    for letters in re.findall(r"Fl (\w+)", re.sub(r"Fl Fl( [a-z][a-z-]*)?", "", line)):
        found |= {f"-{letter}" for letter in letters}
    return found


def in_page(text):
    return set().union(*(options_of(line) for line in re.findall(r"^\.It (Fl .*)$", text, re.M)))


def commands_in_page(text, commands):
    """{command: its options in the page}: those of its entry, and of its synopsis."""
    synopsis, description = text.split("\n.Sh DESCRIPTION\n")
    found = {}
    begin = rf"^\.It Cm (?=(?:{'|'.join(commands)})$)|^\.Ss "
    for entry in re.split(begin, description, flags=re.M)[1:]:
        name = entry.split("\n")[0]
        if name in commands:
            found[name] = in_page(entry)
    for use in synopsis.split("\n.Nm\n.Cm ")[1:]:
        for name in use.split("\n")[0].split(" | "):
            for line in use.split("\n.Nm")[0].split("\n"):
                found.setdefault(name, set()).update(options_of(line))
    return found


def completed(program, *words):
    script = os.path.join(SOURCE, "contrib/bash-completion", program)
    out = run("bash", "-c", COMPLETE, "bash", script, program, *words)
    return {word.rstrip(" =") for word in out.split("\n")} - {""}


# ---- tests ----

def differ(place_a, a, place_b, b):
    return [f"in {place} and not in {other}: {' '.join(sorted(more))}"
            for place, other, more in ((place_a, place_b, a - b), (place_b, place_a, b - a)) if more]


def long_ones(options):
    return {option for option in options if option.startswith("--")}


def compare(what, told, page, completion):
    point(differ("--help", told, "the manual", page), f"{what}: --help and the manual")
    point(differ("--help", long_ones(told), "the completion", completion),
          f"{what}: --help and the completion")


def judge_program(program, page):
    compare(program, in_help(f"{BUILD}/{program}"), in_page(read(f"{SOURCE}/man/{page}")),
            completed(program, "-"))


def judge_commands(program, page):
    binary = f"{BUILD}/{program}"
    commands = commands_in_help(binary)
    pages = commands_in_page(read(f"{SOURCE}/man/{page}"), commands)
    point(differ("--help", set(commands), "the manual", set(pages)), f"{program}: commands")
    point(differ("--help", set(commands), "the completion", completed(program, "") -
                 OF_EVERY_COMMAND), f"{program}: commands, completed")
    for command in commands:
        compare(f"{program} {command}", in_help(binary, command) - OF_EVERY_COMMAND,
                pages.get(command, set()) - OF_EVERY_COMMAND,
                completed(program, command, "-") - OF_EVERY_COMMAND)


def lint():
    """mandoc has nothing to say against a page."""
    pages = glob.glob(f"{SOURCE}/man/*.[1-8]") + glob.glob(f"{BUILD}/xenstore-schema/*.[1-8]")
    for page in sorted(pages):
        said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], text=True,
                              capture_output=True, check=False).stdout
        point(said.splitlines(), f"mandoc: {os.path.basename(page)}")


def main():
    # A build can be without the programs that need Xen, or systemd.
    for judge, program, page in ((judge_program, "xl-livedump", "xl-livedump.1"),
                                 (judge_program, "xldumpd", "xldumpd.8"),
                                 (judge_commands, "xldumpctl", "xldumpctl.1")):
        if os.path.exists(f"{BUILD}/{program}"):
            judge(program, page)
    if shutil.which("mandoc"):
        lint()
    print(f"1..{points}")
    return 1 if failed else 0


sys.exit(main())
