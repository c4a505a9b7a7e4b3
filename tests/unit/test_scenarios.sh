#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every scenario of tests/scenario has the result that stands beside it.  XLDUMP_UPDATE=1 writes down
# the new ones: look at the difference before it is committed.

# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
dir=$top_srcdir/tests/scenario
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
tap_why=$tmp/diff

for sim in "$dir"/*.sim; do
	expect=${sim%.sim}.expect
	name=$(basename "$sim" .sim)
	"${top_builddir:?}/tests/sim/simdump" "$sim" > "$tmp/out" 2>&1
	[ -z "$XLDUMP_UPDATE" ] || cp "$tmp/out" "$expect"
	diff -u "$expect" "$tmp/out" > "$tmp/diff" 2>&1
	result $? "$name"
done
plan
