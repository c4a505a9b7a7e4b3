/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done to a guest that was kept for us, when its dump is there. */
#ifndef XLDUMP_DAEMON_AFTER_H
#define XLDUMP_DAEMON_AFTER_H

#include "daemon.h"

/* What its settings want. */
void xd_after_crash(struct xd_daemon *d, const struct xd_job *job);

#endif
