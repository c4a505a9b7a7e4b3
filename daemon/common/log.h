/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines for the journal, or for a terminal. */
#ifndef XLDUMP_DAEMON_LOG_H
#define XLDUMP_DAEMON_LOG_H

#include <syslog.h>

#include "base/ctx.h"

/* One line on standard error, printable ASCII whatever is in it: names of guests are, and so are
 * errors that quote them.  The journal gets the priority before it, as sd-daemon(3) says. */
_printf_(2, 3) void xd_log(int priority, const char *fmt, ...);

/* xldump_log_fn: debug is left out. */
void xd_log_library(void *data, enum xldump_log_level level, const char *line);

#endif
