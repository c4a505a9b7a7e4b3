#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xldumpd and HVM guests: their kernels panic and then reboot, which is no crash for Xen.
#
# lab: --suite trixie --dom0 systemd --hypervisor stock --guest hvm1=hvm,workload=stamp=256:50
# readers: hvm1-panic.elf
# timeout: 3600
# slow: a quarter of an hour

. /in/lib.sh
. /in/daemon-lib.sh

configure 'learn_after = 1' 'after_crash = "restart"'

# learnt DOMID: it is known where the kernel of this guest, which is up, would say that it panicked.  A new
# daemon looks at once; one that has looked before the kernel was there waits for minutes.
learnt() {
	local known="domain $1: panics of its kernel will be noticed"
	story "$known" > /dev/null && return 0
	systemctl restart xldumpd.service
	for _ in $(seq 300); do
		story "$known" > /dev/null && return 0
		sleep 1
	done
	journalctl --no-pager --unit=xldumpd.service | tail -n 5
	return 1
}

# reboots_to ACTION [WORD...]: a new life of hvm1, with on_reboot set to that.
reboots_to() {
	local action=$1
	shift
	[ -e /tmp/hvm1.cfg ] || cp /etc/xen/hvm1.cfg /tmp/
	sed -i "s/^on_reboot = .*/on_reboot = \"$action\"/" /tmp/hvm1.cfg
	fresh hvm1 preserve "$@"
}

check "the daemon starts" systemctl start xldumpd.service

id=$(xl domid hvm1)
check "what a panic looks like is learnt" learnt "$id"
check "hvm1 goes on" goes_on hvm1
check "hvm1 panics and reboots, on_reboot=destroy: dumped" crashes hvm1 hvm1-panic.elf
check "the journal tells" story "hvm1 \(domain $id\) panicked, and reboots; afterwards xl does: destroy, which waits"
check "xl destroys it then" gone hvm1

check "hvm1 starts, with panic=3 and on_reboot=restart" reboots_to restart panic=3
id=$(xl domid hvm1)
check "what a panic looks like is learnt" learnt "$id"
check "the daemon is restarted" systemctl restart xldumpd.service
check "hvm1 panics and reboots, on_reboot=restart: dumped" crashes hvm1 ""
check "xl restarts it then" newer hvm1 "$id"
xl destroy hvm1

check "hvm1 starts" reboots_to preserve
id=$(xl domid hvm1)
check "what a panic looks like is learnt" learnt "$id"
ready=$(starts hvm1)
check "hvm1 panics and reboots, on_reboot=preserve: dumped" crashes hvm1 ""
check "it is restarted then (after_crash=restart)" newer hvm1 "$id"
check "it starts again" ready_again hvm1 "$ready"
check "it runs again" goes_on hvm1
pgrep -af "xl create|xen-qemu|qemu-system" | sed 's/^/# /'
id=$(xl domid hvm1)
qemu=$(pgrep -f "qmp-libxl-$id" | head -n 1)
check "the daemon is stopped" systemctl stop xldumpd.service
kill -0 "$qemu" && sed 's/^/# /' "/proc/$qemu/cgroup" && ! grep -q xldumpd "/proc/$qemu/cgroup"
result $? "its device model outlives the daemon"
check "hvm1 goes on" goes_on hvm1
check "the daemon starts" systemctl start xldumpd.service

# An end that is none of our business must not wait for us.
check "what a panic looks like is learnt" learnt "$id"
guest-say hvm1 poweroff
check "it powers off, and goes" gone hvm1
! requests | grep -q "^crash-$id-"
result $? "nothing is dumped"
leaves_nothing
finish_service
