#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every scenario of tests/scenario has the result that stands beside it.  XLDUMP_UPDATE=1 writes down
# shellcheck disable=SC2154 # automake sets top_srcdir and top_builddir
# the new ones: look at the difference before it is committed.

dir=$top_srcdir/tests/scenario
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
n=0

for sim in "$dir"/*.sim; do
	n=$((n + 1))
	expect=${sim%.sim}.expect
	name=$(basename "$sim" .sim)
	"$top_builddir/tests/sim/simdump" "$sim" > "$tmp/out" 2>&1
	[ -z "$XLDUMP_UPDATE" ] || cp "$tmp/out" "$expect"
	if diff -u "$expect" "$tmp/out" > "$tmp/diff" 2>&1; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' "$tmp/diff"
	fi
done
echo "1..$n"
