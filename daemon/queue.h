/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The jobs that wait or run: in the order of their coming, of each domain one request and one crash, and on
 * disk, so that a daemon that was killed goes on where it was. */
#ifndef XLDUMP_DAEMON_QUEUE_H
#define XLDUMP_DAEMON_QUEUE_H

#include "common/job.h"

/* Requests are limited by the configuration, crashes by the number of domains; this is for neither
 * being right. */
#define XD_QUEUE_MAX 4096

struct xd_queue {
	int dirfd;
	struct xd_job **job; /* ascending by seq */
	size_t n, allocated;
	uint64_t next_seq;
};

/* Open the folder, which is made if need be, and take up what is in it.  A file that is not a job is
 * set aside with a warning, as NAME.bad. */
int xd_queue_open(struct xl_ctx *x, const char *dir, struct xd_queue *ret);
void xd_queue_close(struct xd_queue *q);

/* A copy of the job, with a new number, on disk when this returns. */
int xd_queue_add(struct xl_ctx *x, struct xd_queue *q, const struct xd_job *job,
		 struct xd_job **ret);

/* Give no number up to this one: there is a dump that has it. */
void xd_queue_skip(struct xd_queue *q, uint64_t seq);

/* What has changed about a job of the queue, to disk. */
int xd_queue_save(struct xl_ctx *x, struct xd_queue *q, const struct xd_job *job);

/* The job is over: forget it.  It is freed. */
void xd_queue_remove(struct xd_queue *q, struct xd_job *job);

struct xd_job *xd_queue_by_id(const struct xd_queue *q, const char *id);

/* The request, or the dump of the crash, of this domain and life (domid and uuid). */
struct xd_job *xd_queue_find(const struct xd_queue *q, const struct xldump_domain *dom, bool crash);

unsigned xd_queue_count(const struct xd_queue *q, enum xd_state state);

/* Requests that wait; crashes always may. */
unsigned xd_queue_waiting(const struct xd_queue *q);

/* This boot of the host; "" if it cannot be told. */
void xd_boot_id(char ret[XD_UUID_MAX]);

#endif
