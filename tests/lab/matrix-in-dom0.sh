#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The part of tests/lab/matrix that runs in dom0: dump each GUEST in each form.
# usage: matrix-in-dom0.sh GUEST... -- LABEL=OPTIONS...

. /in/lib.sh

guests=()
while [ "$1" != -- ]; do
	guests+=("$1")
	shift
done
shift
for guest in "${guests[@]}"; do
	alone "$guest"
	for form in "$@"; do
		out=/out/$guest.${form%%=*}
		# shellcheck disable=SC2086
		xl-livedump --json ${form#*=} "$guest" "$out.img" > "$out.json" 2> "$out.err" ||
			echo "$guest ${form%%=*}: $(tail -n 1 "$out.err")"
	done
done
exit 0
