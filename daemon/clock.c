/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks of the daemon. */
#include "clock.h"

#include <time.h>

static uint64_t clock_s(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec;
}

uint64_t xd_now(void)
{
	return clock_s(CLOCK_BOOTTIME);
}

uint64_t xd_realtime(void)
{
	return clock_s(CLOCK_REALTIME);
}
