/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Error chain and log callback. */
#include "base/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Put "head: " before what is in the chain. */
static void prepend(struct xl_ctx *x, const char *head)
{
	char old[XL_ERR_MAX];

	memcpy(old, x->err, sizeof(old));
	if (snprintf(x->err, sizeof(x->err), "%s%s%s", head, old[0] ? ": " : "", old) < 0)
		x->err[0] = '\0';
}

int xl_err(struct xl_ctx *x, int r, const char *fmt, ...)
{
	char head[XL_ERR_MAX / 2];
	va_list ap;

	if (!x->err[0] && r < 0)
		(void)snprintf(x->err, sizeof(x->err), "%s", strerror(-r));
	va_start(ap, fmt);
	(void)vsnprintf(head, sizeof(head), fmt, ap);
	va_end(ap);
	prepend(x, head);
	return r;
}

int xl_fail(struct xl_ctx *x, enum xldump_cause cause, int r, const char *fmt, ...)
{
	char head[XL_ERR_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(head, sizeof(head), fmt, ap);
	va_end(ap);
	prepend(x, head);
	if (x->cause == XLDUMP_CAUSE_NONE)
		x->cause = cause;
	return r;
}

void xl_err_clear(struct xl_ctx *x)
{
	x->err[0] = '\0';
	x->cause = XLDUMP_CAUSE_NONE;
}

void xl_log(struct xl_ctx *x, enum xldump_log_level level, const char *fmt, ...)
{
	char line[XL_ERR_MAX];
	va_list ap;

	if (!x->log)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	x->log(x->log_data, level, line);
}

int xl_check_cancel(struct xl_ctx *x)
{
	if (x->cancel && *x->cancel)
		return xl_fail(x, XLDUMP_CAUSE_CANCELLED, -ECANCELED, "stopped as asked");
	return 0;
}
