#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Compressed dumps of a running guest (kdump-codecs: with the other codecs; filter: with pages left out); and
# dumps into pipes, whose readers are slow or go.
#
# lab: --hypervisor stock --guest pv1=pv,mem=96,workload=stamp --guest pvh1=pvh,mem=96,workload=stamp --guest pvh2=pvh,vcpus=2,devices=on,workload=stamp
# saved: yes
# readers: pvh1-zlib.img pvh1-zstd.img pvh1-pipe.img pvh1-d31.img:all

. /in/lib.sh

alone pvh1

check "zlib: dumped" xl-livedump -f kdump -c zlib pvh1 /out/pvh1-zlib.img
check "zstd:1 by two threads: dumped" xl-livedump -f kdump -c zstd:1 -j 2 pvh1 /out/pvh1-zstd.img
for codec in zlib zstd; do
	later "$codec: consistent" stamp-check pvh1-$codec.img
	later "$codec: the file keeps the rules of its readers" format-check pvh1-$codec.img
done
expect 2 'cannot be compressed' "an ELF file is not compressed" xl-livedump -f elf -c zlib pvh1 /out/no.img
ls -ls /out | sed 's/^/# /'

check "-d 31" xl-livedump -f kdump -d 31 pvh1 /out/pvh1-d31.img
[ "$(stat -c %s /out/pvh1-d31.img)" -lt "$(stat -c %s /out/pvh1-zlib.img)" ]
result $? "-d 31: smaller"
later "-d 31: whole" xldumpctl verify pvh1-d31.img

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
later "into a pipe: consistent" stamp-check pvh1-pipe.img
later "into a pipe: kdump that keeps the rules" format-check pvh1-pipe.img
xl-livedump -q -f elf pvh1 - | cat > /out/elf.flat
result "${PIPESTATUS[0]}" "ELF into a pipe"
later "ELF into a pipe: consistent" stamp-check elf.flat
xl-livedump -q --json -c lzo pvh1 - 2> /tmp/err | sh -c 'read -r x; sleep 3; cat' > /dev/null
result "${PIPESTATUS[0]}" "a slow reader"
grep -q '"pause_ns":' /tmp/err
result $? "a slow reader: the result for machines"
sed 's/^/# /' /tmp/err
[ "$(state pvh1)" != --p--- ] && goes_on pvh1 > /dev/null
result $? "the guest goes on"

xl-livedump pvh1 - 2> /tmp/err | head -c 1000000 > /dev/null
status=${PIPESTATUS[0]}
sed 's/^/# /' /tmp/err
[ "$status" -eq 7 ] && grep -q 'the reader of the dump has exited' /tmp/err
result $? "a reader that goes: status $status and a word"
check "the guest goes on after that" goes_on pvh1
check "and can be dumped again" xl-livedump -f kdump -c lzo pvh1 /out/pvh1-again.img
later "again: consistent" stamp-check pvh1-again.img
script -qec 'xl-livedump pvh1 -' /dev/null > /tmp/out
[ $? -eq 7 ] && grep -q 'is a terminal' /tmp/out
result $? "a terminal is refused"
finish
