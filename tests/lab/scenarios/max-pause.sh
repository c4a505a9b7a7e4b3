#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest that dirties its memory as fast as it can: --max-pause is kept, or refused in words, and
# never exceeded without a word.
#
# slow: ten minutes
# lab: --hypervisor shadow --guest pv1=pv,workload=dirty=0:64 --guest pvh1=pvh,workload=dirty=0:64

. /in/lib.sh

# limited GUEST MS OPTION...: one dump with that limit.
limited() {
	local guest=$1 ms=$2 status pause
	shift 2
	alone "$guest"
	xl-livedump --json --force --max-pause="${ms}ms" "$@" "$guest" "/out/$guest.img" \
		> /tmp/json 2> /tmp/err
	status=$?
	sed 's/^/# /' /tmp/json
	pause=$(sed -n 's/.*"pause_ns":\([0-9]*\).*/\1/p' /tmp/json)
	case $status in
	0)
		[ "$pause" -le $((ms * 1000000)) ] || grep -q 'could not be kept' /tmp/json
		result $? "$guest, $ms ms $*: stopped $((pause / 1000)) us"
		;;
	11)
		[ ! -e "/out/$guest.img" ] && grep -q -- '--max-pause' /tmp/err
		result $? "$guest, $ms ms $*: refused: $(cat /tmp/err)"
		;;
	*)
		result 1 "$guest, $ms ms $*: status $status: $(cat /tmp/err)"
		;;
	esac
	rm -f "/out/$guest.img"
	case $(state "$guest") in *p*) result 1 "$guest runs on" ;; *) result 0 "$guest runs on" ;; esac
}

for guest in pv1 pvh1; do
	for ms in 5 50 500 5000; do
		limited $guest $ms
	done
	limited $guest 50 --on-overrun=extend
	limited $guest 500 --on-overrun=throttle
	cap=$(xl sched-credit2 -d $guest | awk 'NR == 2 { print $4 }')
	[ "$cap" = 0 ]
	result $? "$guest: its scheduler's cap is $cap, as before"
	limited $guest 50 --strategy=rescan
	limited $guest 50 --strategy=stop
done
finish
