#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# PVH guests on Debian's own hypervisor: precopy, several times (precopy-many: many times).  A PV guest there: falls back, says so.
#
# lab: --hypervisor stock --guest pv1=pv,mem=96,workload=stamp --guest pvh1=pvh,mem=96,workload=stamp --guest pvh2=pvh,vcpus=2,devices=on,workload=stamp
# saved: yes
# readers: pv1.img pvh2.img

. /in/lib.sh

alone pv1
xl-livedump --json pv1 /out/pv1.img > /tmp/json 2> /tmp/err
result $? "pv1: dumped"
sed 's/^/# /' /tmp/err /tmp/json
grep -q '"strategy":"rescan"' /tmp/json && grep -q 'shadow paging' /tmp/json
result $? "pv1: by reading it twice, and the reason is given"
grep -q 'warning: .*shadow paging.*stopped' /tmp/err
result $? "pv1: a warning says so"
check "pv1: consistent" stamp-check /out/pv1.img
check "pv1: goes on" goes_on pv1
expect 12 'cannot log dirty pages.*--strategy=rescan' "pv1: precopy asked for by name" \
	xl-livedump -q --strategy=precopy pv1 /out/no.img
expect 11 '--max-pause' "pv1: no stop of 50 ms is possible" \
	xl-livedump -q --max-pause=50ms pv1 /out/no.img
expect 11 '--max-pause' "pv1: nor when stopped for the whole dump" \
	xl-livedump -q --strategy=stop --max-pause=50ms pv1 /out/no.img
dumps pv1 1
dumps pv1 1 --strategy=stop
xl-livedump --max-pause=20ms --on-overrun=extend --force pv1 /out/pv1.img > /tmp/out 2> /dev/null
sed 's/^/# /' /tmp/out
grep -q 'could not be kept' /tmp/out
result $? "pv1: a pause longer than allowed, if the user prefers it"
check "pv1: goes on after that" goes_on pv1
[ ! -e /out/no.img ]
result $? "pv1: no file is left"

dumps pvh1 2
dumps pvh2 2
check "pvh2: every page table entry leads somewhere sensible" pte-check /out/pvh2.img
check "pvh2: the file keeps the rules of its readers" format-check /out/pvh2.img
xl-livedump -f xencore --json pvh2 /out/pvh2.core 2> /dev/null | sed 's/^/# /'
check "pvh2: the sections alone keep them too" format-check /out/pvh2.core
rm -f /out/pvh2.core
finish
