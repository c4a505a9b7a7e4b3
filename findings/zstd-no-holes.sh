#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# zstd 1.5.7 writes all zeros of a sparse file to disk when it decompresses; 1.5.4 made holes.
#
# Guessed: as before, and as its manual page says, `zstd -d` leaves holes when it writes to a file.
# In fact: 1.5.7 makes them only when --sparse is given.  A dump of a guest of 64 GiB that was packed to 2 GiB comes
# back with 64 GiB on disk.  xz makes holes unasked.
# Seen with: 256 MiB with one page of data; zstd 1.5.7 of Debian 13: 262144 KiB, with --sparse under 100; zstd 1.5.4 of
#   Debian 12 and xz 5.8.1 of Debian 13: under 100
# For users of xldump: `zstd -d --sparse`.

. "$(dirname "$0")/lib.sh"

truncate -s 256M "$work/sparse"
printf 'data' | dd of="$work/sparse" bs=1 seek=100000000 conv=notrunc status=none

blocks() { du -k "$1" | cut -f 1; }

root_of bookworm zstd=1.5.4+dfsg2-5+deb12u1
inside "$root" zstd -q sparse -o packed.zst
inside "$root" zstd -q -d packed.zst -o old
root_of trixie zstd=1.5.7+dfsg-1+deb13u1 xz-utils=5.8.1-1+deb13u2
inside "$root" zstd -q -d packed.zst -o new
inside "$root" zstd -q -d --sparse packed.zst -o asked
inside "$root" sh -c 'xz -0 -c sparse >packed.xz && xz -dk packed.xz -c >xz'
[ "$(blocks "$work/sparse")" -lt 1000 ] || skip "the file system of $work has no holes"
for f in old new asked xz; do cmp "$work/sparse" "$work/$f" || skip "$f is not what was packed"; done
expect "1.5.4, KiB on disk" '^[0-9]{1,2}$' "$(blocks "$work/old")"
expect "1.5.7, KiB on disk" '^26[0-9]{4}$' "$(blocks "$work/new")"
expect "1.5.7 --sparse, KiB on disk" '^[0-9]{1,2}$' "$(blocks "$work/asked")"
expect "xz, KiB on disk" '^[0-9]{1,2}$' "$(blocks "$work/xz")"
finish
