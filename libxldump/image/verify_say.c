/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the checks of a dump have to say, and how many rules are broken. */
#include <stdarg.h>
#include <stdio.h>

#include "image/verify_private.h"

_printf_(3, 0) static void say(struct xl_verify *v, enum xl_verify_level level, const char *fmt,
			       va_list ap)
{
	char line[XL_ERR_MAX];

	(void)vsnprintf(line, sizeof(line), fmt, ap);
	v->fn(v->data, level, line);
}

void xl_verify_broken(struct xl_verify *v, const char *fmt, ...)
{
	va_list ap;

	v->broken++;
	if (v->shown++ >= XL_VERIFY_SHOWN)
		return;
	va_start(ap, fmt);
	say(v, XL_VERIFY_BROKEN, fmt, ap);
	va_end(ap);
}

void xl_verify_note(struct xl_verify *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(v, XL_VERIFY_NOTE, fmt, ap);
	va_end(ap);
}

void xl_verify_done(struct xl_verify *v, const char *fmt, ...)
{
	va_list ap;

	if (v->broken == v->told) {
		va_start(ap, fmt);
		say(v, XL_VERIFY_DONE, fmt, ap);
		va_end(ap);
	}
	v->told = v->broken;
}
