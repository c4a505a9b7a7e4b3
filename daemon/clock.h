/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks of the daemon. */
#ifndef XLDUMP_DAEMON_CLOCK_H
#define XLDUMP_DAEMON_CLOCK_H

#include <stdint.h>

/* CLOCK_BOOTTIME, s: for all that is reckoned with, since nobody sets it. */
uint64_t xd_now(void);

/* CLOCK_REALTIME, s: for people. */
uint64_t xd_realtime(void);

#endif
