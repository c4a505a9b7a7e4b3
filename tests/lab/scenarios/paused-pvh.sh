#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A paused PVH guest: our dump and that of xl dump-core must be the same, page for page.
#
# lab: --hypervisor stock --guest pvh1=pvh,workload=stamp
# timeout: 3600
# slow: a quarter of an hour

. /in/lib.sh

dumps_paused pvh1 compare
finish
