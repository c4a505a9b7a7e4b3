#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pages that are left out, and not read: of guests that run, and of guests that stand still, where the dump with
# all pages says which should be out (filter-all: by each strategy, at every level).
#
# lab: --hypervisor shadow --guest pv1=pv,mem=96,workload=stamp --guest pv2=pv,vcpus=2,workload=stamp --guest pvh1=pvh,mem=96,workload=stamp
# saved: yes

. /in/lib.sh
. /in/filter-lib.sh

for guest in pv1 pvh1; do
	alone $guest
	left_out $guest precopy 31
	# All but the memory of processes, which has the stamps.
	left_out $guest precopy 23
	later "$guest: with -d 23: consistent" stamp-check $guest-precopy-d23.img
	xl pause $guest
	judged $guest 31
	xl unpause $guest
	check "$guest: goes on after that" goes_on $guest
done
finish
