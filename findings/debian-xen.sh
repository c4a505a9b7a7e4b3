#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# On Debian xenstored has no unit of its own, and Debian's hypervisor has no shadow paging.
#
# Guessed: xenstored.service and proc-xen.mount of upstream are there to be ordered after; and a packaged hypervisor
# that runs PV guests can log their dirty pages, as live migration needs it.
# In fact: all of it is in xen.service, which runs a script of SysV's kind (in Debian 12 the unit is made from the script
# at boot; later the package has it).  A unit with After=xenstored.service alone is not ordered at all, without a message.
# The dirty log of a PV guest is a part of shadow paging, and that is not built: switching the log on is EOPNOTSUPP (seen
# with such a guest in QEMU, not by this script).
# Seen with: xen-utils-common 4.17.7, 4.20.4 and xen-hypervisor of Debian 12, 13 and sid:
#   no xenstored.service; "# CONFIG_SHADOW_PAGING is not set"
# For users of xldump: its units are After= both names; a PV guest on such a host is dumped by rescan.

. "$(dirname "$0")/lib.sh"

while read -r suite version hypervisor; do
	utils=$(pinned "$suite" "xen-utils-common=$version")
	xen=$(pinned "$suite" "$hypervisor=$version")
	files=$(dpkg-deb -c "$utils" | awk '{ print $6 }')
	expect_not "$suite: upstream's units" 'xenstored\.service|proc-xen\.mount' "$files"
	expect "$suite: the script" '/etc/init\.d/xen$' "$files"
	units=$(grep -E 'systemd/system/.' <<<"$files" | tr '\n' ' ' || true)
	if [ "$suite" != bookworm ]; then
		expect "$suite: units" '/xen\.service' "$units"
	else
		expect "$suite: units, none" '^$' "$(tr -d ' ' <<<"$units")"
	fi
	config=$(dpkg-deb --fsys-tarfile "$xen" | tar -xO --wildcards '*/boot/xen-*.config')
	expect "$suite: the hypervisor" '^# CONFIG_SHADOW_PAGING is not set' "$config"
	expect "$suite: it is built for PV guests" '^CONFIG_PV=y' "$config"
done <<'END'
bookworm 4.17.7+13-g2445b30a44-0+deb12u1 xen-hypervisor-4.17-amd64
trixie 4.20.4+63-g7abfd2bce2-0+deb13u1 xen-hypervisor-4.20-amd64
sid 4.20.4+39-gf1e1321c87-1 xen-hypervisor-4.20-amd64
END
finish
