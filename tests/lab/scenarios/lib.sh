# SPDX-License-Identifier: GPL-2.0-or-later
# What the scenarios share.  Sourced in dom0; results are TAP lines on standard output.
# shellcheck shell=bash

PATH=$PATH:/usr/libexec/xldump-tests
cd /out || exit 99

. /usr/libexec/xldump-tests/tap.sh
tap_times=yes

# check DESCRIPTION COMMAND...: the command must succeed; what it prints is shown as comments.
check() {
	local what=$1 status
	shift
	"$@" > /tmp/check.out 2>&1
	status=$?
	sed 's/^/# /' /tmp/check.out
	result $status "$what"
}

# later DESCRIPTION PROGRAM ARGUMENT...: a test point of its own that the host comes to (tests/lab/judge), with a program
# of tests/readers, or xldumpctl, and files that stay in /out, relative to it: an emulated CPU takes ten seconds for
# a compressed dump.
later() {
	printf '%s\t%s\n' "$1" "${*:2}" >> /out/judge.list
}

# The end of every scenario.
finish() {
	plan
	[ "$tap_failed" -gt 0 ] && [ -e /run/emulator-failed ] && exit 98
	exit $((tap_failed > 0))
}

# counter GUEST: what the stamp workload of a guest counted last.
counter() {
	sed -n 's/.*stamp: counter \([0-9]*\).*/\1/p' "/var/log/xen/console/guest-$1.log" | tail -n 1
}

# goes_on GUEST: its counter grows (the workload reports once a second).  It gets a minute, for beside a
# PVH guest an emulated CPU may be away for long; one that is left paused never counts.
goes_on() {
	local before now i
	before=$(counter "$1")
	for i in $(seq 600); do
		now=$(counter "$1")
		if [ "${now:-0}" -gt "${before:-0}" ]; then
			echo "counter of $1: $before, then $now after $i looks"
			return 0
		fi
		sleep 0.1
	done
	echo "counter of $1 stands at $before after $i looks"
	symptoms "$1"
	return 1
}

# interrupts_itself CONSOLE: an interrupt came in front of the first instruction of its own handler although interrupts
# were off there (bit 9 of EFLAGS), which no processor does.
interrupts_itself() {
	local flags
	flags=$(grep -A 2 "RIP: 0010:asm_sysvec_xen_hvm_callback+0x0/" "$1" |
		sed -n 's/.*EFLAGS: \([0-9a-f]*\).*/\1/p' | head -n 1)
	[ -n "$flags" ] && [ $((0x$flags & 0x200)) -eq 0 ]
}

# symptoms GUEST: what there is to see of one that does not do what it should.  If its kernel or Xen says
# that the processor did what none does, that is QEMU's fault, and the scenario is worth another try.
symptoms() {
	local id console=/var/log/xen/console/guest-$1.log
	id=$(xl domid "$1") || return
	xl list
	xl vcpu-list "$1"
	sleep 2
	xl vcpu-list "$1" | tail -n 1
	"/usr/lib/xen-$(cat /sys/hypervisor/version/major).$(cat /sys/hypervisor/version/minor)/bin/xenctx" "$id"
	tail -n 30 "$console"
	xl dmesg | tail -n 10
	if grep -Eq "double fault|stack segment|Bad FPU state" "$console" || interrupts_itself "$console" ||
		xl dmesg | grep -Eq "d${id}v.*(Triple fault|Insn len emulation failed)"; then
		echo "$1 met a fault of the emulator"
		touch /run/emulator-failed
	fi
}

# number KEY FILE: from a result for machines.
number() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$2"
}

# state GUEST: the state letters of `xl list`.
state() {
	xl list "$1" | awk 'NR == 2 { print $5 }'
}

# alone GUEST: only this one runs, so that an emulated CPU is not shared with others.  Each start of xl takes half a
# second of it.
alone() {
	local guest state
	while read -r guest state; do
		case $state in
		*p*) [ "$guest" != "$1" ] || xl unpause "$guest" ;;
		*) [ "$guest" = "$1" ] || xl pause "$guest" ;;
		esac
	done < <(xl list | awk 'NR > 2 { print $1, $5 }')
}

# dumps GUEST N [OPTION...]: N dumps in a row; each must succeed and be judged consistent, and leave
# the guest running.
dumps() {
	local guest=$1 n=$2 i good=0
	shift 2
	alone "$guest"
	for i in $(seq "$n"); do
		xl-livedump --force "$@" "$guest" "/out/$guest.img" 2> /tmp/err || {
			sed "s/^/# dump $i: /" /tmp/err
			continue
		}
		stamp-check "/out/$guest.img" | sed "s/^/# dump $i: /"
		[ "${PIPESTATUS[0]}" -eq 0 ] && good=$((good + 1))
	done
	[ "$good" -eq "$n" ]
	result $? "$guest: $good of $n dumps are consistent"
	check "$guest: goes on" goes_on "$guest"
}

# expect STATUS PATTERN DESCRIPTION COMMAND...: the command must fail with that status and with one
# line of error that matches.
expect() {
	local want=$1 pattern=$2 what=$3 got lines
	shift 3
	"$@" > /tmp/expect.out 2> /tmp/expect.err
	got=$?
	sed 's/^/# /' /tmp/expect.err
	lines=$(grep "^xl livedump: " /tmp/expect.err | grep -vc ": warning: ")
	[ "$got" -eq "$want" ] && [ "$lines" -eq 1 ] && grep -Eq -- "$pattern" /tmp/expect.err
	result $? "$what: status $got, wanted $want"
}

# dumps_paused GUEST [compare]: of a guest that is paused, and stays so; compare: with the dump of xl dump-core,
# which for PVH guests takes a quarter of an hour here: one mapping for each of a million frames.
dumps_paused() {
	local guest=$1
	alone "$guest"
	xl pause "$guest"
	xl-livedump --json "$guest" "/out/$guest.img" 2> /dev/null > /tmp/json
	result $? "$guest, paused: dumped"
	sed 's/^/# /' /tmp/json
	grep -q '"strategy":"still"' /tmp/json && grep -q '"was_stopped":true' /tmp/json
	result $? "$guest, paused: not stopped by us"
	if [ "${2-}" = compare ]; then
		xl dump-core "$guest" "/out/$guest.core" > /dev/null 2>&1
		check "$guest, paused: the same pages as xl dump-core" \
			core-compare "/out/$guest.img" "/out/$guest.core"
		rm -f "/out/$guest.core"
	fi
	check "$guest, paused: consistent" stamp-check "/out/$guest.img"
	check "$guest, paused: every page table entry leads into the guest" pte-check "/out/$guest.img"
	rm -f "/out/$guest.img"
	case $(state "$guest") in *p*) result 0 "$guest: still paused" ;; *) result 1 "$guest: still paused" ;; esac
	xl unpause "$guest"
	check "$guest: goes on" goes_on "$guest"
}
