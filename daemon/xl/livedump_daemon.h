/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xl livedump --daemon: the dump is made by xldumpd. */
#ifndef XLDUMP_CLI_LIVEDUMP_DAEMON_H
#define XLDUMP_CLI_LIVEDUMP_DAEMON_H

#include "xl/arguments.h"

/* Ask, wait, say how it ended; the exit status. */
int livedump_by_daemon(const struct arguments *a, const volatile int *cancel);

#endif
