#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# drgn goes on, with status 0, when it is given the vmlinux of another kernel.
#
# Guessed: it refuses, as crash does ("vmlinux and the dump do not match"), or uses it, as gdb does.
# In fact: it does neither: a file with another build-id is ignored, with one line of warning, which -q takes away.  A script
# runs without debug symbols until it asks for one.
# Seen with: drgn 0.3.0 of sid, the dump of Linux 6.1.192, vmlinux of 6.12.118: "warning: provided file ... did not match any
#   loaded modules; ignoring", status 0; with -q not a word
# For users of xldump: `xldumpctl info` prints the build-id that the dump wants.

. "$(dirname "$0")/lib.sh"

linux_dumps bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
vmlinux_of trixie linux-image-6.12.118+deb13-cloud-amd64-dbg=6.12.118-1
root_of sid python3-drgn=0.3.0-1 libkdumpfile12=0.5.6-1
status=0
out=$(inside "$root" drgn -c "$dumps/elf" -s "$vmlinux" -e 'print("went on")' 2>&1) || status=$?
expect "status" '^0$' "$status"
expect "warning" 'did not match any loaded modules; ignoring' "$out"
expect "the script ran" '^went on$' "$out"
out=$(inside "$root" drgn -q -c "$dumps/elf" -s "$vmlinux" -e 'print("went on")' 2>&1) || true
expect_not "-q" 'did not match' "$out"
expect "-q: the script ran" '^went on$' "$out"
finish
