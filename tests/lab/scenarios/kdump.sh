#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Compressed dumps of a running guest (kdump-codecs: with the other codecs); and dumps into pipes, whose
# readers are slow or go.
#
# lab: --hypervisor stock --guest pvh1=pvh,workload=stamp
# readers: pvh1-zlib.img pvh1-zstd.img pvh1-pipe.img pvh1-d31.img

. /in/lib.sh

for codec in zlib zstd; do
	check "$codec: dumped" xl-livedump -f kdump -c $codec pvh1 /out/pvh1-$codec.img
	check "$codec: consistent" stamp-check /out/pvh1-$codec.img
	check "$codec: the file keeps the rules of its readers" format-check /out/pvh1-$codec.img
done
check "zstd:1 by two threads" xl-livedump -f kdump -c zstd:1 -j 2 pvh1 /out/level.img
check "zstd:1: consistent" stamp-check /out/level.img
rm -f /out/level.img
expect 2 'cannot be compressed' "an ELF file is not compressed" xl-livedump -c zlib pvh1 /out/no.img
check "precopy of an ELF file, to compare" xl-livedump pvh1 /out/elf.img
ls -ls /out | sed 's/^/# /'
rm -f /out/elf.img

# Level 23 is all but the memory of processes, which has the stamps.
check "-d 23" xl-livedump -f kdump -d 23 pvh1 /out/d23.img
check "-d 23: consistent" stamp-check /out/d23.img
check "-d 23: the file keeps the rules of its readers" format-check /out/d23.img
xl-livedump --json -f kdump -d 31 pvh1 /out/pvh1-d31.img > /tmp/d31 2> /tmp/err
result $? "-d 31"
sed 's/^/# /' /tmp/d31 /tmp/err
[ "$(number pages_copied /tmp/d31)" -lt $(($(number pages /tmp/d31) + $(number pages_excluded /tmp/d31))) ]
result $? "-d 31: what is left out was not read"
[ "$(stat -c %s /out/pvh1-d31.img)" -lt "$(stat -c %s /out/d23.img)" ]
result $? "-d 31: smaller than -d 23"
check "-d 31: whole" xldumpctl verify /out/pvh1-d31.img
rm -f /out/d23.img

xl-livedump --json --estimate -f kdump pvh1 > /tmp/estimate 2> /tmp/err
result $? "an estimate"
sed 's/^/# /' /tmp/estimate /tmp/err
is=$(stat -c '%b * 512' /out/pvh1-zlib.img)
[ "$(number disk_bytes /tmp/estimate)" -gt $((is / 2)) ] && [ "$(number disk_bytes /tmp/estimate)" -lt $((is * 2)) ]
result $? "an estimate: as large as the dump of before, more or less: $((is))"
check "the guest goes on after that" goes_on pvh1

xl-livedump pvh1 - 2> /tmp/err | cat > /out/pvh1-pipe.img
result "${PIPESTATUS[0]}" "into a pipe"
sed 's/^/# /' /tmp/err
grep -q 'consistent as of' /tmp/err
result $? "into a pipe: the result is on standard error"
check "into a pipe: consistent" stamp-check /out/pvh1-pipe.img
check "into a pipe: kdump that keeps the rules" format-check /out/pvh1-pipe.img
xl-livedump -q -f elf pvh1 - | cat > /out/elf.flat
result "${PIPESTATUS[0]}" "ELF into a pipe"
check "ELF into a pipe: consistent" stamp-check /out/elf.flat
rm -f /out/elf.flat
xl-livedump -q --json pvh1 - 2> /tmp/err | sh -c 'read -r x; sleep 3; cat' > /dev/null
result "${PIPESTATUS[0]}" "a slow reader"
grep -q '"pause_ns":' /tmp/err
result $? "a slow reader: the result for machines"
sed 's/^/# /' /tmp/err
[ "$(state pvh1)" != --p--- ] && goes_on pvh1 > /dev/null
result $? "the guest goes on"

xl-livedump pvh1 - 2> /tmp/err | head -c 1000000 > /dev/null
status=${PIPESTATUS[0]}
sed 's/^/# /' /tmp/err
[ "$status" -eq 7 ] && grep -q 'who reads the dump has gone' /tmp/err
result $? "a reader that goes: status $status and a word"
check "the guest goes on after that" goes_on pvh1
check "and can be dumped again" xl-livedump --force -f kdump pvh1 /out/pvh1-zlib.img
script -qec 'xl-livedump pvh1 -' /dev/null > /tmp/out
[ $? -eq 7 ] && grep -q 'is a terminal' /tmp/out
result $? "a terminal is refused"
finish
