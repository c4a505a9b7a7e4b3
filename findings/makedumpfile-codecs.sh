#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's makedumpfile offers four ways to compress and has two (Debian 12) or three (13, sid) of them.
#
# Guessed: -l, -p and -z of the manual page and of --help work in a distribution that ships liblzo2, libsnappy and
# libzstd, as they do in Debian's crash, which reads all four.
# In fact: the package is built without snappy in all releases, and in Debian 12 without zstd too, so it can neither
# write such a file nor filter one that others wrote.
# Seen with: makedumpfile 1.7.2 (Debian 12), 1.7.6 (13), 1.7.8 (sid): "snappy disabled", and in Debian 12
#   "zstd disabled"; -p: "'-p' option is disabled, because this binary doesn't support snappy compression."
# For users of xldump: zlib and lzo are what every makedumpfile filters again.

. "$(dirname "$0")/lib.sh"

linux_dumps bookworm linux-image-6.1.0-57-cloud-amd64=6.1.192-3
for r in 'bookworm 1:1.7.2-1 disabled' 'trixie 1:1.7.6-1 enabled' 'sid 1:1.7.8-1 enabled'; do
	read -r suite version zstd <<<"$r"
	root_of "$suite" "makedumpfile=$version"
	out=$(inside "$root" makedumpfile -v 2>&1)
	expect "$suite: lzo" 'lzo.enabled' "$out"
	expect "$suite: snappy" 'snappy.disabled' "$out"
	expect "$suite: zstd" "zstd.$zstd" "$out"
	expect "$suite: --help offers them" '\[-c\|-l\|-p\|-z\]' "$(inside "$root" makedumpfile --help 2>&1)"
	expect "$suite: -p" "'-p' option is disabled" \
		"$(inside "$root" makedumpfile -p -d 1 "$dumps/plain" "$work/out-$suite" 2>&1 || true)"
done
finish
