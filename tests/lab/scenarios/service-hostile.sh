#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Those who mean ill, or have ill luck: guests that ask for dumps, nonsense in xenstore, and domains that
# are destroyed during their dump, with another that gets the same id at once.
#
# lab: --suite trixie --dom0 systemd --hypervisor shadow --guest pv1=pv,workload=stamp=256:50 --guest pvh1=pvh,workload=stamp=256:50
# timeout: 3600
# slow: a quarter of an hour

. /in/lib.sh
. /in/daemon-lib.sh

spool=/var/lib/xldump/dumps
configure

# answer GUEST PATH: what xenstored said to it, when it wrote that node.
answer() {
	local i said
	guest-say "$1" xenstore "$2" pvh1
	for i in $(seq 100); do
		said=$(sed -n "s|.*init: xenstore: $2: \([A-Za-z]*\).*|\1|p" "/var/log/xen/console/guest-$1.log" | tail -n 1)
		[ -z "$said" ] || break
		sleep 0.2
	done
	echo "$1 writes $2: $said"
	[ "$said" = "$3" ]
}

# noise: bytes of any kind, up to 80 of them, as far as a command line can have them.
noise() {
	head -c $((RANDOM % 80)) /dev/urandom | tr -d '\0'
}

# files: what has been published.
files() {
	find $spool -name '*.elf' | wc -l
}

# meanwhile NAME GUEST COMMAND...: a dump, in the middle of which the guest ceases to be.
meanwhile() {
	local name=$1 guest=$2
	shift 2
	alone "$guest"
	ask "$name" "$guest"
	runs "$name" || return 1
	sleep "0.$((RANDOM % 9))"
	"$@" || return 1
	over "$name" || return 1
	case $(node "$name" state) in
	done) [ -f "$(node "$name" result)" ] && xldumpctl verify -q "$(node "$name" result)" ;;
	failed) [ -n "$(node "$name" error)" ] && echo "reason: $(node "$name" reason)" ;;
	*) return 1 ;;
	esac
}

check "the daemon starts" systemctl start xldumpd.service
pid=$(property MainPID)

# ---- guests ----
for guest in pv1 pvh1; do
	alone $guest
	id=$(xl domid $guest)
	# Where it may write, so that a refusal is not that it cannot write at all.
	check "$guest can write to its own data" answer $guest "/local/domain/$id/data/request" OK
	check "$guest may not ask for a dump" answer $guest /tool/xldump/request/evil/domain EACCES
	check "$guest may not write below /tool/xldump" answer $guest /tool/xldump/daemon/pid EACCES
	check "$guest may not cancel" answer $guest /tool/xldump/request/mine/cancel EACCES
done
sleep 2
[ -z "$(requests)" ]
result $? "there is no request"

# ---- nonsense, for which the guests do not matter ----
alone pvh1
xl pause pvh1
keys=(format strategy compress dump-level max-pause on-overrun trigger timeout file)
refused=0
for i in $(seq 150); do
	case $((i % 3)) in
	0) xenstore-write -- "/tool/xldump/request/fuzz$i/domain" "$(noise)x" ;;
	1) xenstore-write -- "/tool/xldump/request/fuzz$i/${keys[RANDOM % 9]}" "$(noise)!" \
		"/tool/xldump/request/fuzz$i/domain" pvh1 ;;
	2) xenstore-write -- "/tool/xldump/request/fuzz$i/n$RANDOM" "$(noise)" \
		"/tool/xldump/request/fuzz$i/domain" pvh1 ;;
	esac
	over "fuzz$i" 60 > /tmp/over
	case $(node "fuzz$i" state) in
	refused) refused=$((refused + 1)) ;;
	*) sed 's/^/# /' /tmp/over | tr -cd '[:print:]\n' ;;
	esac
	xenstore-rm "/tool/xldump/request/fuzz$i"
done
[ "$refused" -eq 150 ]
result $? "nonsense is refused: $refused of 150"
[ "$(property MainPID)" = "$pid" ] && [ "$(files)" -eq 0 ]
result $? "the daemon is the same, and nothing was dumped"
xl unpause pvh1
check "pvh1 goes on" goes_on pvh1
ask good pvh1
check "a request that is none is served" is_done good
rm -f $spool/*

# ---- destroyed, and replaced ----
for guest in pv1 pvh1; do
	for i in 1 2 3; do
		check "$guest is destroyed during its dump" meanwhile "gone$i-$guest" $guest xl destroy $guest
		check "$guest starts" fresh $guest preserve
	done
	for i in 1 2 3; do
		id=$(xl domid $guest)
		check "another is domain $id during the dump of $guest" meanwhile "other$i-$guest" $guest impostor "$id"
		check "nobody has touched that one" impostor --end "$id"
		xenstore-rm "/local/domain/$id"
		check "$guest starts" fresh $guest preserve
	done
done
echo "# $(files) of 12 were done before"
[ "$(property MainPID)" = "$pid" ]
result $? "the daemon is the same"
leaves_nothing
finish_service
