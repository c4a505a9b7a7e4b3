/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a dump, beside it in the spool. */
#ifndef XLDUMP_DAEMON_SIDECAR_H
#define XLDUMP_DAEMON_SIDECAR_H

#include "common/job.h"

/* Write it: the job, and the result that the worker gave, which may be NULL. */
int xd_sidecar_write(struct xl_ctx *x, int spool, const struct xd_job *job,
		     struct json_object *result);

/* Call fn for each dump of a crash in this boot of the host.  Returns the highest number of a dump. */
uint64_t xd_sidecar_recent(int spool, const char *boot,
		       void (*fn)(void *data, const struct xldump_domain *dom, uint64_t at),
		       void *data);

#endif
