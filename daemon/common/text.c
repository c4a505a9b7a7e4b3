/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for people. */
#include "common/text.h"

#include <stdio.h>

#include "base/cleanup.h"

const char *text_size(uint64_t bytes, char *buf, size_t size)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes;
	size_t u = 0;

	while (v >= 1023.95 && u + 1 < XL_ARRAY_SIZE(unit)) {
		v /= 1024;
		u++;
	}
	(void)snprintf(buf, size, u ? "%.1f %s" : "%.0f %s", v, unit[u]);
	return buf;
}

const char *text_time(uint64_t ns, char *buf, size_t size)
{
	if (ns < 1000000000)
		(void)snprintf(buf, size, "%.1f ms", (double)ns / 1e6);
	else
		(void)snprintf(buf, size, "%.1f s", (double)ns / 1e9);
	return buf;
}
