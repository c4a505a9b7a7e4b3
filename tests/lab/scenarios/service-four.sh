#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Four guests crash at once: xldumpd dumps two at a time, the others wait.
#
# lab: --suite trixie --dom0 systemd --hypervisor shadow --guest pv1=pv --guest pvh1=pvh --guest pv2=pv --guest pvh2=pvh
# timeout: 2400
# slow: ten minutes

. /in/lib.sh
. /in/daemon-lib.sh

configure

check "the daemon starts" systemctl start xldumpd.service
ids=
for g in pv1 pv2 pvh1 pvh2; do
	ids="$ids $(xl domid $g)"
done
while sleep 0.2; do xldumpctl status; done > /tmp/seen 2> /dev/null &
looks=$!
for g in pv1 pv2 pvh1 pvh2; do guest-say $g crash; done
names=
for id in $ids; do
	name=$(crash_of "$id") && names="$names $name"
done
for name in $names; do
	check "four panic at once: $name is dumped" is_done "$name"
done
kill $looks
xldumpctl status | sed 's/^/# /'
# Most at once in one answer, which begins with its heading.
most() {
	awk -v state="$1" '/^SINCE/ { n = 0 } $0 ~ state { if (++n > m) m = n } END { print m + 0 }' /tmp/seen
}
echo "# most that waited at once: $(most ' queued ')"
[ "$(most ' queued ')" -ge 1 ] && [ "$(most ' running ')" -eq 2 ]
result $? "xldumpctl status tells that two run and the others wait"
[ "$(echo "$names" | wc -w)" -eq 4 ]
result $? "all four are dumped"
finish_service
