/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest with devices=on does beside its workload. */
#ifndef LAB_GUEST_DEVICES_H
#define LAB_GUEST_DEVICES_H

/* Load the modules of the initramfs, mount the disk, bring the network interface up, and start processes that
 * use them.  False, after a line on the console, if something is missing. */
int devices_start(void);

#endif
