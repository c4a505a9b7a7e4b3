#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever happens to a dump, the guest runs on: SIGKILL at random moments, of the process that
# dumps and of its guard; guests paused by somebody else; saves that begin during a dump, and dumps
# that begin during a save.
#
# slow: fifteen minutes
# lab: --hypervisor shadow --guest pv1=pv,workload=stamp --guest pvh1=pvh,workload=stamp
# timeout: 5400

. /in/lib.sh

journals=/run/xldump/undo

# nap MAX: sleep for a random part of MAX seconds.
nap() {
	sleep "$(awk -v r="$RANDOM" -v max="$1" 'BEGIN { printf "%.3f", r / 32768 * max }')"
}

# unpaused GUEST: `xl list` says so, and says it within a second.
unpaused() {
	local t0=$EPOCHREALTIME s
	s=$(state "$1")
	echo "$1: state $s, asked for $(awk -v a="$t0" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }') s"
	case $s in *p* | "") return 1 ;; esac
}

# nothing_left: no file of a dump, no journal.
nothing_left() {
	local left
	left=$(find /out /run/xldump -name '*no.img*' -o -name '.*partial*' -o -path "$journals/*")
	[ -z "$left" ] && return
	echo "left: $left"
	return 1
}

# kill_dump GUEST WHO MAX OPTION...: begin a dump, and kill it within MAX seconds.  WHO: child, or
# both.  Then the guest must not be paused, and nothing be left.  Sets `status`.
kill_dump() {
	local guest=$1 who=$2 max=$3 guard child
	shift 3
	xl-livedump -q "$@" "$guest" /out/no.img 2> /tmp/err &
	guard=$!
	nap "$max"
	child=$(pgrep -P $guard)
	# shellcheck disable=SC2086
	if [ "$who" = both ]; then
		kill -9 $guard $child 2> /dev/null
	elif [ -n "$child" ]; then
		kill -9 $child 2> /dev/null
	fi
	wait $guard 2> /dev/null
	status=$?
	# The next start, whatever it is for, puts right what a dead guard could not.
	if [ "$who" = both ]; then
		xl-livedump -q nobody /out/no.img 2>> /tmp/err
	fi
	sed "s/^/$who $* ($status): /" /tmp/err
	# Killed when the file had its name already: then it is a whole one.
	if [ -e /out/no.img ]; then
		stamp-check /out/no.img || return
		rm -f /out/no.img
	fi
	case $status in
	0) ;;  # too late to kill it
	16) ;; # the guard has told
	137) [ "$who" = both ] ;;
	*) return 1 ;;
	esac
}

# seconds COMMAND...: how long it takes.
seconds() {
	local t0=$EPOCHREALTIME
	"$@"
	awk -v a="$t0" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}

for guest in pv1 pvh1; do
	alone "$guest"
	xl-livedump -q "$guest" /out/first.img # the first one fills caches
	took=$(seconds xl-livedump -q --force "$guest" /out/first.img)
	echo "# $guest: a dump takes $took s"
	rm -f /out/first.img
	good=0 killed=0 n=0
	while [ $killed -lt 20 ] && [ $n -lt 50 ]; do
		n=$((n + 1))
		case $((n % 5)) in
		0) how=(both "$took" --strategy=stop) ;;
		1) how=(child "$took" --strategy=stop) ;;
		2) how=(both "$took") ;;
		*) how=(child "$took") ;;
		esac
		{ kill_dump "$guest" "${how[@]}" && unpaused "$guest" && nothing_left &&
			goes_on "$guest"; } > /tmp/kill 2>&1 && good=$((good + 1))
		[ "$status" -eq 0 ] || killed=$((killed + 1))
		sed "s/^/# dump $n: /" /tmp/kill
	done
	[ $good -eq $n ] && [ $killed -ge 20 ]
	result $? "$guest: $killed of $n dumps were killed; $good times it ran on and nothing was left"
	# That log-dirty mode is off: or this would be refused.
	dumps "$guest" 1 --strategy=precopy
	rm -f "/out/$guest.img"
done

# Without its guard a dump goes on by itself.
alone pvh1
xl-livedump -q pvh1 /out/alone.img 2> /tmp/err &
sleep 0.5
kill -9 $!
wait $! 2> /dev/null
for i in $(seq 100); do
	[ -e /out/alone.img ] && ! pgrep -x xl-livedump > /dev/null && break
	sleep 0.2
done
check "pvh1: the guard killed: the dump is finished all the same" stamp-check /out/alone.img
check "pvh1: the guard killed: goes on" goes_on pvh1
rm -f /out/alone.img
check "pvh1: the guard killed: nothing is left" nothing_left

# Somebody else's pause stays, and is one.
for guest in pv1 pvh1; do
	alone "$guest"
	xl pause "$guest"
	for i in 1 2 3 4; do
		kill_dump "$guest" child "$took" > /tmp/kill 2>&1
		sed "s/^/# kill $i: /" /tmp/kill
		case $(state "$guest") in *p*) ;; *) result 1 "$guest: still paused"; break ;; esac
	done
	case $(state "$guest") in *p*) result 0 "$guest: still paused after $i kills" ;; esac
	xl unpause "$guest"
	check "$guest: one unpause makes it run" goes_on "$guest"
	check "$guest: nothing is left" nothing_left
done

# A save that begins during a dump takes the dirty log away.
save_during_dump() {
	local guest=$1 dump status_dump status_save
	xl-livedump -q "$guest" /out/no.img 2> /tmp/err &
	dump=$!
	nap "$took"
	xl save -c "$guest" /out/save > /tmp/save 2>&1
	status_save=$?
	wait $dump
	status_dump=$?
	echo "the dump ended with $status_dump: $(cat /tmp/err)"
	echo "the save ended with $status_save: $(tail -n 1 /tmp/save)"
	[ $status_save -eq 0 ] || return
	if [ $status_dump -eq 0 ]; then
		stamp-check /out/no.img || return
		rm -f /out/no.img
	else
		[ $status_dump -eq 10 ] && grep -q 'saved' /tmp/err || return
		busy=$((busy + 1))
	fi
	nothing_left && unpaused "$guest" && goes_on "$guest"
}

# A dump that begins during a save must not take it away.  `xl save' suspends the guest before it reads its
# memory, so that the dump is one of a guest that stands still, or comes before and says what goes on.
dump_during_save() {
	local guest=$1 save reader status_dump status_save
	# Into a pipe that is open for reading, and not read yet: so it lasts as long as the dump needs.
	rm -f /tmp/pipe /tmp/go
	mkfifo /tmp/pipe
	{ until [ -e /tmp/go ]; do sleep 0.1; done; cat; } < /tmp/pipe > /out/save &
	reader=$!
	xl save -c "$guest" /tmp/pipe > /tmp/save 2>&1 &
	save=$!
	while [ -d /proc/$save ] && ! pgrep -f 'libxl-save-helper --save-domain' > /dev/null; do
		sleep 0.02
	done
	xl-livedump -q "$guest" /out/no.img 2> /tmp/err
	status_dump=$?
	touch /tmp/go
	wait $save
	status_save=$?
	[ $status_save -eq 0 ] || kill $reader 2> /dev/null # it may never have been opened
	wait $reader
	echo "the dump ended with $status_dump: $(cat /tmp/err)"
	echo "the save ended with $status_save: $(tail -n 1 /tmp/save)"
	[ $status_save -eq 0 ] || return
	if [ $status_dump -eq 0 ]; then
		stamp-check /out/no.img || return
		rm -f /out/no.img
	else
		[ $status_dump -eq 10 ] && grep -q 'saved' /tmp/err || return
	fi
	nothing_left && goes_on "$guest"
}

# restores GUEST: what was saved is a guest that works.
restores() {
	local guest=$1
	xl destroy "$guest" && xl restore /out/save && goes_on "$guest" &&
		xl-livedump -q "$guest" /out/restored.img && stamp-check /out/restored.img
}

for guest in pv1 pvh1; do
	alone "$guest"
	busy=0 n=0
	while [ $busy -lt 2 ] && [ $n -lt 8 ]; do
		n=$((n + 1))
		check "$guest: a save during a dump, $n" save_during_dump "$guest"
	done
	[ $busy -gt 0 ]
	result $? "$guest: $busy of $n dumps said that their log was taken away"
	check "$guest: what was saved works" restores "$guest"
	rm -f /out/save /out/restored.img
	for n in 1 2; do
		check "$guest: a dump during a save, $n" dump_during_save "$guest"
	done
	check "$guest: what was saved works" restores "$guest"
	rm -f /out/save /out/restored.img
	dumps "$guest" 1 --strategy=precopy
	rm -f "/out/$guest.img"
done
finish
