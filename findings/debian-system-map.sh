#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The System.map in /boot of a Debian system has one line, and no .build-id link leads to Debian's vmlinux.
#
# Guessed: /boot/System.map-RELEASE has the kernel's symbols, and a -dbg package has links in
# /usr/lib/debug/.build-id, as those of all other programs have.
# In fact: the map holds one line that sends to the -dbg package, whose map and vmlinux are in another folder since 7.2.
# That package has .build-id links for the vDSOs, not for the kernel: a search through these links finds nothing.
# Seen with: linux-image 6.12.118 (Debian 13), linux-base and linux-image 7.2.13 (sid), cloud flavour:
#   "ffffffffffffffff B The real System.map is in the linux-image-<version>-dbg package" (sid: the version itself); vmlinux in
#   /usr/lib/debug/boot, for 7.2 in /usr/lib/debug/lib/modules/RELEASE
# For users of xldump: --symbols wants the map of the -dbg package, or its vmlinux.

. "$(dirname "$0")/lib.sh"

while read -r suite owner name version folder; do
	image=$(pinned "$suite" "$owner=$version")
	debug=$(pinned "$suite" "$name-dbg=$version")
	list=$(dpkg-deb -c "$image" | awk '{ print $6 }')
	map=$(grep -Em1 '/System\.map' <<<"$list")
	text=$(dpkg-deb --fsys-tarfile "$image" | tar -xO "$map")
	expect "$suite: System.map" '^ffffffffffffffff B The real System.map is in the linux-image-.*-dbg package$' "$text"
	expect "$suite: lines in it" '^1$' "$(wc -l <<<"$text")"
	dpkg-deb -c "$debug" >"$work/list"
	list=$(awk '$1 ~ /^-/ { print $6 }' "$work/list")
	expect "$suite: where vmlinux is" "^\\./usr/lib/debug/$folder/vmlinux" "$list"
	expect "$suite: where the real map is" "^\\./usr/lib/debug/$folder/System\\.map" "$list"
	links=$(awk '/\/\.build-id\// && $7 == "->" { print $8 }' "$work/list")
	expect_not "$suite: a link by build-id to it" 'vmlinux' "$links"
	expect "$suite: links to others" 'vdso' "$links"
done <<'END'
trixie linux-image-6.12.118+deb13-cloud-amd64 linux-image-6.12.118+deb13-cloud-amd64 6.12.118-1 boot
sid linux-base-7.2.13+deb14-cloud-amd64 linux-image-7.2.13+deb14-cloud-amd64 7.2.13-1 lib/modules/7\.2\.13\+deb14-cloud-amd64
END
finish
