#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Compressed dumps of a running guest with the codecs that the scenario `kdump' leaves out.
#
# lab: --hypervisor stock --guest pvh1=pvh,workload=stamp
# readers: pvh1-lzo.img pvh1-snappy.img pvh1-none.img
# slow: five minutes

. /in/lib.sh

for codec in lzo snappy none; do
	check "$codec: dumped" xl-livedump -f kdump -c $codec pvh1 /out/pvh1-$codec.img
	check "$codec: consistent" stamp-check /out/pvh1-$codec.img
	check "$codec: the file keeps the rules of its readers" format-check /out/pvh1-$codec.img
done
check "the guest goes on" goes_on pvh1
finish
