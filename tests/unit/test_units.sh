#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The units of systemd: what is in them that no dump shows.

units=$(cd "${top_srcdir:?}/daemon/systemd" && pwd)
# shellcheck source=tests/tap.sh
. "$units/../../tests/tap.sh"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 99
tap_why=out

# The argument of ExecStart= is what a user wrote between @ and .timer: seen by systemd itself, which names
# the program that it does not find.
word=$(sed -n 's/^ExecStart=.* //p' "$units/xldump@.service.in")
printf '[Service]\nType=oneshot\nExecStart=/nowhere/%s\n' "$word" > 'xldump@.service'
if ! command -v systemd-analyze > /dev/null; then
	skip 'a guest web-01' 'there is no systemd-analyze'
else
	systemd-analyze verify ./xldump@web-01.service > out 2>&1
	grep -q '/nowhere/web-01 is not executable' out
	result $? 'the timer of a guest web-01 asks for web-01'
fi

# A reload checks the configuration first, and does nothing if that is wrong.
sed -n 's/^ExecReload=//p' "$units/xldumpd.service.in" > out
[ "$(head -n 1 out)" = '@sbindir@/xldumpd --check-config' ] && [ "$(wc -l < out)" -eq 2 ]
result $? 'a reload checks the configuration first'
plan
