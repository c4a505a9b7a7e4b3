#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Our dump of a paused guest and that of xl dump-core must be the same, page for page.  And xl dump-core of a
# running guest: the oracle must call it torn.
#
# lab: --hypervisor shadow --guest pv1=pv,workload=stamp --guest pvh1=pvh,workload=stamp
# saved: yes
# timeout: 3600
# slow: twenty minutes

. /in/lib.sh

alone pv1
xl dump-core pv1 /out/torn.core > /dev/null 2>&1
stamp-check /out/torn.core | sed 's/^/# /'
[ "${PIPESTATUS[0]}" -eq 1 ]
result $? "pv1, running: the dump of xl dump-core is torn"
rm -f /out/torn.core

dumps_paused pv1 compare
dumps_paused pvh1 compare
finish
