#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# xldumpctl: its arguments, its exit statuses, what it says of files that test_image writes.

# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
build=$(cd "${top_builddir:?}" && pwd)
bin=$build/xldumpctl
writer=$build/tests/unit/test_image
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 99
if [ ! -x "$writer" ]; then
	skip_all 'without cmocka there are no files to look at'
fi
tap_why="out err"

# fails STATUS PATTERN ARGUMENT...: with one line of error
fails() {
	want=$1 pattern=$2
	shift 2
	"$bin" "$@" > out 2> err < /dev/null
	got=$?
	[ $got -eq "$want" ] && [ "$(wc -l < err)" -eq 1 ] && grep -Eq -- "$pattern" err
	result $? "xldumpctl $*: status $got, wanted $want"
}

# says PATTERN ARGUMENT...: succeeds, without an error
says() {
	pattern=$1
	shift
	"$bin" "$@" > out 2> err && [ ! -s err ] && grep -Eq -- "$pattern" out
	result $? "xldumpctl $*"
}

for kind in elf xencore kdump flattened; do
	"$writer" --write $kind $kind || exit 99
done
head -c 200000 elf > short
cp elf damaged
at=$("$bin" info --json elf | sed 's/.*"file_bytes":\([0-9]*\).*/\1/')
printf 'X' | dd of=damaged bs=1 seek=$((at / 2)) conv=notrunc 2> /dev/null

# ---- usage ----
fails 2 'unknown command' frobnicate
"$bin" > out 2> err
[ $? -eq 2 ] && grep -q '^usage: xldumpctl COMMAND' err
result $? 'no command'
says '^usage: xldumpctl COMMAND' --help
says '^xldump [0-9]' --version
for c in info verify dmesg debug convert reassemble; do
	says "^usage: xldumpctl $c " $c --help
	fails 2 'unknown option' $c --frobnicate
done
for c in info verify dmesg; do
	fails 2 'one file' $c
	fails 2 'one file' $c a b
	fails 1 'cannot open ./not-there: ' $c ./not-there
	fails 1 'beyond the end|not in the dump|cut off' $c short
	fails 1 'not a dump' $c /etc/passwd
done

# ---- info ----
says '^guest: +web01 .domain 0, PV' info elf
says '^format: +elf, with Xen.s sections, with digests' info elf
says '^guarantee: +exact' info xencore
says '^kernel: +Linux 6.1.0-56-cloud-amd64, KASLR offset 0xc000000' info xencore
says '^format: +elf.*flattened' info flattened
says '1 pages left out' info kdump
says '^guarantee: +none stated' info kdump
for f in elf xencore kdump flattened; do
	"$bin" info --json $f > out 2> err && python3 -m json.tool out > /dev/null 2>> err
	result $? "info --json $f is JSON"
done

# What is not known of files of other tools is not made up when they are converted.
says '^made by: +another tool$' info kdump
for f in elf xencore kdump; do
	"$bin" convert -f $f kdump foreign 2> /dev/null
	says '^made by: +another tool, converted by xldumpctl$' info foreign
	! grep -q Xen\ [0-9] out
	result $? "no Xen in a $f file of a kdump file that knows none"
	"$bin" info --json foreign > out 2> err && ! grep -q '"xen"' out
	result $? "nor in JSON"
	rm -f foreign
done

# ---- several kernels in memory ----
for what in right wrong none; do
	"$build/tests/unit/test_image_kernels" --write $what two-$what || exit 99
done
old=6.1.0-56-cloud-amd64 new=6.12.9-1-amd64
both="^kernels: .* 1: $old, 2: $new .runs.; --kernel chooses"
says "$both" info two-right
says "^kernel: +Linux $new, KASLR offset 0x2000000" info two-right
says "^kernel: +Linux $old, KASLR offset 0xc000000" info --kernel=1 two-right
says "^kernel: +Linux $new" info --kernel=$new two-right
says '"kernels":.."release":"6.1.0-56-cloud-amd64","runs":false,"crashed":false.,' info --json two-right
says '"kernels":.."release":"6.1.0-56-cloud-amd64","runs":false,"crashed":false.,' \
	info --json --kernel=2 two-right
fails 2 "there is no kernel .6.1. in memory, but: 1: $old, 2: $new .runs." info --kernel=6.1 two-right
fails 2 'there is no kernel .3. in memory' dmesg --kernel=3 two-right
fails 2 'there is no kernel .3. in memory' debug -n --kernel=3 two-right vmlinux
fails 2 'there is no kernel .3. in memory' convert -f elf --kernel=3 two-right never
[ ! -e never ]
result $? 'no file for a kernel that there is not'
says '^crash vmlinux two-right$' debug -n two-right vmlinux
says '^crash --kaslr=0xc000000 --machdep phys_base=0x[0-9a-f]+ vmlinux two-right$' \
	debug -n --kernel=1 two-right vmlinux
fails 12 "convert -f elf --kernel=$old" debug -n --drgn --kernel=1 two-right vmlinux
"$bin" info two-wrong > out 2> err
[ $? -eq 0 ] && grep -q "^kernel: *Linux $new" out && grep -q "2: $new (runs)" err
result $? 'the kernel that runs, against the notes'
"$bin" verify two-wrong > out 2> err
[ $? -eq 1 ] && grep -q 'BROKEN: the vCPUs do not run the kernel' out
result $? 'verify names notes of a kernel that does not run'
"$bin" convert -f elf --kernel=1 two-right old > out 2> err && [ ! -s err ] &&
	strings -a old | grep -q "^OSRELEASE=$old"
result $? 'convert --kernel'
says '^kernel: +none recognised' info two-none
says "^kernel: +Linux $old" info --kernel=1 two-none

# ---- verify ----
for f in elf xencore kdump flattened; do
	says 'nothing is broken' verify $f
	"$bin" verify -q $f > out 2> err && [ ! -s out ] && [ ! -s err ]
	result $? "verify -q $f says nothing"
done
"$bin" verify damaged > out 2> err
[ $? -eq 1 ] && grep -Eq 'BROKEN: page 0x[0-9a-f]+ .*has changed since it was written' out &&
	grep -q '1 rule is broken' out
result $? 'verify names the damaged page'
says 'nothing is broken' verify --quick damaged
"$bin" convert -f kdump -c none elf own || exit 99
says 'nothing is broken' verify own
printf '?' | dd of=own bs=1 seek=200000 conv=notrunc 2> /dev/null
"$bin" verify own > out 2> err
[ $? -eq 1 ] && grep -Eq 'BROKEN: page 0x[0-9a-f]+ .*has changed since it was written' out &&
	grep -q '1 rule is broken' out
result $? 'verify names the damaged page of a kdump file'

# ---- dmesg ----
says '^\[    1.234567\] two$' dmesg elf
for f in xencore kdump flattened; do
	"$bin" dmesg elf > want && "$bin" dmesg $f > out 2> err && cmp out want >> err 2>&1
	result $? "dmesg $f"
done
says '^bell .x07 escape .x1b\[2J$' dmesg -t elf
! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037]')" want
result $? 'no control characters'

# ---- reassemble ----
"$bin" reassemble flattened whole > out 2> err && cmp whole elf >> err 2>&1
result $? 'reassemble IN OUT'
[ "$(stat -c %a whole)" = 600 ]
result $? 'mode 0600'
fails 6 'exists' reassemble flattened whole
"$bin" reassemble --force - whole < flattened > out 2> err && cmp whole elf >> err 2>&1
result $? 'reassemble --force - OUT'
dd if=flattened bs=4000 2> /dev/null | "$bin" reassemble > whole2 2> err && cmp whole2 elf >> err 2>&1
result $? 'reassemble, from a pipe to standard output'
head -c 300000 flattened > torn
fails 1 'in the middle of the dump' reassemble torn never
[ ! -e never ] && [ -z "$(find . -name '.never*')" ]
result $? 'nothing is left of a dump that was cut off'
"$bin" reassemble torn > never 2> err
[ $? -eq 1 ] && [ ! -s never ]
result $? 'standard output is emptied'
rm -f never
fails 1 'not a flattened dump' reassemble elf never
"$bin" reassemble flattened 2> err | cat > out
[ ! -s out ] && grep -q 'must be a file' err
result $? 'standard output that is a pipe'
"$bin" reassemble flattened >> whole2 2> err
[ $? -eq 2 ] && cmp whole2 elf >> err 2>&1
result $? 'standard output that is appended to'

# ---- damage: nothing that writes a file again hides it ----
# broken PATTERN FILE: verify says so, and it alone is broken
broken() {
	"$bin" verify "$2" > out 2> err
	[ $? -eq 1 ] && grep -Eq "BROKEN: $1" out
	result $? "$2: $1"
}

for f in damaged own; do
	for to in elf xencore kdump; do
		fails 1 'page 0x[0-9a-f]+ has changed since it was written' convert -f $to $f never
	done
	"$bin" convert --allow-damage -f kdump $f marked 2> err && grep -q 'warning: page 0x' err
	result $? "convert --allow-damage $f"
	broken '1 pages from pfn 0x[0-9a-f]+ on were damaged' marked
	says '^damaged: +1 pages, before' info marked
	"$bin" convert -f elf marked marked2 2> err
	result $? 'what says that it was damaged can be converted'
	broken '1 pages from pfn 0x[0-9a-f]+ on were damaged' marked2
	"$bin" info marked2 | grep -q '^guarantee: *exact'
	[ $? -ne 0 ]
	result $? 'a damaged file has no exact guarantee'
	rm -f marked marked2
done
[ ! -e never ]
result $? 'no file of a damaged one'
cp flattened damaged-flat
printf 'X' | dd of=damaged-flat bs=1 seek=$((at / 2)) conv=notrunc 2> /dev/null
fails 1 'page 0x[0-9a-f]+ has changed since it was written' reassemble damaged-flat never
"$bin" reassemble damaged-flat > never 2> err
[ $? -eq 1 ] && [ ! -s never ]
result $? 'standard output is emptied of a damaged one'
rm -f never
"$bin" reassemble --allow-damage damaged-flat whole3 2> err
broken 'page 0x[0-9a-f]+ .*has changed since it was written' whole3
cp elf damaged-notes
text=$(grep -abo OSRELEASE= elf | head -1 | cut -d: -f1)
printf '7' | dd of=damaged-notes bs=1 seek=$((text + 10)) conv=notrunc 2> /dev/null
fails 1 'what describes the pages' debug --print damaged-notes /bin/true
"$bin" debug --print --allow-damage damaged-notes /bin/true > out 2> err
result $? 'debug --allow-damage'
fails 1 'what describes the pages' convert -f kdump damaged-notes never
"$bin" convert --allow-damage -f kdump damaged-notes marked 2> err
broken 'what describes the pages was damaged in the file that' marked
rm -f marked never

# ---- convert ----
# pages FILE: contents of all pages of an ELF file, of which readelf says where they are
pages() {
	readelf -SW "$1" | sed -n 's/.* \.xen_pages *PROGBITS *[0-9a-f]* \([0-9a-f]*\) \([0-9a-f]*\) .*/\1 \2/p' |
		while read -r at size; do
			tail -c +$((0x$at + 1)) "$1" | head -c $((0x$size)) | cksum
		done
}

# converts FROM TO ARGUMENT...: both ways, and the pages are the same
converts() {
	from=$1
	shift
	rm -f there back
	"$bin" convert "$@" "$from" there > out 2> err && "$bin" verify -q there >> out 2>> err &&
		"$bin" convert -f elf there back >> out 2>> err && "$bin" verify -q back >> out 2>> err &&
		[ ! -s out ] && [ ! -s err ] && [ -n "$(pages back)" ] &&
		[ "$(pages back)" = "$(pages elf)" ]
	result $? "convert $* $from, and back"
}

"$bin" convert -f elf elf again || exit 99
for codec in none zlib zlib:9 lzo snappy zstd; do
	converts elf -f kdump -c $codec
	# p2m, tables, edits, contexts, Xen's notes: nothing is lost on the way
	cmp back again > out 2> err
	result $? "by way of kdump, $codec, the file is what it would have been"
done
for from in elf xencore flattened; do
	converts "$from" -f xencore
	converts "$from" --format=kdump
	converts "$from" -f elf
done
"$bin" convert -f xencore elf x > out 2> err && "$bin" convert -f elf x e >> out 2>> err &&
	"$bin" info --json e | sed 's/.*"provenance"//' > note.e &&
	"$bin" info --json elf | sed 's/.*"provenance"//' | cmp - note.e >> err 2>&1
result $? 'the note stays what it was'
"$bin" convert -f kdump elf - 2> err | tee stream | "$bin" reassemble - k 2>> err &&
	"$bin" verify -q k > out 2>> err
result $? 'convert to a pipe'
says 'checked: digest of everything except the pages' verify k
says 'checked: digests of [0-9]+ pages' verify k
says 'checked: digests of [0-9]+ pages' verify stream
says '^format: +kdump, flattened, with digests|^format: +kdump.*digests' info stream
rm -f there
"$bin" convert -f elf k there > out 2> err && cmp there again >> out 2>> err
result $? 'and back from what came out of it'
"$bin" convert -f elf kdump filtered > out 2> err && says '^size: +2975 pages' info filtered
fails 2 'format is needed' convert elf new
fails 2 'unknown format .pdf.: use elf, xencore, xencore-raw or kdump' convert -f pdf elf new
fails 2 'cannot be compressed' convert -f elf -c zlib elf new
fails 2 'unknown compression .zlib:77' convert -f kdump -c zlib:77 elf new
fails 6 'exists' convert -f kdump elf x
# of a PV guest: the table and the word that test_image says were changed
"$bin" convert -f xencore-raw elf raw > out 2> err && [ ! -s err ] &&
	says '^changed: +nothing: page tables contain mfns' info raw
says '^format: +xencore-raw, with digests' info raw
rm -f back
"$bin" convert -f elf raw back > out 2> err && cmp back again >> err 2>&1
result $? 'convert -f xencore-raw, and back, the file is what it would have been'
fails 12 'no such records' convert -f xencore-raw kdump new
fails 2 'cannot be compressed' convert -f xencore-raw -c zlib elf new
fails 1 'beyond the end' convert -f kdump short new
[ ! -e new ]
result $? 'a failure leaves nothing'

# ---- debug ----
: > "vmlinux it's"
says "^crash 'vmlinux it'.''s' elf$" debug --print elf "vmlinux it's"
says '^crash --kaslr=0xc000000 --machdep phys_base=0xfffffffff3200000 k xencore -s$' \
	debug -n xencore k -- -s
says '^drgn -c kdump -s k$' debug --drgn --print kdump k
fails 12 'drgn cannot open a file without program headers' debug --drgn -n xencore k
"$bin" debug --drgn -n flattened k > out 2> err && grep -qx 'drgn -c flattened -s k' out &&
	grep -q 'older than 0.5.5 cannot open it: .xldumpctl reassemble' err
result $? 'debug --drgn of a flattened file: which drgn opens it'
DEBUGINFOD_URLS='' HOME=$tmp fails 1 'linux-image-6.1.0-56-cloud-amd64-dbg' debug -n elf
(PATH=$tmp "$bin" debug elf k > out 2> err)
[ $? -eq 1 ] && grep -q 'crash is not installed' err
result $? 'debug without crash'

# ---- list ----
# has NAME TIME GUEST TRIGGER: a dump of the folder
has() {
	last=${1#*-00000}
	cp kdump "spool/$1" && echo "{\"time\":$2,\"trigger\":\"$4\",\"domain\":{\"name\":\"$3\",
		\"uuid\":\"0b6f3c1e-0000-4000-8000-00000000000${last%%.*}\"}}" > "spool/$1.json"
}

# lists NUMBERS ARGUMENT...: those dumps, in that order
lists() {
	want=$1
	shift
	"$bin" list --spool=spool --no-legend "$@" > out 2> err &&
		[ "$(sed 's/.*-00000\(.\)[.a-z]*$/\1/' out | tr -d '\n')" = "$want" ] && [ ! -s err ]
	result $? "xldumpctl list $*: $want"
}

TZ=CET-1CEST,M3.5.0,M10.5.0/3
export TZ
mkdir spool
has web01-a-000001.elf 1006297200 web01 request # 2001-11-21 00:00:00
has web02-a-000002.elf 1006359900 web02 crash   # 2001-11-21 17:25:00
has web01-a-000003.kdump 1006359907 web01 crash
has db-a-000004.elf 1006383600 'db [1]' timer   # 2001-11-22 00:00:00
now=$(date +%s)
has db-a-000005.elf $((now - 7000)) 'db [1]' panic
cp kdump spool/web01-b-000006.elf
touch -d '2001-11-20 12:00' spool/web01-b-000006.elf
: > spool/unknown-000007.txt
lists 612345
lists 54321 -r -n 5
lists 123 web01 crash -n 3
lists 24 'web02' 'db-*' --until=2001-11-22
lists 2345 -S '2001-11-21 17:25'
lists 345 --since='2001-11-21 17:25:01'
lists 6123 -U '2001-11-21 17:25:07'
lists 612 --until '2001-11-21 17:25:06'
lists 61 -U 2001-11-21
lists 12 -S 2001-11-21 -U @1006359900
lists '' -S 2001-11-21 -U 2001-11-21 web02
lists 5 -S -2h
lists '' -S -1h
lists 61234 -U -2h
lists '' --since=now
lists 5 --since=yesterday
lists 45 -n 2
lists 54 -n 2 -r
lists 612345 -n 1000
lists 5 -1
lists 5 -1 -r
lists 3 -1 web01
lists 23 -n 2 crash -U -2h
fails 2 "invalid time .tomorrow': YYYY-MM-DD, .*today.*@SECONDS.*such as -2h" list -S tomorrow
fails 2 'invalid time .*: YYYY-MM-DD' list --until=2026-02-29
fails 2 'since is later than --until' list -S today -U yesterday
fails 2 'invalid number of dumps' list -n 0
fails 2 'invalid number of dumps' list -n few
says '^usage: xldumpctl list ' list --help

# ---- dumps by what they match ----
# takes FILE COMMAND ARGUMENT...: succeeds, and says that it has taken that file of the folder
takes() {
	want=$1 command=$2
	shift 2
	"$bin" "$command" --spool=spool "$@" > out 2> err &&
		[ "$(cat err)" = "xldumpctl $command: $want" ] && grep -q "spool/$want" out
	result $? "xldumpctl $command $*: $want"
}

takes web01-a-000003.kdump info web01
takes web01-a-000003.kdump info 'web*'
takes web01-a-000003.kdump info crash
takes web02-a-000002.elf info 0b6f3c1e-0000-4000-8000-000000000002
takes web02-a-000002.elf info web02
takes db-a-000005.elf info 'db [1]'
takes db-a-000005.elf info 'db [[]*'
takes db-a-000004.elf info timer
takes db-a-000004.elf info 'd?-*4.elf'
takes web01-b-000006.elf info web01-b-000006.elf
takes web01-a-000003.kdump verify web01
tail -n 1 out | grep -q '^spool/web01-a-000003.kdump: nothing is broken'
result $? 'xldumpctl verify web01: its result'
takes web01-a-000003.kdump debug -n web01 k
"$bin" debug --print web01 --spool=spool k -- -s > out 2> err &&
	[ "$(cat out)" = 'crash k spool/web01-a-000003.kdump -s' ]
result $? 'xldumpctl debug web01'
"$bin" dmesg -t --spool=spool web01 > out 2> err && grep -q '^two$' out &&
	[ "$(cat err)" = 'xldumpctl dmesg: web01-a-000003.kdump' ]
result $? 'xldumpctl dmesg web01'
takes web01-a-000003.kdump info --json web01
"$bin" info --json --spool=spool web01 2> err | python3 -m json.tool > out 2>> err
result $? 'what was taken is not said in the midst of JSON'
# what has the name is meant, but for a folder
cp elf web01
ln -s nowhere timer
mkdir web02
says '^file: +web01$' info --spool=spool web01
says '^web01: nothing is broken' verify --spool=spool web01
says '\] two$' dmesg --spool=spool web01
says '^crash k web01$' debug -n --spool=spool web01 k
fails 1 'cannot open .*timer: No such file' info --spool=spool timer
takes web02-a-000002.elf info web02
rm -r web01 web02 timer
for c in info verify dmesg debug; do
	fails 1 "there is no file .web09', and no dump in spool matches; .xldumpctl list' shows" \
		$c --spool=spool web09
	fails 1 "there is no file .web01', .*: open nowhere: No such file" $c --spool=nowhere web01
	fails 1 'cannot open ./web01: No such file' $c --spool=spool ./web01
	fails 2 '(one|a) file' $c --spool=spool
done
fails 1 'cannot open -: No such file' info --spool=spool -
fails 1 'cannot open : No such file' info --spool=spool ''
if [ "$(id -u)" -ne 0 ]; then
	chmod 0 spool
	fails 5 "there is no file .web01', .*: only root may use spool" info --spool=spool web01
	chmod 700 spool
fi

# ---- 32 bits: as if the file had been made on such a machine ----
cp raw narrow
printf '\003' | dd of=narrow bs=1 seek=18 conv=notrunc 2> /dev/null
says '^guest: +web01 .domain 0, PV, 32 bits' info narrow
says '^kernel: +not searched for in a 32-bit guest' info narrow
says '"bits":32' info --json narrow
fails 12 'only 64-bit kernels are supported' dmesg narrow
fails 12 'the 32-bit crash .*xencore-raw: crash VMLINUX narrow$' debug -n narrow k
fails 12 'no debugger reads the format elf of such a guest; use xencore-raw' convert -f elf narrow new

plan
