/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines for the journal, or for a terminal. */
#include "common/log.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

void xd_log(int priority, const char *fmt, ...)
{
	char text[2048], line[XL_ESCAPED_MAX(sizeof(text))];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)xl_escape(text, strlen(text), line, sizeof(line));
	if (getenv("JOURNAL_STREAM"))
		(void)fprintf(stderr, "<%d>%s\n", priority, line);
	else
		(void)fprintf(stderr, "xldumpd: %s\n", line);
}

void xd_log_library(void *data, enum xldump_log_level level, const char *line)
{
	(void)data;
	if (level != XLDUMP_LOG_DEBUG)
		xd_log(level == XLDUMP_LOG_WARNING ? LOG_WARNING : LOG_INFO, "%s", line);
}
