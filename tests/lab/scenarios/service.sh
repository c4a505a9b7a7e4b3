#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xldumpd as an administrator has it: its units, under Debian's systemd and oxenstored.
#
# lab: --suite trixie --dom0 systemd --hypervisor shadow --guest pv1=pv,workload=stamp=256:50 --guest pvh1=pvh,workload=stamp=256:50
# readers: pv1-crash.elf pvh1-crash.elf
# timeout: 3600
# slow: a quarter of an hour

. /in/lib.sh
. /in/daemon-lib.sh

configure 'domains = [ [ "pv1", "after_crash=destroy" ], [ "pvh1", "after_crash=restart" ], ]'

# cgroup PID: the unit that a process belongs to.
cgroup() {
	sed -n 's|^0::/system.slice/||p' "/proc/$1/cgroup"
}

# monitor GUEST: process of the xl that looks after it.
monitor() {
	pgrep -f "xl create.*/$1.cfg" | tail -n 1
}

# timed: how many dumps a timer has made.
timed() {
	xldumpctl list | grep -c ' timer '
}

# transient: units that systemd-run has made.
transient() {
	systemctl list-units --all --plain --no-legend 'run-*.service'
}

# at_best GUEST: it panics, and is dumped unless xl was quicker, which the journal tells then.
at_best() {
	local id
	id=$(xl domid "$1")
	crashes "$1" "" || story "$1 \\(domain $id\\): cannot take libxl's lock"
}

alone pv1
pgrep -x oxenstored > /dev/null
result $? "xenstored is oxenstored"
cp /etc/xen/xldumpd.conf /tmp/
echo 'workers = "many"' >> /etc/xen/xldumpd.conf
! systemctl start xldumpd.service 2> /dev/null && sleep 3 && [ "$(property ActiveState) $(property NRestarts)" = "failed 0" ]
result $? "a configuration that is wrong is not tried again and again"
check "the journal tells" story 'xldumpd.conf:4: '
cp /tmp/xldumpd.conf /etc/xen/
check "the daemon starts" systemctl start xldumpd.service
check "it serves" serves
systemctl status --no-pager xldumpd.service > /tmp/status
sed 's/^/# /' /tmp/status
grep -Eq 'Status: "0 running, 0 waiting"' /tmp/status
result $? "systemctl status tells what it does"
[ "$(property WatchdogUSec)" = 2min ] && [ "$(property NotifyAccess)" = main ]
result $? "systemd watches it"

# ---- the sandbox ----
systemd-analyze security --no-pager xldumpd.service > /out/security.txt
tail -n 1 /out/security.txt | sed 's/^/# /'
grep -E '^(CapBnd|NoNewPrivs|Seccomp):' "/proc/$(property MainPID)/status" > /tmp/caps
sed 's/^/# /' /tmp/caps
# CAP_IPC_LOCK and CAP_SYS_PTRACE
grep -q 'CapBnd:.*0000000000084000' /tmp/caps && grep -q 'NoNewPrivs:.*1' /tmp/caps && grep -q 'Seccomp:.*2' /tmp/caps
result $? "the sandbox is there"

# ---- requests and timers ----
check "a request from outside" xldumpctl request pv1
check "xldump@pv1.service makes a dump" systemctl start xldump@pv1.service
check "the timer can be started" systemctl start xldump@pv1.timer
systemctl list-timers --no-pager | sed 's/^/# /'
systemctl list-timers --no-legend --no-pager | grep -q 'xldump@pv1.timer *xldump@pv1.service'
result $? "it is listed"
systemctl stop xldump@pv1.timer
mkdir -p /run/systemd/system/xldump@pv1.timer.d
printf '[Timer]\nOnCalendar=\nOnActiveSec=1s\nRandomizedDelaySec=0\nAccuracySec=1s\n' \
	> /run/systemd/system/xldump@pv1.timer.d/soon.conf
systemctl daemon-reload
before=$(timed)
systemctl start xldump@pv1.timer
for _ in $(seq 300); do
	[ "$(timed)" -gt "$before" ] && break
	sleep 1
done
[ "$(timed)" -gt "$before" ]
result $? "the timer makes a dump by itself"
systemctl stop xldump@pv1.timer
check "pv1 goes on" goes_on pv1
check "xldumpctl list" xldumpctl list
rm -f /var/lib/xldump/dumps/*

# ---- crashes ----
id=$(xl domid pv1)
check "pv1 panics, on_crash=preserve: dumped" crashes pv1 pv1-crash.elf
check "it is destroyed then (after_crash=destroy)" gone pv1
check "the journal tells" story "pv1 \(domain $id\) crashed; afterwards xl does: preserve" \
	"pv1 \(domain $id\): dump crash-$id-[0-9]* is queued \(crash\)" \
	"pv1 \(domain $id\): dumped to /var/lib/xldump/dumps/" \
	"pv1 \(domain $id\): destroyed after its dump"
check "pv1 starts, with panic=3" fresh pv1 destroy panic=3
check "pv1 panics, on_crash=destroy: dumped" at_best pv1
check "xl destroys it then" gone pv1

xl unpause pvh1 2> /dev/null
id=$(xl domid pvh1)
ready=$(starts pvh1)
check "pvh1 panics, on_crash=preserve: dumped" crashes pvh1 pvh1-crash.elf
check "it is restarted then (after_crash=restart)" newer pvh1 "$id"
check "it starts again" ready_again pvh1 "$ready"
check "it runs again" goes_on pvh1
xl=$(monitor pvh1)
echo "# monitor of pvh1: process $xl in $(cgroup "$xl")"
systemctl status --no-pager "$(cgroup "$xl")" | sed 's/^/# /'
case $(cgroup "$xl") in run-*.service) result 0 "xl has a unit of its own" ;; *) result 1 "xl has a unit of its own" ;; esac
check "the daemon is stopped" systemctl stop xldumpd.service
kill -0 "$xl" 2> /dev/null
result $? "xl and its guest stay"
check "pvh1 goes on" goes_on pvh1
check "the daemon starts" systemctl start xldumpd.service
guest-say pvh1 poweroff
check "there is somebody to clear pvh1 away when it powers off" gone pvh1
for _ in $(seq 50); do [ -z "$(transient)" ] && break; sleep 0.2; done
transient | sed 's/^/# /'
[ -z "$(transient)" ]
result $? "no unit of it is left"

check "pvh1 starts, with panic=3" fresh pvh1 restart panic=3
id=$(xl domid pvh1)
check "pvh1 panics, on_crash=restart: dumped" at_best pvh1
check "xl restarts it then" newer pvh1 "$id"
xl destroy pvh1

check "pv1 starts" fresh pv1 rename-restart
id=$(xl domid pv1)
check "pv1 panics, on_crash=rename-restart: dumped" crashes pv1 ""
check "xl has restarted it" newer pv1 "$id"
check "the journal tells" story "pv1 \\(domain $id\\) crashed; afterwards xl does: rename-restart"
for _ in $(seq 100); do xl domname "$id" > /dev/null 2>&1 || break; sleep 0.2; done
! xl domname "$id" 2> /dev/null
result $? "the renamed one is destroyed after its dump"
xl destroy pv1
for action in destroy restart; do
	check "pv1 starts" fresh pv1 coredump-$action
	id=$(xl domid pv1)
	guest-say pv1 crash
	# xl maps page by page: it takes minutes.
	if [ $action = destroy ]; then
		check "on_crash=coredump-destroy: xl dumps it and destroys it" gone pv1 600
	else
		check "on_crash=coredump-restart: xl dumps it and restarts it" newer pv1 "$id" 600
	fi
	check "the journal tells that it is xl's" story "pv1 \(domain $id\) is not dumped \(coredump\)"
done
find /var/lib/xen/dump -type f -printf '# %s %f\n'
rm -f /var/lib/xen/dump/*
xl destroy pv1

# ---- hangs ----
mkdir -p /run/systemd/system/xldumpd.service.d
printf '[Service]\nWatchdogSec=20s\n' > /run/systemd/system/xldumpd.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart xldumpd.service
pid=$(property MainPID)
kill -STOP "$pid"
for _ in $(seq 300); do [ "$(property NRestarts)" -gt 0 ] && break; sleep 0.2; done
check "a daemon that hangs is restarted" serves
[ "$(property MainPID)" != "$pid" ]
result $? "it is another process"
check "the journal tells" story 'Watchdog timeout'

check "the daemon ends when it is told to" systemctl stop xldumpd.service
[ "$(property Result)" = success ]
result $? "systemd takes it for a success"
leaves_nothing
[ "$(systemctl is-system-running)" = running ]
result $? "no unit has failed"
journalctl --no-pager --output=short-precise --unit=xldumpd.service > /out/journal.txt
sed 's/^/# journal: /' /out/journal.txt
rm -rf /var/lib/xldump/dumps
finish
