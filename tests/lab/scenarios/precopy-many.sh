#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# PV and PVH guests by precopy, one or two processors, twenty dumps of each in a row; and by the other strategies.
#
# lab: --hypervisor shadow --guest pv1=pv,workload=stamp --guest pv2=pv,vcpus=2,workload=stamp --guest pvh1=pvh,workload=stamp --guest pvh2=pvh,vcpus=2,workload=stamp
# saved: yes
# timeout: 5400
# slow: half an hour

. /in/lib.sh

for guest in pv1 pv2 pvh1 pvh2; do
	dumps $guest 20
	dumps $guest 5 --strategy=rescan
	dumps $guest 2 --strategy=stop
done
finish
