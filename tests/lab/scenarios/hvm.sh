#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An HVM guest with KASLR and a device model in dom0, on Debian 13: Xen 4.20, Linux 6.12.
#
# lab: --suite trixie --hypervisor stock --guest hvm1=hvm,workload=stamp
# saved: yes
# readers: hvm1.img
# timeout: 1800

. /in/lib.sh

dumps hvm1 2
check "hvm1: every page table entry leads somewhere sensible" pte-check /out/hvm1.img
check "hvm1: the file keeps the rules of its readers" format-check /out/hvm1.img
# libxl's own client must still be served: its lock and the socket are free again.
check "hvm1: the device model still listens to libxl" xl qemu-monitor-command hvm1 'info status'
# A device model that does not answer must not stop the dump for ever, nor leave anything on.
qemu=$(pgrep -f 'domid 1|xen-domid 1|qmp-libxl-1' | head -n 1)
kill -STOP "$qemu"
expect 1 'device model' "hvm1: a device model that hangs" xl-livedump -q hvm1 /out/no.img
kill -CONT "$qemu"
check "hvm1: goes on" goes_on hvm1
dumps hvm1 1
check "hvm1: the device model is alive" xl qemu-monitor-command hvm1 'info status'
finish
