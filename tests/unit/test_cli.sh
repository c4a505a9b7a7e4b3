#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# xl-livedump where there is no Xen: its arguments, its exit statuses, its one line of error.

# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
bin=${top_builddir:?}/xl-livedump
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
tap_why="$tmp/out $tmp/err"

# fails STATUS PATTERN DESCRIPTION ARGUMENT...
fails() {
	want=$1 pattern=$2 what=$3
	shift 3
	"$bin" "$@" > "$tmp/out" 2> "$tmp/err"
	got=$?
	[ $got -eq "$want" ] && [ "$(wc -l < "$tmp/err")" -eq 1 ] && grep -Eq -- "$pattern" "$tmp/err"
	result $? "$what: status $got, wanted $want"
}

fails 2 'domain and a file' 'no arguments'
fails 2 'domain and a file' 'no file' web01
fails 2 'a domain is needed' 'an estimate of nothing' --estimate
fails 2 'too many arguments' 'two files' web01 a b
fails 2 'format must be .*not .pdf.' 'unknown format' -f pdf web01 a
fails 2 'strategy must be .*not .fast.' 'unknown strategy' --strategy=fast web01 a
fails 2 'compress must be zlib.*not .lz4.' 'unknown compression' -f kdump -c lz4 web01 a
fails 2 'a level such as .*not .zstd:20.' 'no such level' -f kdump --compress=zstd:20 web01 a
fails 2 'a level such as .*not .lzo:1.' 'a codec without levels' -f kdump -c lzo:1 web01 a
fails 2 'cannot be compressed' 'compressed ELF' -f elf -c zlib web01 a
fails 2 'cannot be compressed' 'compressed ELF, in a pipe' -f elf -c zstd web01 -
fails 2 'cannot be compressed' 'compressed raw dump' -f xencore-raw -c lzo web01 a
fails 2 'cannot be left out' 'filtered raw dump' -d 31 -f xencore-raw web01 a
for t in -1 257 many 3x ''; do
	fails 2 'threads must be a number from 0 to 256, not' "threads '$t'" "--threads=$t" web01 a
done
for t in soon 5m -3ms 0 nan inf 1e99s ''; do
	fails 2 'max-pause must be .*not' "time '$t'" "--max-pause=$t" web01 a
done
fails 2 'compress must be' 'no codec of one'"'"'s own choice' -f kdump --compress=default web01 a
for d in -1 32 all 3x ''; do
	fails 2 'dump-level must be a number from 0 to 31, not' "level '$d'" "--dump-level=$d" web01 a
done
for r in 0 -1 57 many 3x; do
	fails 2 'max-rounds must be a number from 1 to 56, not' "rounds '$r'" "--max-rounds=$r" web01 a
done

"$bin" --help > "$tmp/out" 2> "$tmp/err" && grep -Eq '^usage: xl.livedump ' "$tmp/out" && [ ! -s "$tmp/err" ]
result $? 'help'
"$bin" --version > "$tmp/out" 2> "$tmp/err" && grep -q '^xldump [0-9]' "$tmp/out"
result $? 'version'

if [ -e /sys/hypervisor/version/major ]; then
	skip 'without Xen' 'this machine runs under Xen'
else
	fails 4 'does not run under Xen' 'no Xen' web01 "$tmp/core"
	"$bin" --json web01 "$tmp/core" > "$tmp/out" 2> "$tmp/err"
	grep -q '"cause":"no-xen","status":4' "$tmp/out"
	result $? 'no Xen, for machines'
	[ ! -e "$tmp/core" ]
	result $? 'no file'
	fails 4 'does not run under Xen' 'an estimate without Xen' --estimate web01
	fails 4 'does not run under Xen' 'one of a dump into a pipe' --estimate web01 -
	"$bin" --json web01 - > "$tmp/out" 2> "$tmp/err"
	[ ! -s "$tmp/out" ] && grep -q '"cause":"no-xen"' "$tmp/err"
	result $? 'standard output is for the dump alone'
fi
plan
