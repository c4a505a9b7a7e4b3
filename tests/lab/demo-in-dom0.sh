#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The part of the demo that runs in dom0.

. /in/lib.sh

say() {
	printf '\n=== %s\n' "$*"
}

# timed COMMAND...: run it, and say how long it took.
timed() {
	local t0 t1
	t0=$(date +%s.%N)
	"$@"
	t1=$(date +%s.%N)
	awk -v a="$t0" -v b="$t1" 'BEGIN { printf "(%.1f s)\n", b - a }'
}

say "The hypervisor"
xl info | grep -E '^(xen_version|xen_caps|virt_caps|xen_changeset|cc_compile_date)'
say "The guests"
xl list

# The emulated machine has one CPU: whichever guest is dumped has it to itself, beside dom0.
for guest in pv1 pvh1; do
	alone "$guest"
	say "xl livedump $guest /out/$guest.img"
	before=$(counter "$guest")
	timed xl livedump "$guest" "/out/$guest.img" || exit
	sleep 1.5
	echo "the guest's counter: $before before, $(counter "$guest") after: it went on"
	echo "The oracle, which looks for stamps out of turn, says of it:"
	stamp-check "/out/$guest.img"
done

alone pv1
say "xl dump-core pv1, of the same running guest, for comparison"
timed xl dump-core pv1 /out/pv1.core
echo "The oracle says of it:"
stamp-check /out/pv1.core
ls -lsh /out
rm -f /out/pv1.core
if [ "${1-}" = --full ]; then
	alone pvh1
	say "xl dump-core pvh1: a mapping for each of a million frames"
	timed xl dump-core pvh1 /out/pvh1.core
	stamp-check /out/pvh1.core
	rm -f /out/pvh1.core
fi
exit 0
