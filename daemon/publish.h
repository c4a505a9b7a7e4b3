/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What xenstore and the service manager show of the daemon and of its jobs. */
#ifndef XLDUMP_DAEMON_PUBLISH_H
#define XLDUMP_DAEMON_PUBLISH_H

#include "daemon.h"

int xd_publish_daemon(struct xd_daemon *d);
int xd_publish_alive(struct xd_daemon *d);
void xd_publish_job(struct xd_daemon *d, const struct xd_job *job);
void xd_publish_progress(struct xd_daemon *d, const struct xd_job *job, const char *progress);
void xd_publish_refusal(struct xd_daemon *d, const char *id, enum xd_refusal why,
			const char *error);

/* To the service manager, if it has not been told the same before. */
void xd_publish_status(struct xd_daemon *d);

/* Requests that ended this long ago, in s, are removed from xenstore. */
#define XD_FORGET_AFTER 3600
void xd_publish_sweep(struct xd_daemon *d);

#endif
