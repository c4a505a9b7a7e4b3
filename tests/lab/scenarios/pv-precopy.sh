#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# PV guests on a hypervisor that can log their dirty pages: precopy, several times (precopy-many: many times).
#
# lab: --hypervisor shadow --guest pv1=pv,mem=96,workload=stamp --guest pv2=pv,vcpus=2,workload=stamp --guest pvh1=pvh,mem=96,workload=stamp
# saved: yes
# readers: pv1.img:all pv2.img

. /in/lib.sh

# A guest of a machine that was just woken may not have counted yet.
before=$(counter pv2)
before=${before:-0}
dumps pv1 2
dumps pv2 3
[ "$(counter pv2)" -gt "$before" ]
result $? "pv2: counted from $before to $(counter pv2) meanwhile"

xl-livedump --json --force pv2 /out/pv2.img 2> /dev/null > /tmp/json
cat /tmp/json
grep -q '"strategy":"precopy"' /tmp/json
result $? "pv2: by precopy"
check "pv1: every page table entry leads into the guest" pte-check /out/pv1.img
check "pv2: every page table entry leads into the guest" pte-check /out/pv2.img
check "pv2: the file keeps the rules of its readers" format-check /out/pv2.img
finish
