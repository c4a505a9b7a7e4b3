#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pages that are left out, and not read: of guests that run, by each strategy, and of guests that stand still,
# where the dump with all pages says which should be out.
#
# lab: --hypervisor shadow --guest pv1=pv,workload=stamp --guest pvh1=pvh,workload=stamp
# readers: pv1-d31.img

. /in/lib.sh

# left_out GUEST STRATEGY LEVEL FILE: dump it, and see that what is left out was not read.
left_out() {
	xl-livedump --force --json --strategy "$2" -f kdump -d "$3" "$1" "$4" > /tmp/result 2> /tmp/err
	result $? "$1: $2 with -d $3"
	sed 's/^/# /' /tmp/result /tmp/err
	[ "$(number pages_excluded /tmp/result)" -gt 1000 ] &&
		[ "$(number pages_copied /tmp/result)" -lt $(($(number pages /tmp/result) + $(number pages_excluded /tmp/result))) ]
	result $? "$1: $2 with -d $3: what is left out was not read"
	check "$1: $2 with -d $3: whole" xldumpctl verify -q "$4"
	check "$1: $2 with -d $3: the file keeps the rules of its readers" format-check "$4"
}

for guest in pv1 pvh1; do
	alone $guest
	left_out $guest precopy 31 /out/$guest-d31.img
	# All but the memory of processes, which has the stamps.
	for strategy in precopy rescan stop; do
		left_out $guest $strategy 23 /out/some.img
		check "$guest: $strategy with -d 23: consistent" stamp-check /out/some.img
	done
	check "$guest: goes on" goes_on $guest

	xl pause $guest
	check "$guest: paused, all pages" xl-livedump -q --force $guest /out/all.img
	for level in 1 2 4 8 16 31; do
		check "$guest: paused, with -d $level" \
			xl-livedump -q --force -f kdump -d $level $guest /out/some.img
		check "$guest: paused, with -d $level: the pages that the dump of all says" \
			filter-compare --level $level /out/all.img /out/some.img
	done
	xl unpause $guest
	check "$guest: goes on after that" goes_on $guest
	rm -f /out/all.img /out/some.img
done
finish
