# SPDX-License-Identifier: GPL-2.0-or-later
# What the scenarios of pages that are left out share.  Sourced after lib.sh.
# shellcheck shell=bash

# left_out GUEST STRATEGY LEVEL: dump it into GUEST-STRATEGY-dLEVEL.img, and see that what is left out was not read.
left_out() {
	local name=$1-$2-d$3.img
	xl-livedump --force --json --strategy "$2" -f kdump -d "$3" "$1" "/out/$name" > /tmp/result 2> /tmp/err
	result $? "$1: $2 with -d $3"
	sed 's/^/# /' /tmp/result /tmp/err
	[ "$(number pages_excluded /tmp/result)" -gt 1000 ] &&
		[ "$(number pages_copied /tmp/result)" -lt $(($(number pages /tmp/result) + $(number pages_excluded /tmp/result))) ]
	result $? "$1: $2 with -d $3: what is left out was not read"
	later "$1: $2 with -d $3: whole" xldumpctl verify -q "$name"
	later "$1: $2 with -d $3: the file keeps the rules of its readers" format-check "$name"
}

# judged GUEST LEVEL...: of a guest that is paused: at each level the pages that the dump of all says.
judged() {
	local guest=$1 level
	shift
	check "$guest: paused, all pages" xl-livedump -q "$guest" "/out/$guest-all.img"
	for level; do
		check "$guest: paused, with -d $level" \
			xl-livedump -q -f kdump -d "$level" "$guest" "/out/$guest-some-d$level.img"
		later "$guest: paused, with -d $level: the pages that the dump of all says" \
			filter-compare --level "$level" "$guest-all.img" "$guest-some-d$level.img"
	done
}
