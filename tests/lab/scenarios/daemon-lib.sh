# SPDX-License-Identifier: GPL-2.0-or-later
# What the scenarios of xldumpd share.  Sourced after lib.sh.
# shellcheck shell=bash

# configure [LINE]...: the daemon's configuration, for guests that crash and are dumped one after the other.
configure() {
	printf '%s\n' 'keep_free_mib = 64' 'min_interval = 0' "$@" > /etc/xen/xldumpd.conf
}

# ask REQUEST GUEST: for a dump, as anybody may by hand.
ask() {
	xenstore-write "/tool/xldump/request/$1/domain" "$2"
}

# node REQUEST NODE
node() {
	xenstore-read "/tool/xldump/request/$1/$2" 2> /dev/null
}

# requests: the names of all.
requests() {
	xenstore-list /tool/xldump/request 2> /dev/null
}

# over REQUEST [SECONDS]: wait for its end; says what it was.
over() {
	local i
	for i in $(seq $((${2-300} * 5))); do
		case $(node "$1" state) in
		done | failed | refused | cancelled)
			echo "$1: $(node "$1" state) $(node "$1" result) $(node "$1" error)"
			return 0
			;;
		esac
		sleep 0.2
	done
	echo "$1: still $(node "$1" state) $(node "$1" progress)"
	return 1
}

# is_done REQUEST: it ends, well, and its file is whole.
is_done() {
	over "$1" && [ "$(node "$1" state)" = "done" ] && xldumpctl verify -q "$(node "$1" result)"
}

# crash_of DOMID: the name of the request that the daemon makes for it.
crash_of() {
	local i name
	for i in $(seq 300); do
		name=$(requests | grep "^crash-$1-" | tail -n 1)
		[ -n "$name" ] && echo "$name" && return 0
		sleep 0.2
	done
	return 1
}

# fresh GUEST ON_CRASH [WORD...]: a new life of a guest, with that setting, and with more words for its
# kernel.
fresh() {
	local i guest=$1 action=$2
	shift 2
	[ -e "/tmp/$guest.cfg" ] || cp "/etc/xen/$guest.cfg" /tmp/
	sed -e "s/^on_crash = .*/on_crash = \"$action\"/" -e "s/^\(cmdline = .*\)\"/\1 $*\"/" \
		"/tmp/$guest.cfg" > "/etc/xen/$guest.cfg"
	guest-start "$guest" || return 1
	is_ready "$guest"
}

# is_ready GUEST: it gets so far as to say so.
is_ready() {
	local i
	for i in $(seq 600); do
		grep -q GUEST-READY "/var/log/xen/console/guest-$1.log" 2> /dev/null && return 0
		sleep 0.5
	done
	echo "$1 is not ready after $i looks"
	return 1
}

# crashes GUEST FILE: it panics, and is dumped; the dump has the panic; it is kept as FILE.
crashes() {
	local id name file
	id=$(xl domid "$1")
	guest-say "$1" crash
	name=$(crash_of "$id") || return 1
	is_done "$name" || return 1
	file=$(node "$name" result)
	xldumpctl dmesg "$file" | grep -E "Kernel panic" || return 1
	xldumpctl info "$file" | grep -E '^(guest|strategy|kernel)'
	[ -z "$2" ] || cp --sparse=always "$file" "/out/$2"
	rm -f "$file" "$file.json"
}

# gone GUEST [SECONDS]
gone() {
	local i
	for i in $(seq $((${2-30} * 5))); do
		xl domid "$1" > /dev/null 2>&1 || return 0
		sleep 0.2
	done
	return 1
}

# newer GUEST DOMID [SECONDS]: it is back, under another number.
newer() {
	local i id
	for i in $(seq $((${3-60} * 5))); do
		id=$(xl domid "$1" 2> /dev/null)
		[ -n "$id" ] && [ "$id" != "$2" ] && echo "$1: domain $2, then $id" && return 0
		sleep 0.2
	done
	return 1
}

# starts GUEST: how often it has said that it is ready.
starts() {
	grep -c GUEST-READY "/var/log/xen/console/guest-$1.log"
}

# ready_again GUEST STARTS: wait until it has said so once more.
ready_again() {
	local i
	for i in $(seq 300); do
		[ "$(starts "$1")" -gt "$2" ] && return 0
		sleep 0.5
	done
	return 1
}

# ---- with `--dom0 systemd` ----

# property NAME: of the unit.
property() {
	systemctl show --property="$1" --value xldumpd.service
}

# serves: the daemon that systemd started last says in xenstore that it is there.
serves() {
	local i
	for i in $(seq 300); do
		[ "$(property ActiveState)" = active ] &&
			[ "$(xenstore-read /tool/xldump/daemon/pid 2> /dev/null)" = "$(property MainPID)" ] && return 0
		sleep 0.2
	done
	systemctl status --no-pager xldumpd.service
	return 1
}

# runs REQUEST: a worker is at it.
runs() {
	local i
	for i in $(seq 600); do
		case $(node "$1" state) in
		running) return 0 ;;
		done | failed | refused | cancelled) break ;;
		esac
		sleep 0.05
	done
	echo "$1: $(node "$1" state)"
	return 1
}

# story TEXT...: the journal of the unit has all of that.
story() {
	local text bad=0
	journalctl --no-pager --output=cat --unit=xldumpd.service > /tmp/story
	for text; do
		grep -Eq -- "$text" /tmp/story || { echo "the journal has nothing of: $text"; bad=1; }
	done
	return $bad
}

# left_over: half files in the spool, locks of libxl's, entries of the undo journal.
left_over() {
	find /var/lib/xldump/dumps -name '.*'
	find /var/lib/xen -name 'userdata-l.*'
	find /run/xldump -type f ! -name lock
}

# leaves_nothing: a result of its own.
leaves_nothing() {
	left_over | sed 's/^/# /'
	[ -z "$(left_over)" ]
	result $? "nothing is left"
}

# finish_service: the end of a scenario, with what the service had to say.
finish_service() {
	journalctl --no-pager --output=short-monotonic --unit=xldumpd.service | sed 's/^/# journal: /'
	rm -rf /var/lib/xldump/dumps
	finish
}
