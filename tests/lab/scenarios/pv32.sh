#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A PV guest of 32 bits, which is a kernel of our own: as xencore and xencore-raw, and nothing else.  It is small,
# so its dump by xl dump-core, which takes seconds for each MiB, is the one of every day: while it runs the
# oracle must call that torn, or it is no oracle.  (Of other guests: paused-core.)
#
# lab: --hypervisor shadow --guest old=pv32,mem=32
# saved: yes

. /in/lib.sh

expect 12 '32-bit PV guest' "as elf: refused in words" xl livedump --force old /out/old.img

alone old
xl dump-core old /out/torn > /dev/null 2>&1
stamp-check /out/torn | sed 's/^/# /'
[ "${PIPESTATUS[0]}" -eq 1 ]
result $? "running: the dump of xl dump-core is torn"
rm -f /out/torn

dumps old 10 --format=xencore
check "xencore: every page table entry leads into the guest" pte-check /out/old.img
check "xencore: the file keeps the rules of its readers" format-check /out/old.img
check "xencore: xldumpctl finds nothing broken" xldumpctl verify /out/old.img
xldumpctl info /out/old.img > /tmp/info
sed 's/^/# /' /tmp/info
grep -q 'PV, 32 bits' /tmp/info
result $? "xencore: it says what guest it is"

check "the raw form of it" xldumpctl convert -f xencore-raw /out/old.img /out/old.raw
check "raw, converted: pte-check" pte-check /out/old.raw
check "and back" xldumpctl convert -f xencore /out/old.raw /out/old.back
check "the same to the byte" cmp /out/old.img /out/old.back
rm -f /out/old.raw /out/old.back

dumps old 3 --format=xencore-raw
check "raw: page tables" pte-check /out/old.img
check "raw: rules" format-check /out/old.img
check "raw: xldumpctl finds nothing broken" xldumpctl verify /out/old.img

# And of a guest that stands still, against Xen's own tools.
xl pause old
xl-livedump --force --format=xencore old /out/old.img 2> /tmp/err
result $? "paused: dumped"
xl dump-core old /out/theirs > /tmp/check.out 2>&1
check "paused: the pages of xl dump-core" core-compare /out/old.img /out/theirs
check "xl dump-core's file: its page tables are found" \
	xldumpctl convert -f xencore /out/theirs /out/found
check "and lead into the guest" xldumpctl verify /out/found
xl unpause old
check "it goes on" goes_on old
rm -f /out/theirs /out/found
finish
