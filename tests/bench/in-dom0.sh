#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The part of the benchmark that runs in dom0.
set -u
cd /out || exit 99

# median COLUMN FILE
median() {
	awk -v c="$1" '{ print $c }' "$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# measure NAME FILE COMMAND...: three runs; a line "seconds cpu-seconds KiB-peak KiB-on-disk" each.
measure() {
	local name=$1 file=$2 i
	shift 2
	: > "/tmp/$name"
	for i in 1 2 3; do
		rm -f "$file"
		sync
		/usr/bin/env bash -c '
			TIMEFORMAT="%R %U %S"
			times=$({ time "$@" > /dev/null 2>&1; } 2>&1)
			echo "$times"' _ "$@" > /tmp/times
		read -r real user sys < /tmp/times
		echo "$real $(awk -v u="$user" -v s="$sys" 'BEGIN { print u + s }') $(du -k "$file" | cut -f1)" \
			>> "/tmp/$name"
	done
	printf '%-28s %8s s %8s s CPU %8s KiB on disk\n' "$name" "$(median 1 "/tmp/$name")" \
		"$(median 2 "/tmp/$name")" "$(median 3 "/tmp/$name")"
}

# peak COMMAND...: peak resident memory in KiB, sampled.
peak() {
	local max=0 now pid
	"$@" > /dev/null 2>&1 &
	pid=$!
	while kill -0 $pid 2> /dev/null; do
		now=$(awk '/VmHWM/ { print $2 }' /proc/$pid/status 2> /dev/null)
		[ "${now:-0}" -gt "$max" ] && max=$now
		sleep 0.05
	done
	wait $pid
	echo "$max"
}

for guest in $(xl list | awk 'NR > 2 { print $1 }'); do
	echo "== $guest"
	measure "$guest-livedump" /out/ours.img xl-livedump -q --force "$guest" /out/ours.img
	measure "$guest-livedump-stop" /out/ours.img xl-livedump -q --force -s stop "$guest" /out/ours.img
	measure "$guest-livedump-rescan" /out/ours.img xl-livedump -q --force -s rescan "$guest" /out/ours.img
	measure "$guest-dump-core" /out/peer.core xl dump-core "$guest" /out/peer.core
	ours=$(median 1 "/tmp/$guest-livedump")
	peer=$(median 1 "/tmp/$guest-dump-core")
	awk -v o="$ours" -v p="$peer" 'BEGIN { printf "xl dump-core takes %.1f times as long as livedump\n", p / o }'
	awk -v o="$(median 2 "/tmp/$guest-livedump")" -v p="$(median 2 "/tmp/$guest-dump-core")" \
		'BEGIN { printf "and %.1f times the CPU time\n", p / o }'
	rm -f /out/ours.img /out/peer.core
	echo "peak memory: livedump $(peak xl-livedump -q "$guest" /out/ours.img) KiB, dump-core $(peak xl dump-core "$guest" /out/peer.core) KiB"
	rm -f /out/ours.img /out/peer.core
	for how in precopy rescan stop; do
		xl-livedump --json -s $how "$guest" /out/ours.img 2> /dev/null |
			sed -n "s/.*\"pause_ns\":\([0-9]*\).*/\1/p" |
			awk -v h=$how '{ printf "guest stopped, %s: %.1f ms\n", h, $1 / 1e6 }'
		rm -f /out/ours.img
	done
done
