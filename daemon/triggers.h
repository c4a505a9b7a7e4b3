/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What asks for dumps: requests in xenstore, and guests that go down. */
#ifndef XLDUMP_DAEMON_TRIGGERS_H
#define XLDUMP_DAEMON_TRIGGERS_H

#include "daemon.h"

/* Look at all requests, or at the one that an event names. */
void xd_trigger_requests(struct xd_daemon *d);
void xd_trigger_request_event(struct xd_daemon *d, const char *path);

/* Look at all domains: who has crashed since? */
void xd_trigger_domains(struct xd_daemon *d);

#endif
