#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xldumpd as a service, the main things alone, for every day: a request by hand, a worker that is killed, a
# crash while a request runs, panics.  `service' and its sisters have the rest.
#
# lab: --suite trixie --dom0 systemd --hypervisor stock --guest pv1=pv,mem=96,workload=stamp=256:50 --guest pvh1=pvh,mem=96,workload=stamp=256:50
# saved: yes
# readers: pvh1-panic.elf
# timeout: 2400

. /in/lib.sh
. /in/daemon-lib.sh

configure 'domains = [ [ "pvh1", "after_crash=destroy" ], ]'

alone pv1
check "the daemon starts" systemctl start xldumpd.service
xenstore-write /tool/xldump/request/mine/format kdump /tool/xldump/request/mine/compress lzo /tool/xldump/request/mine/domain pv1
check "a request by hand" is_done mine
check "its dump is of one instant" stamp-check "$(node mine result)"
ask dead pv1
check "another runs" runs dead
kill -9 "$(pgrep -P "$(property MainPID)" | head -n 1)"
check "its worker is killed: it is done all the same" is_done dead
check "pv1 goes on" goes_on pv1

id=$(xl domid pv1)
ask before pv1
check "another runs" runs before
guest-say pv1 crash
check "pv1 panics meanwhile: the request has an end" over before
name=$(crash_of "$id")
check "and its crash is dumped" is_done "$name"
xldumpctl dmesg "$(node "$name" result)" | grep -q "Kernel panic"
result $? "with the panic in it"
xl destroy pv1

alone pvh1
id=$(xl domid pvh1)
check "pvh1 panics, on_crash=preserve: dumped" crashes pvh1 pvh1-panic.elf
check "it is destroyed then (after_crash=destroy)" gone pvh1
check "the journal tells" story "pvh1 \(domain $id\) crashed; afterwards xl does: preserve" \
	"pvh1 \(domain $id\): destroyed after its dump"
check "pvh1 starts" fresh pvh1 restart
id=$(xl domid pvh1)
check "pvh1 panics, on_crash=restart: dumped" crashes pvh1 ""
check "xl restarts it then" newer pvh1 "$id"
xl destroy pvh1

check "the daemon ends when it is told to" systemctl stop xldumpd.service
leaves_nothing
finish_service
