/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's side of a worker: one process for each dump. */
#ifndef XLDUMP_DAEMON_WORKER_RUN_H
#define XLDUMP_DAEMON_WORKER_RUN_H

#include "daemon.h"

/* What a worker tells whoever has started it. */
struct xd_worker_events {
	/* How far it is: a name of xldump_phase_name(), and pages.  Nothing of this is certain. */
	void (*progress)(struct xd_job *job, const char *phase, uint64_t done, uint64_t total);

	/* Its memory has been read: what held the guest can let go. */
	void (*captured)(struct xd_daemon *d, struct xd_job *job);

	/* How it ended: its last line, NULL if it said nothing, and what waitid(2) says. */
	void (*ended)(struct xd_daemon *d, struct xd_job *job, struct json_object *last, int code,
		      int status);
};

int xd_worker_start(struct xd_daemon *d, struct xd_job *job, const struct xd_worker_events *events);

/* Ask it to end; it is killed if it does not. */
void xd_worker_stop(struct xd_daemon *d, const struct xd_job *job);
void xd_worker_stop_all(struct xd_daemon *d);

unsigned xd_worker_count(const struct xd_daemon *d);

#endif
