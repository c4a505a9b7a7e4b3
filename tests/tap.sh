# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Test points for scripts, as TAP on standard output.  To be sourced.

tap_n=0
tap_failed=0
# Files that tell why a point failed, for those which do not name their own.
tap_why=
# For bash: "yes" adds to each point the seconds since the one before.
tap_times=
tap_before=0

# Into tap_took.
tap_lap() {
	tap_took=
	[ -n "$tap_times" ] || return 0
	# shellcheck disable=SC3028 # bash, as said
	tap_took=" ($((SECONDS - tap_before)) s)" tap_before=$SECONDS
}

# result STATUS DESCRIPTION [FILE...]: one point; if it failed, the files as comments.
result() {
	tap_n=$((tap_n + 1))
	tap_lap
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_n - $2$tap_took"
		return
	fi
	echo "not ok $tap_n - $2$tap_took"
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
