#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Everything that can be wrong outside: a clear line, its own exit status, no file, a running guest.
#
# lab: --hypervisor stock --guest pv1=pv,mem=96,workload=stamp --guest pvh1=pvh,mem=96,workload=stamp --guest pvh2=pvh,vcpus=2,devices=on,workload=stamp
# saved: yes

. /in/lib.sh

alone pvh1

# clean DESCRIPTION [GUEST]: nothing of the dump is left, and the guest runs on.
clean() {
	local left
	left=$(find /out /mnt/small -name '*no.img*' -o -name '.*partial*' 2> /dev/null)
	[ -z "$left" ] || echo "# left: $left"
	[ -z "$left" ] && goes_on "${2:-pvh1}" > /dev/null
	result $? "$1: no file is left, the guest runs on"
}

expect 2 'domain and a file' "no arguments" xl-livedump
expect 2 'strategy' "a strategy that there is none" xl-livedump -s fast pvh1 /out/no.img
expect 2 'max-pause must be' "a time that is none" xl-livedump -p soon pvh1 /out/no.img
expect 2 'running' "still, for a guest that runs" xl-livedump -q -s still pvh1 /out/no.img
expect 3 'no domain .nobody.' "a wrong name" xl-livedump -q nobody /out/no.img
expect 3 'no domain .4711.' "a wrong id" xl-livedump -q 4711 /out/no.img
expect 3 'no domain' "a wrong uuid" xl-livedump -q 00000000-0000-0000-0000-000000000001 /out/no.img
expect 12 'domain 0' "domain 0" xl-livedump -q 0 /out/no.img
clean "wrong arguments"

xl-livedump -q "$(xl domid pvh1)" /out/by-id.img
result $? "by id"
xl-livedump -q "$(xl vm-list | awk '$3 == "pvh1" { print $1 }')" /out/by-uuid.img
result $? "by uuid"

echo precious > /out/there.img
expect 6 'there.img exists.*--force' "a file that exists" xl-livedump -q pvh1 /out/there.img
[ "$(cat /out/there.img)" = precious ]
result $? "it is untouched"
expect 7 'no such directory|No such file' "a directory that does not exist" xl-livedump -q pvh1 /nowhere/no.img
expect 7 'directory' "a directory as the file" xl-livedump -q pvh1 /out
mkdir -p /mnt/small
mount -t tmpfs -o ro none /mnt/small
expect 7 '[Rr]ead-only' "a read-only file system" xl-livedump -q pvh1 /mnt/small/no.img
umount /mnt/small

mount -t tmpfs -o size=16m none /mnt/small
expect 8 'no space|No space|full' "a full disk" xl-livedump -q pvh1 /mnt/small/no.img
clean "a full disk"
echo precious > /mnt/small/there.img
expect 8 'no space|No space|full' "a full disk, replacing a file" xl-livedump -q --force pvh1 /mnt/small/there.img
[ "$(cat /mnt/small/there.img)" = precious ]
result $? "the file that was to be replaced is untouched"
umount /mnt/small

setpriv --reuid=65534 --regid=65534 --clear-groups xl-livedump -q pvh1 /tmp/no.img 2> /tmp/err
[ $? -eq 5 ] && grep -q root /tmp/err
result $? "not root: $(cat /tmp/err)"

# A dump holds the dirty log: a second one must not take it away.
xl-livedump -q pvh1 /out/first.img &
first=$!
for i in $(seq 100); do
	ls /proc/$first/fd > /dev/null 2>&1 || break
	xl-livedump -q pvh1 /out/no.img 2> /tmp/err
	status=$?
	[ $status -eq 10 ] && break
	rm -f /out/no.img
done
wait $first
[ $? -eq 0 ] && [ $status -eq 10 ] && grep -q 'strategy=rescan' /tmp/err
result $? "log-dirty on already (after $i tries): status $status, $(cat /tmp/err)"
check "the first dump is good nevertheless" stamp-check /out/first.img
clean "log-dirty on already"

for sig in INT TERM HUP; do
	xl-livedump -q pvh1 /out/no.img 2> /tmp/err &
	sleep 1.5
	kill -$sig $!
	wait $!
	status=$?
	[ $status -eq 13 ] || { [ $sig = INT ] && [ $status -eq 130 ]; }
	result $? "SIG$sig, status $status: $(cat /tmp/err)"
	clean "SIG$sig"
done
xl-livedump -q pvh1 /out/after.img
result $? "a dump after all that works"

# A dom0 whose libraries are of another version of Xen: no message of the dynamic loader.
lib=$(readlink -f "$(ldconfig -p | awk '/libxenctrl\.so/ { print $NF; exit }')")
mv "$lib" "$lib.away"
xl-livedump -q pvh1 /out/no.img 2> /tmp/err
status=$?
mv "$lib.away" "$lib"
[ $status -eq 14 ] && grep -Eq 'built for Xen|backend for Xen' /tmp/err
result $? "without the libraries: status $status, $(cat /tmp/err)"

xl-livedump -q pvh1 /out/no.img 2> /tmp/err &
sleep 1.5
xl destroy pvh1
wait $!
status=$?
alone pv1
[ $status -eq 9 ]
result $? "a guest destroyed in the middle, status $status: $(cat /tmp/err)"
clean "a guest destroyed in the middle" pv1
finish
