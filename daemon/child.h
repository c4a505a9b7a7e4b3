/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that the daemon starts: ourselves in another mode, and the end of any. */
#ifndef XLDUMP_DAEMON_CHILD_H
#define XLDUMP_DAEMON_CHILD_H

#include <systemd/sd-event.h>

#include "common/job.h"

/* A process of ours in another mode of the program, with a job to read and a pipe to answer into. */
int xd_spawn(struct xl_ctx *x, const char *mode, const struct xd_job *job, int *ret_out, pid_t *ret);

/* Have the end of a process told, for certain.  The callback is also told of stops: what matters is
 * xd_child_ended(); and it must drop *ret, or be called no more. */
int xd_watch_child(sd_event *event, sd_event_source **ret, pid_t pid,
		   sd_event_child_handler_t on_child, void *data);
bool xd_child_ended(const siginfo_t *si);

#endif
