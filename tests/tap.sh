# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Test points for scripts, as TAP on standard output.  To be sourced.

tap_n=0
tap_failed=0
# Files that tell why a point failed, for those which do not name their own.
tap_why=

# result STATUS DESCRIPTION [FILE...]: one point; if it failed, the files as comments.
result() {
	tap_n=$((tap_n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_n - $2"
		return
	fi
	echo "not ok $tap_n - $2"
	tap_failed=$((tap_failed + 1))
	shift 2
	# shellcheck disable=SC2086 # a list of files
	[ $# -gt 0 ] || set -- $tap_why
	[ $# -eq 0 ] || sed 's/^/# /' "$@"
}

# skip DESCRIPTION REASON: a point that cannot be tested here.
skip() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

# skip_all REASON: nothing of the script can be tested here.
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# plan: the end of a script.
plan() {
	echo "1..$tap_n"
}
