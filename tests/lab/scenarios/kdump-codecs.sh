#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Compressed dumps of a running guest with the codecs that the scenario `kdump' leaves out.
#
# lab: --hypervisor stock --guest pv1=pv,mem=96,workload=stamp --guest pvh1=pvh,mem=96,workload=stamp --guest pvh2=pvh,vcpus=2,devices=on,workload=stamp
# saved: yes
# readers: pvh1-lzo.img pvh1-snappy.img pvh1-none.img
# slow: five minutes

. /in/lib.sh

alone pvh1
for codec in lzo snappy none zstd; do
	check "$codec: dumped" xl-livedump -f kdump -c $codec pvh1 /out/pvh1-$codec.img
	later "$codec: consistent" stamp-check pvh1-$codec.img
	later "$codec: the file keeps the rules of its readers" format-check pvh1-$codec.img
done
check "the guest goes on" goes_on pvh1
finish
