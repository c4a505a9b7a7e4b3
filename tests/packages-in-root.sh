#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In a clean root: the packages of a folder are installed, used, upgraded from older ones, removed and
# purged.  Prints TAP.   packages-in-root.sh PACKAGES OLDER SOURCE [FOLDER-OF-ANOTHER-RELEASE...]
set -u
new=$1 old=$2 source=$3
shift 3
others=("$@")
export DEBIAN_FRONTEND=noninteractive
n=0
failed=0

# try WHAT COMMAND...: one point; the command's output is in the log.
try() {
	local what=$1
	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n - $what"
	else
		failed=$((failed + 1))
		echo "not ok $n - $what"
	fi
}

install() {
	apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confdef \
		-o Dpkg::Options::=--force-confold "$@"
}

# Of what dom0 needs, the package files in a folder.
dom0_of() {
	echo "$1"/xldump_*.deb "$1"/xldump-dom0_*.deb "$1"/xldump-hv-*.deb "$1"/libxldump0_*.deb
}

files() {
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /var/lib/dpkg -o -path /var/lib/apt \
		-o -path /var/cache -o -path /var/log -o -path /root -o -path "$new" -o -path "$old" \
		-o -path "$source" \) -prune -o \( -type f -o -type l \) -print | sort
}

no_xen() { ! dpkg-query -W -f '${Package}\n' | grep -i xen; }
has() { grep -q -- "$1" "$2"; }
enabled() { [ "$(systemctl is-enabled "$1" 2> /dev/null)" = "$2" ]; }
autopkgtest() ( d=$(mktemp -d) && AUTOPKGTEST_TMP=$d "$source/debian/tests/$1" )
# No page and no completion tells of a command that is not there.
only_what_is_there() {
	! dpkg -L xldump xldump-dom0 | grep -E '/man/|/completions/' | while read -r f; do
		[ -f "$f" ] || continue
		case $f in *.gz) zcat "$f" ;; *) cat "$f" ;; esac
	done | grep -n 'xl livedump'
}
pages_of_programs() {
	for p in xldumpctl.1 xl-livedump.1 xldumpd.8; do
		[ -e "/usr/share/man/man${p##*.}/$p.gz" ] || return 1
	done
}

files > /tmp/before
apt-get update -qq

# ---- a machine without Xen ----
try 'xldump is installed by itself' install "$new"/xldump_*.deb
try 'it brings nothing of Xen' no_xen
apt-get install -y --no-install-recommends python3
try 'xldumpctl: a dump is shown, converted, checked (debian/tests/reader)' autopkgtest reader
xldumpctl status 2> /tmp/err
try 'xldumpctl status: what is missing is said' has 'package xldump-dom0' /tmp/err

# ---- dom0, with an older version first ----
# shellcheck disable=SC2046 # file names without blanks
try 'an older version is installed in dom0' install --allow-downgrades $(dom0_of "$old")
try 'xldumpd is not enabled' enabled xldumpd.service disabled
systemctl enable xldumpd.service xldump@web01.timer
echo '# edited' >> /etc/xen/xldumpd.conf
sed -i 's/^#workers = 2/workers = 3/' /etc/xen/xldumpd.conf
mkdir -p /var/lib/xldump/dumps /var/lib/xldump/queue
echo dump > /var/lib/xldump/dumps/web01.elf
echo job > /var/lib/xldump/queue/1.json
# shellcheck disable=SC2046
try 'it is upgraded' install $(dom0_of "$new")
try 'the configuration that was edited stays' has '^workers = 3' /etc/xen/xldumpd.conf
try 'the new one is beside it' test -e /etc/xen/xldumpd.conf.dpkg-dist
try 'xldumpd is still enabled' enabled xldumpd.service enabled
try 'a dump is as it was' has dump /var/lib/xldump/dumps/web01.elf
try 'errors, configuration, units (debian/tests/dom0)' autopkgtest dom0
try 'pages and completion name the commands that are there' only_what_is_there
try 'each program has its page' pages_of_programs
for other in ${others[@]+"${others[@]}"}; do
	try "the backend of another release beside it" dpkg --unpack --force-depends "$other"/xldump-hv-*.deb
	try 'both are there' test "$(find /usr/lib/x86_64-linux-gnu/xldump -name 'hv_xen-*.so' | wc -l)" -ge 2
	for f in "$other"/xldump-hv-[0-9]*.deb; do
		f=${f##*/}
		dpkg --purge --force-depends "${f%%_*}"
	done
done

# ---- developers ----
install gcc libc6-dev pkgconf
try 'libxldump-dev is installed' install "$new"/libxldump-dev_*.deb
try 'a program is compiled with it (debian/tests/library)' autopkgtest library

# ---- away ----
try 'all is removed' apt-get remove -y xldump xldump-dom0 '^xldump-hv-.*' libxldump0 libxldump-dev
try 'its programs are gone' test ! -e /usr/sbin/xldumpd -a ! -e /usr/bin/xldumpctl -a ! -e /usr/sbin/xl-livedump
try 'the configuration is still there' has '^workers = 3' /etc/xen/xldumpd.conf
try 'the timer of a guest is gone' test ! -L /etc/systemd/system/timers.target.wants/xldump@web01.timer
dpkg-query -W -f '${Package}\n' | grep xldump | xargs dpkg --purge > /tmp/purge 2>&1
try 'all is purged' test $? -eq 0
cat /tmp/purge
try 'it says that dumps stay' has '/var/lib/xldump/dumps stay' /tmp/purge
try 'a dump is as it was, after the purge' has dump /var/lib/xldump/dumps/web01.elf
try 'the queue is gone' test ! -e /var/lib/xldump/queue
try 'the configuration is gone' test ! -e /etc/xen/xldumpd.conf
apt-get purge -y --autoremove python3 gcc libc6-dev pkgconf > /dev/null 2>&1
files > /tmp/after
# What is still there that no package has, and was not there before.
comm -13 /tmp/before /tmp/after | grep -i xldump | grep -v '^/var/lib/xldump/dumps/web01.elf$' > /tmp/left
cat /tmp/left
try 'nothing else is left' test ! -s /tmp/left
echo "1..$n"
[ "$failed" -eq 0 ]
