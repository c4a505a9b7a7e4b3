# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the findings share: a temporary folder, pinned packages of any Debian suite in a root of their own,
# and expectations.  Sourced; see README.md.

set -euo pipefail
export LC_ALL=C.UTF-8
renice -n 19 $$ >/dev/null

work=$(mktemp -d "${TMPDIR:-/tmp}/finding.XXXXXX")
cache=${FINDINGS_CACHE:-$work/cache}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
failures=0
ended=no

cleanup() {
	local status=$?
	[ ! -s "$work/qemu.pid" ] || kill "$(cat "$work/qemu.pid")" 2>/dev/null || true
	chmod -R u+w "$work" && rm -rf "$work"
	# A script that stops half-way has shown nothing.
	[ $ended = yes ] || { [ $status -eq 0 ] || echo "not tried: stopped at status $status"; exit 77; }
}
trap cleanup EXIT

skip() {
	echo "not tried: $*"
	ended=yes
	exit 77
}

say() { echo "-- $*"; }

# expect WHAT REGEX TEXT: the text has a line that matches the extended regular expression.
expect() {
	if grep -Eq -- "$2" <<<"$3"; then
		echo "as stated: $1: $(grep -Em1 -- "$2" <<<"$3" | cut -c1-150)"
	else
		printf 'CHANGED: %s\n  expected: %s\n  seen:     %s\n' "$1" "$2" "$(tail -n 5 <<<"$3" | cut -c1-300)"
		failures=$((failures + 1))
	fi
}

# expect_not WHAT REGEX TEXT: it has no such line.
expect_not() {
	if grep -Eq -- "$2" <<<"$3"; then
		printf 'CHANGED: %s\n  expected no: %s\n  seen:        %s\n' "$1" "$2" "$(grep -Em1 -- "$2" <<<"$3")"
		failures=$((failures + 1))
	else
		echo "as stated: $1: no line has '$2'"
	fi
}

# To be called last.
finish() {
	ended=yes
	[ "$failures" -eq 0 ] || { echo "$failures of the statements no longer hold"; exit 1; }
	exit 0
}

# apt of one suite, with the mirror of this machine's own configuration and nothing else of it.
suite_apt() {
	local dir=$cache/apt-$1 uri security
	if [ ! -e "$dir/updated" ]; then
		mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/parts"
		: >"$dir/status"
		uri=$(mirror Debian)
		security=$(mirror Debian-Security)
		[ -n "$uri" ] || skip "this machine's apt has no Debian mirror"
		local by="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
		echo "deb $by $uri $1 main" >"$dir/sources.list"
		if [ "$1" != sid ]; then
			echo "deb $by $uri $1-updates main" >>"$dir/sources.list"
			[ -z "$security" ] || echo "deb $by $security $1-security main" >>"$dir/sources.list"
		fi
		cat >"$dir/apt.conf" <<-END
			Dir::Etc::sourcelist "$dir/sources.list";
			Dir::Etc::sourceparts "$dir/parts";
			Dir::State "$dir";
			Dir::State::Lists "$dir/lists";
			Dir::State::status "$dir/status";
			Dir::Cache "$dir";
			APT::Architecture "amd64";
			APT::Sandbox::User "root";
			APT::Install-Recommends "false";
			Acquire::Languages "none";
			Acquire::Retries "3";
			Acquire::Check-Valid-Until "false";
			Debug::NoLocking "true";
		END
		APT_CONFIG=$dir/apt.conf apt-get update -qq >"$dir/log" 2>&1 ||
			skip "no index of $1: $(tail -n 1 "$dir/log")"
		touch "$dir/updated"
	fi
	echo "$dir"
}

mirror() {
	# shellcheck disable=SC2016 # apt's own placeholders
	apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
		awk -F'|' -v label="$1" '$1 == label && $2 ~ /^[a-z+]+:/ { print $2; exit }' | sed 's,/*$,,'
}

# pinned SUITE NAME=VERSION: the path of that package.
pinned() {
	local dir file=${2%%=*}
	dir=$(suite_apt "$1") || exit 77
	mkdir -p "$cache/debs-$1"
	file=$cache/debs-$1/${file}_${2#*=}.deb
	if [ ! -e "$file" ]; then
		mkdir -p "$work/get"
		(cd "$work/get" && APT_CONFIG=$dir/apt.conf apt-get download -qq "$2" >log 2>&1) || {
			echo "not tried: $1 has no $2 (any more)" >&2
			exit 77
		}
		mv "$work"/get/*.deb "$file"
	fi
	echo "$file"
}

# root_of SUITE NAME=VERSION...: a folder with these packages and all that they need, none of their scripts run.
# If a version is gone, $root is not set and the finding ends.
root_of() {
	local suite=$1 dir deb id
	shift
	id=$(echo "$suite $*" | sha256sum | cut -c1-16)
	root=$cache/root-$suite-$id
	dir=$(suite_apt "$suite") || { ended=yes; exit 77; }
	[ ! -e "$root.done" ] || return 0
	rm -rf "$root" "$work/debs"
	mkdir -p "$root" "$work/debs/partial"
	(cd "$root" && mkdir -p usr/bin usr/sbin usr/lib usr/lib64 tmp proc dev etc &&
		ln -s usr/bin usr/sbin usr/lib usr/lib64 .)
	APT_CONFIG=$dir/apt.conf apt-get install -qq -y --download-only --no-install-recommends \
		-o Dir::Cache::archives="$work/debs" base-files coreutils dash grep "$@" >"$work/apt.log" 2>&1 ||
		skip "$suite cannot give $*: $(grep -m 1 ^E: "$work/apt.log")"
	for deb in "$work"/debs/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x --keep-directory-symlink --no-same-owner -C "$root" 2>>"$work/tar.log" ||
			skip "cannot unpack ${deb##*/}: $(tail -n 1 "$work/tar.log")"
	done
	rm -rf "$work/debs"
	[ -e "$root/usr/bin/sh" ] || ln -s dash "$root/usr/bin/sh"
	touch "$root.done"
}

# inside ROOT COMMAND...: run it there; $work and $cache have the same paths, and the folder is $work.
inside() {
	local r=$1 user=()
	shift
	[ "$(id -u)" -eq 0 ] || user=(--map-root-user)
	mkdir -p "$r$work" "$r$cache"
	# shellcheck disable=SC2016
	unshare "${user[@]}" --mount -- sh -c '
		r=$1 work=$2 cache=$3
		shift 3
		mount --rbind /proc "$r/proc" && mount --rbind /dev "$r/dev" &&
			mount --rbind "$cache" "$r$cache" && mount --rbind "$work" "$r$work" || exit 125
		exec env -i PATH=/usr/bin:/usr/sbin HOME=/tmp TERM=dumb LC_ALL=C.UTF-8 chroot "$r" \
			sh -c '\''cd "$1" && shift && exec "$@"'\'' sh "$work" "$@"' sh "$r" "$work" "$cache" "$@"
}

# The kernel with debug symbols of a -dbg package: $vmlinux.
vmlinux_of() {
	local deb
	deb=$(pinned "$1" "$2") || { ended=yes; exit 77; }
	vmlinux=$cache/vmlinux-${2%-dbg=*}
	[ ! -e "$vmlinux" ] || return 0
	# Links to it give nothing.
	dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards './usr/lib/debug/*/vmlinux*' >"$vmlinux.part"
	mv "$vmlinux.part" "$vmlinux"
}

# A Linux guest in plain QEMU, without anything of ours: guest_start SUITE IMAGE=VERSION [COMMAND LINE], then
# guest_dump FILE [QMP ARGUMENTS], guest_end.  It runs $guest_init, a script of busybox; $qemu_root may name another QEMU.
guest_options=()
guest_init='echo GUEST-READY; while :; do sleep 1; done'

guest_start() {
	local deb root i=$work/initrd
	deb=$(pinned "$1" "$2") || { ended=yes; exit 77; }
	: "${qemu_root:=}"
	if [ -z "$qemu_root" ]; then
		root_of bookworm qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3 busybox-static=1:1.35.0-4+deb12u1+b1
		qemu_root=$root
	fi
	dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards './boot/vmlinuz-*' >"$work/vmlinuz"
	rm -rf "$i" && mkdir -p "$i/bin" "$i/proc" "$i/dev" "$i/sys"
	# Without this module the kernel tells QEMU nothing of its VMCOREINFO.
	dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards '*/qemu_fw_cfg.ko*' >"$i/qemu_fw_cfg.ko"
	if [ "$(head -c 4 "$i/qemu_fw_cfg.ko" | tail -c 3)" = 7zX ]; then
		inside "$qemu_root" busybox unxz <"$i/qemu_fw_cfg.ko" >"$work/ko"
		mv "$work/ko" "$i/qemu_fw_cfg.ko"
	fi
	cp "$qemu_root/usr/bin/busybox" "$i/bin/"
	printf '#!/bin/busybox sh\nexport PATH=/bin\n/bin/busybox --install -s /bin\nmount -t proc p /proc\n%s\n%s\n%s\n' \
		'mount -t devtmpfs d /dev' 'mount -t sysfs s /sys; insmod /qemu_fw_cfg.ko' "$guest_init" >"$i/init"
	chmod +x "$i/init"
	# shellcheck disable=SC2016
	inside "$qemu_root" sh -c 'cd initrd && busybox find . | busybox cpio -o -H newc 2>/dev/null' >"$work/initrd.cpio"
	: >"$work/serial"
	mkfifo "$work/qmp-in"
	inside "$qemu_root" qemu-system-x86_64 -machine q35 -accel tcg -cpu max -smp 2 -m 160 -nodefaults -no-user-config \
		-display none -pidfile "$work/qemu.pid" -serial file:"$work/serial" -qmp stdio -device vmcoreinfo "${guest_options[@]}" \
		-kernel "$work/vmlinuz" -initrd "$work/initrd.cpio" \
		-append "console=ttyS0 loglevel=4 mitigations=off cryptomgr.notests rdinit=/init panic=-1 ${3:-nokaslr}" \
		<"$work/qmp-in" >"$work/qmp-out" 2>&1 &
	guest_pid=$!
	exec 9>"$work/qmp-in"
	rm "$work/qmp-in"
	echo '{"execute":"qmp_capabilities"}' >&9
	for ((i = 0; i < 300; i++)); do
		! grep -q GUEST-READY "$work/serial" || return 0
		kill -0 $guest_pid 2>/dev/null || skip "QEMU ended: $(tail -n 1 "$work/qmp-out" | cut -c1-200)"
		sleep 1
	done
	skip "the guest did not boot: $(tail -n 1 "$work/serial")"
}

# QMP's answer is waited for; $qmp has it.
guest_qmp() {
	local n i
	n=$(grep -Ec '"(return|error)"' "$work/qmp-out")
	echo "$1" >&9
	for ((i = 0; i < 600; i++)); do
		if [ "$(grep -Ec '"(return|error)"' "$work/qmp-out")" -gt "$n" ]; then
			qmp=$(grep -E '"(return|error)"' "$work/qmp-out" | tail -n 1)
			return 0
		fi
		sleep 0.5
	done
	skip "QEMU does not answer $1"
}

guest_dump() {
	guest_qmp "{\"execute\":\"dump-guest-memory\",\"arguments\":{\"protocol\":\"file:$1\",${2:-\"paging\":false}}}"
	[ "${qmp#*\"error\"}" = "$qmp" ] || skip "QEMU does not dump: $qmp"
}

guest_end() {
	echo '{"execute":"quit"}' >&9
	exec 9>&-
	wait "$guest_pid" || true
}

# plain_elf FROM TO: QEMU's ELF file with the program headers at 64, where makedumpfile wants them, without sections.
plain_elf() {
	local n
	n=$(od -An -tu2 -j56 -N2 "$1" | tr -d ' ')
	[ "$n" -le 5 ] || skip "$1 has more segments than fit"
	cp --reflink=auto "$1" "$2"
	chmod u+w "$2"
	{
		head -c 32 "$1"
		printf '\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x40\0\x38\0'
		dd if="$1" bs=1 skip=56 count=2 status=none
		printf '\x40\0\0\0\0\0'
		dd if="$1" bs=1 skip=192 count=$((n * 56)) status=none
	} | dd of="$2" bs=1k conv=notrunc iflag=fullblock status=none
}

# Dumps of a guest that runs, once for all findings: $dumps has elf and kdump by QEMU, and plain, an ELF file that all read.
linux_dumps() {
	dumps=$cache/dumps-$(echo "$* ${guest_options[*]} $guest_init" | sha256sum | cut -c1-16)
	[ ! -e "$dumps/done" ] || return 0
	mkdir -p "$dumps"
	guest_start "$@"
	guest_dump "$dumps/elf"
	guest_dump "$dumps/kdump" '"paging":false,"format":"kdump-zlib"'
	plain_elf "$dumps/elf" "$dumps/plain"
	cp "$work/serial" "$dumps/serial"
	guest_end
	touch "$dumps/done"
}
