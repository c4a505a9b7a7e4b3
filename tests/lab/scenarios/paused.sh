#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Paused guests: our dump and that of xl dump-core must be the same, page for page.  And xl dump-core
# of a running guest: the oracle must call it torn, or it is no oracle.
#
# lab: --hypervisor shadow --guest pv1=pv,workload=stamp --guest pvh1=pvh,workload=stamp
# timeout: 1500

. /in/lib.sh

alone pv1
xl dump-core pv1 /out/torn.core > /dev/null 2>&1
stamp-check /out/torn.core | sed 's/^/# /'
[ "${PIPESTATUS[0]}" -eq 1 ]
result $? "pv1, running: the dump of xl dump-core is torn"
rm -f /out/torn.core

for guest in pv1 pvh1; do
	alone "$guest"
	xl pause "$guest"
	xl-livedump --json "$guest" "/out/$guest.img" 2> /dev/null > /tmp/json
	result $? "$guest, paused: dumped"
	sed 's/^/# /' /tmp/json
	grep -q '"strategy":"still"' /tmp/json && grep -q '"was_stopped":true' /tmp/json
	result $? "$guest, paused: not stopped by us"
	# For PVH guests this takes minutes: one mapping for each of a million frames.
	xl dump-core "$guest" "/out/$guest.core" > /dev/null 2>&1
	check "$guest, paused: the same pages as xl dump-core" \
		core-compare "/out/$guest.img" "/out/$guest.core"
	check "$guest, paused: every page table entry leads into the guest" \
		pte-check "/out/$guest.img"
	rm -f "/out/$guest.core"
	case $(state "$guest") in *p*) result 0 "$guest: still paused" ;; *) result 1 "$guest: still paused" ;; esac
	xl unpause "$guest"
	check "$guest: goes on" goes_on "$guest"
done
rm -f /out/*.img
finish
