#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xldumpd: requests, crashes with each on_crash, and what happens when it or a worker is killed.
#
# lab: --hypervisor shadow --guest pv1=pv,workload=stamp --guest pvh1=pvh,workload=stamp
# readers: pv1-crash.elf pvh1-crash.elf
# timeout: 5400
# slow: half an hour

. /in/lib.sh
. /in/daemon-lib.sh

spool=/out/dumps
mkdir -p /etc/xen
cat > /etc/xen/xldumpd.conf <<-END
	spool = "$spool"
	keep_free_mib = 64
	min_interval = 0
	domains = [ [ "pv*", "after_crash=keep" ], ]
END

# the_daemon: start it, and wait until it serves.
the_daemon() {
	local i
	xldumpd >> /out/xldumpd.log 2>&1 &
	daemon=$!
	for i in $(seq 300); do
		[ "$(xenstore-read /tool/xldump/daemon/pid 2> /dev/null)" = $daemon ] && return 0
		sleep 0.1
	done
	return 1
}

xldumpd --check-config > /tmp/out 2>&1
result $? "the configuration is fine"
the_daemon
result $? "the daemon serves"

# ---- requests ----
alone pv1
xenstore-write /tool/xldump/request/mine/format kdump /tool/xldump/request/mine/domain pv1
check "a request by hand" is_done mine
check "its dump is of one instant" stamp-check "$(node mine result)"
check "pv1 goes on" goes_on pv1
xenstore-ls /tool/xldump | sed 's/^/# /'
alone pvh1
check "xldumpctl request" xldumpctl request pvh1
check "xl livedump --daemon" xl-livedump --daemon -f kdump pvh1
expect 3 'no domain' "a domain that there is none" xl-livedump --daemon -q nobody
xenstore-write /tool/xldump/request/theirs/format elf
xenstore-chmod /tool/xldump/request/theirs "n$(xl domid pv1)" "b0"
xenstore-write /tool/xldump/request/theirs/domain pvh1
sleep 2
[ -z "$(node theirs state)" ] && grep -q 'theirs is refused' /out/xldumpd.log
result $? "a request of a guest is not served"
xenstore-rm /tool/xldump/request/theirs
check "xldumpctl list" xldumpctl list
check "xldumpctl status" xldumpctl status
rm -f $spool/*

# ---- killed ----
for i in 1 2 3; do
	xenstore-write "/tool/xldump/request/kill$i/domain" pvh1
	for _ in $(seq 100); do
		worker=$(pgrep -P "$daemon" | head -n 1)
		[ -n "$worker" ] && break
		sleep 0.05
	done
	sleep "0.$((RANDOM % 9))"
	[ -z "$worker" ] || kill -9 "$worker" 2> /dev/null
	check "a worker is killed: its request has an end" over "kill$i"
	check "pvh1 goes on" goes_on pvh1
done
for i in 1 2 3; do
	xenstore-write "/tool/xldump/request/dead$i/domain" pvh1
	sleep "1.$((RANDOM % 9))"
	kill -9 "$daemon"
	wait "$daemon" 2> /dev/null
	the_daemon
	result $? "the daemon is killed, and started again"
	check "its request is done" is_done "dead$i"
	check "pvh1 goes on" goes_on pvh1
done
kill -HUP "$daemon"
left=$(find $spool -name '.*partial*')
[ -z "$left" ]
result $? "no half file is left"
rm -f $spool/*

# ---- crashes ----
alone pv1
check "pv1 panics, on_crash=preserve: dumped" crashes pv1 pv1-crash.elf
case $(state pv1) in *c*) result 0 "it is kept" ;; *) result 1 "it is kept" ;; esac
xl destroy pv1
xl unpause pvh1 2> /dev/null
check "pvh1 panics, on_crash=preserve: dumped" crashes pvh1 pvh1-crash.elf
xl destroy pvh1

for guest in pv1 pvh1; do
	check "$guest starts" fresh $guest destroy
	check "$guest panics, on_crash=destroy: dumped" crashes $guest ""
	check "xl destroys it then" gone $guest
	check "$guest starts" fresh $guest restart
	id=$(xl domid $guest)
	check "$guest panics, on_crash=restart: dumped" crashes $guest ""
	check "xl restarts it then" newer $guest "$id"
	xl destroy $guest
done
check "pv1 starts" fresh pv1 rename-restart
id=$(xl domid pv1)
check "pv1 panics, on_crash=rename-restart: dumped" crashes pv1 ""
check "xl has restarted it" newer pv1 "$id"
xl list | sed 's/^/# /'
for g in $(xl list | awk 'NR > 2 { print $2 }'); do xl destroy "$g"; done
check "pv1 starts" fresh pv1 coredump-destroy
guest-say pv1 crash
sleep 5
grep -q 'is not dumped (coredump)' /out/xldumpd.log
result $? "on_crash=coredump-destroy: xl dumps it, and we say so"
check "xl destroys it then" gone pv1

# ---- two at once ----
check "pv1 starts" fresh pv1 destroy
check "pvh1 starts" fresh pvh1 destroy
ids="$(xl domid pv1) $(xl domid pvh1)"
guest-say pv1 crash
guest-say pvh1 crash
for id in $ids; do
	name=$(crash_of "$id")
	check "two panic at once: domain $id is dumped" is_done "$name"
done
xldumpctl status | sed 's/^/# /'

kill "$daemon"
wait "$daemon"
result $? "the daemon ends when it is told to"
[ -z "$(ls /var/lib/xen/userdata-l.* 2> /dev/null)" ]
result $? "no lock of libxl's is left"
sed 's/^/# log: /' /out/xldumpd.log
rm -rf $spool
finish
