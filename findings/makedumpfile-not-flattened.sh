#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# makedumpfile invented the flattened form and is the one reader that does not take it as input.
#
# Guessed: who filters a dump can read it in the form that makedumpfile -F, and QEMU by default, write.
# In fact: it must be put together with -R first.  crash and drgn open the flattened file as it is.
# Seen with: makedumpfile 1.7.8, crash 9.0.2 and libkdumpfile 0.5.6 of sid, files of QEMU 7.2.22 and of makedumpfile -F,
#   Linux 6.1.192: "check_elf_format: Can't get valid ehdr."; after -R it filters; crash --osrelease reads the flattened file;
#   libkdumpfile calls its format diskdump
# For users of xldump: `xldumpctl convert` reads flattened files.

. "$(dirname "$0")/lib.sh"

linux_dumps bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
root_of sid makedumpfile=1:1.7.8-1 crash=9.0.2+~16.3-1 python3-libkdumpfile=0.5.5.1-3+b1 libkdumpfile12=0.5.6-1
expect "the input is flattened" '^makedumpfile$' "$(head -c 12 "$dumps/kdump")"
expect "makedumpfile" "Can't get valid ehdr" "$(inside "$root" makedumpfile -d 1 "$dumps/kdump" out 2>&1 || true)"
expect "crash" '^6\.1\.0-57-cloud-amd64$' "$(inside "$root" crash --osrelease "$dumps/kdump" 2>&1)"
expect "libkdumpfile" '^diskdump$' "$(inside "$root" python3 -c 'import os, sys, kdumpfile
c = kdumpfile.Context()
c.attr["file.fd"] = os.open(sys.argv[1], os.O_RDONLY)
print(c.attr["file.format"])' "$dumps/kdump" 2>&1)"

say "a file that makedumpfile -F wrote itself"
# shellcheck disable=SC2016
inside "$root" sh -c 'makedumpfile -F -z -d 1 "$0" >flat 2>log' "$dumps/plain" || skip "$(tail -n 1 "$work/log")"
expect "makedumpfile" "Can't get valid ehdr" "$(inside "$root" makedumpfile -d 1 flat out 2>&1 || true)"
inside "$root" sh -c 'makedumpfile -R raw <flat >log 2>&1' || skip "$(tail -n 1 "$work/log")"
expect "put together, makedumpfile filters it" 'Completed' "$(inside "$root" makedumpfile -z -d 31 raw out 2>&1)"
finish
