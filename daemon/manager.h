/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which job runs when, and what becomes of it. */
#ifndef XLDUMP_DAEMON_MANAGER_H
#define XLDUMP_DAEMON_MANAGER_H

#include "daemon.h"

/* Take up the jobs that an earlier daemon left, and what it knew of dumps. */
void xd_manager_resume(struct xd_daemon *d);

/* Put a job into the queue, if the policy says so.  Of `job`, what is not the queue's to set.
 * A crash is dumped besides a request of that guest: before one that waits, after one that runs.
 * XD_OK, or the refusal; x has words if it is not the policy's. */
enum xd_refusal xd_manager_submit(struct xd_daemon *d, const struct xd_job *job);

/* Start what can be started.  Returns when, by CLOCK_BOOTTIME in s, more may be; XD_NOT_TIMED: not
 * before something happens. */
uint64_t xd_manager_start(struct xd_daemon *d);

/* End a job; what has ended already is left alone. */
void xd_manager_cancel(struct xd_daemon *d, struct xd_job *job);

/* No more jobs; those that run are cancelled and stay in the queue. */
void xd_manager_stop(struct xd_daemon *d);

#endif
