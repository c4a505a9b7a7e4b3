#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What may happen to xldumpd in the years in which it runs: reloads, restarts, upgrades, the clock, and
# being killed at any moment.  With an argument: killed so often, instead of 20 times.
#
# The guests are PV: beside a PVH guest that runs, and whose dirty log is on, an emulated dom0 is now and
# then not scheduled for minutes.  The scenario `daemon' kills dumps of PVH guests, too.
#
# lab: --suite trixie --dom0 systemd --hypervisor shadow --guest pv1=pv,workload=stamp=256:50 --guest pv2=pv,workload=stamp=256:50
# timeout: 5400
# slow: half an hour

. /in/lib.sh
. /in/daemon-lib.sh

kills=${1-20}
spool=/var/lib/xldump/dumps
configure

# worker: a process of the daemon that dumps.
worker() {
	pgrep -P "$(property MainPID)" | head -n 1
}

# A dump in the middle of which something happens: during NAME GUEST COMMAND...
during() {
	local name=$1 guest=$2
	shift 2
	ask "$name" "$guest"
	runs "$name" || return 1
	sleep "0.$((RANDOM % 9))"
	"$@" || return 1
	serves && is_done "$name" && goes_on "$guest"
}

# All programs as a package manager would bring them: new files of the same names.
upgrade() {
	local f
	for f in /usr/sbin/xldumpd /usr/lib/x86_64-linux-gnu/libxldump.so.*.* /usr/lib/libxldump.so.*.*; do
		[ -e "$f" ] || continue
		cp -a "$f" "$f.dpkg-new" && mv "$f.dpkg-new" "$f"
	done
	case $(readlink "/proc/$(property MainPID)/exe") in
	*deleted*) ;;
	*) return 1 ;;
	esac
	systemctl daemon-reload && systemctl restart xldumpd.service || return 1
	[ "$(readlink "/proc/$(property MainPID)/exe")" = /usr/sbin/xldumpd ]
}

# clocks DAYS: forward, back by twice as many, and to the right time again.
clocks() {
	local now=$EPOCHSECONDS
	date -s "@$((now + $1 * 86400))" || return 1
	sleep 1
	date -s "@$((now - $1 * 86400))" || return 1
	sleep 1
	date -s "@$((now + 2))"
}

check "the daemon starts" systemctl start xldumpd.service
for guest in pv1 pv2; do
	alone $guest
	check "$guest is dumped during a reload" during reload-$guest $guest systemctl reload xldumpd.service
	check "$guest is dumped in spite of a restart" during restart-$guest $guest systemctl restart xldumpd.service
	check "$guest is dumped in spite of an upgrade" during upgrade-$guest $guest upgrade
	check "$guest is dumped although the daemon is killed" during kill-$guest $guest \
		systemctl kill --signal=KILL --kill-whom=main xldumpd.service
done
check "the journal tells" story 'read /etc/xen/xldumpd.conf again' 'was interrupted and starts again'
n=$(find $spool -name '*.elf' | wc -l)
[ "$n" -eq 8 ]
result $? "each of the eight dumps has its own file: $n"
xldumpctl list | sed 's/^/# /'
rm -f $spool/*

# ---- xl waits for the dump, whatever happens to the daemon ----

# dies: pv1, which xl is about to destroy; sets name, of the request whose dump runs.
dies() {
	local id
	check "pv1 starts" fresh pv1 destroy
	alone pv1
	id=$(xl domid pv1)
	guest-say pv1 crash
	name=$(crash_of "$id")
	check "pv1 panics, on_crash=destroy: its dump runs" runs "$name"
}

for how in "systemctl restart xldumpd.service" "systemctl kill --signal=KILL --kill-whom=main xldumpd.service"; do
	dies
	check "$how" $how
	check "it is dumped all the same" is_done "$name"
	check "xl destroys it then" gone pv1
done
check "the journal tells" story 'libxl still waits for its dump'
dies
check "systemctl stop xldumpd.service" systemctl stop xldumpd.service
check "xl waits no longer" gone pv1
check "the daemon starts" systemctl start xldumpd.service
check "its dump is over" over "$name"
check "pv1 starts" fresh pv1 preserve
rm -f $spool/*

# ---- killed at any moment ----
daemons=0
workers=0
ended=0
for i in $(seq "$kills"); do
	guest=pv$((i % 2 + 1))
	alone $guest
	ask "dead$i" $guest
	sleep "$((RANDOM % 4)).$((RANDOM % 9))"
	pid=$(worker)
	if [ -n "$pid" ] && [ $((RANDOM % 2)) -eq 0 ]; then
		kill -9 "$pid" 2> /dev/null && workers=$((workers + 1))
	else
		kill -9 "$(property MainPID)" 2> /dev/null && daemons=$((daemons + 1))
	fi
	check "killed, $i of $kills: the daemon serves" serves
	check "the request has an end" over "dead$i"
	case $(node "dead$i" state) in
	done) [ -f "$(node "dead$i" result)" ] && ended=$((ended + 1)) ;;
	failed) [ -n "$(node "dead$i" error)" ] && [ -n "$(node "dead$i" reason)" ] && ended=$((ended + 1)) ;;
	esac
	check "$guest goes on" goes_on $guest
done
echo "# $daemons daemons and $workers workers were killed"
[ "$ended" -eq "$kills" ]
result $? "each request ended done, with a file, or failed, with a reason: $ended"
bad=0
for f in "$spool"/*.elf; do
	xldumpctl verify -q "$f" || bad=1
done
result $bad "all that was published is whole: $(find $spool -name '*.elf' | wc -l) files"
rm -f $spool/*
for _ in 1 2 3 4 5 6 7; do
	kill -9 "$(property MainPID)" 2> /dev/null
	serves > /dev/null
done
check "the daemon is killed seven times as fast as it starts: it serves" serves

# The last, for an emulated dom0 whose clock was set back stands still now and then.
for guest in pv1 pv2; do
	alone $guest
	check "$guest is dumped while the clock jumps" during clock-$guest $guest clocks 5
done
leaves_nothing
finish_service
