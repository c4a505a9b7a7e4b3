#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Paused guests are dumped as they are, and stay paused (paused-core: the same pages as by xl dump-core).
#
# lab: --hypervisor shadow --guest pv1=pv,mem=96,workload=stamp --guest pv2=pv,vcpus=2,workload=stamp --guest pvh1=pvh,mem=96,workload=stamp
# saved: yes

. /in/lib.sh

dumps_paused pv1
dumps_paused pvh1
finish
