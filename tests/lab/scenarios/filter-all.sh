#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pages that are left out, and not read: by each strategy, and at every level.
#
# lab: --hypervisor shadow --guest pv1=pv,mem=96,workload=stamp --guest pv2=pv,vcpus=2,workload=stamp --guest pvh1=pvh,mem=96,workload=stamp
# saved: yes
# slow: ten minutes

. /in/lib.sh
. /in/filter-lib.sh

for guest in pv1 pvh1; do
	alone $guest
	left_out $guest precopy 31
	for strategy in precopy rescan stop; do
		left_out $guest $strategy 23
		later "$guest: $strategy with -d 23: consistent" stamp-check $guest-$strategy-d23.img
	done
	check "$guest: goes on" goes_on $guest

	xl pause $guest
	judged $guest 1 2 4 8 16 31
	xl unpause $guest
	check "$guest: goes on after that" goes_on $guest
done
finish
