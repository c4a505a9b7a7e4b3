/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxl's lock while a guest waits for its dump.
 *
 * Were it ours alone, a restart of the daemon, or its death, would give the guest to xl before it is
 * dumped.  So the service manager has it too (sd_pid_notify_with_fds(3), FDSTORE), and hands it to the
 * next daemon; when the service is stopped for good, the lock is free. */
#ifndef XLDUMP_DAEMON_HOLD_H
#define XLDUMP_DAEMON_HOLD_H

#include "queue.h"

/* The lock is to be held for longer than a moment. */
void xd_hold_keep(const struct xldump_domain *dom, int fd);

/* Give it back; *fd becomes -1. */
void xd_hold_release(const char *libxl_dir, const struct xldump_domain *dom, int *fd);

/* As we end: leave it to our successor, if the service manager has it; else give it back. */
void xd_hold_leave(const char *libxl_dir, const struct xldump_domain *dom, int *fd);

/* What our predecessor has left, to the jobs that it is for; what is for none is given back. */
void xd_hold_resume(const char *libxl_dir, struct xd_queue *q);

#endif
