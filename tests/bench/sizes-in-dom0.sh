#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The part of tests/bench/sizes that runs in dom0: dump each paused GUEST in each form.

. /in/lib.sh

for guest; do
	alone "$guest"
	xl pause "$guest"
	xl-livedump -q --json "$guest" "/out/$guest.elf" > /tmp/result || exit
	sed -n 's/.*"memory_bytes":\([0-9]*\).*/\1/p' /tmp/result > "/out/$guest.memory"
	xl-livedump -q -f xencore "$guest" "/out/$guest.xencore" || exit
	for codec in none zlib lzo snappy zstd; do
		xl-livedump -q -f kdump -c $codec "$guest" "/out/$guest.kdump-$codec" || exit
	done
	for codec in zlib zstd; do
		xl-livedump -q -f kdump -c $codec -d 31 "$guest" "/out/$guest.kdump-$codec-d31" || exit
	done
	if [ "$guest" = pv1 ]; then
		xl dump-core "$guest" "/out/$guest.xl-dump-core" || exit
	fi
	xl unpause "$guest"
done
exit 0
