/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxl's lock while a guest waits for its dump.
 *
 * Were it ours alone, a restart of the daemon, or its death, would give the guest to xl before it is
 * dumped.  So the service manager has it too (sd_pid_notify_with_fds(3), FDSTORE), and hands it to the
 * next daemon; when the service is stopped for good, the lock is free. */
#ifndef XLDUMP_DAEMON_HOLD_H
#define XLDUMP_DAEMON_HOLD_H

#include "common/job.h"

/* What a predecessor has left, until it is known whether it is still needed. */
struct xd_holds {
	struct xd_hold {
		struct xldump_domain dom; /* domid and uuid alone */
		int fd;
	} *hold;
	size_t n;
};

/* The lock is to be held for longer than a moment. */
void xd_hold_keep(const struct xldump_domain *dom, int fd);

/* Give it back; *fd becomes -1. */
void xd_hold_release(const char *libxl_dir, const struct xldump_domain *dom, int *fd);

/* As we end: leave it to our successor, if the service manager has it; else give it back. */
void xd_hold_leave(const char *libxl_dir, const struct xldump_domain *dom, int *fd);

/* What the service manager hands us. */
void xd_holds_receive(struct xd_holds *h);

/* The lock of a domain that a predecessor had, or -1. */
int xd_holds_take(struct xd_holds *h, const struct xldump_domain *dom);

/* Nobody needs what is left: give it back. */
void xd_holds_release(struct xd_holds *h, const char *libxl_dir);

#endif
