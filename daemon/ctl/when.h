/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moments as users type them. */
#ifndef XLDUMP_CLI_WHEN_H
#define XLDUMP_CLI_WHEN_H

#include <time.h>

/* What is accepted, for messages. */
#define WHEN_FORMS                                                                                 \
	"YYYY-MM-DD, \"YYYY-MM-DD HH:MM[:SS]\", YYYY-MM-DDTHH:MM[:SS][Z|+HH:MM], "                \
	"HH:MM[:SS], today, yesterday, now, @SECONDS since 1970, or -N with s, min, h, d or w, "    \
	"such as -2h"

/* In local time, unless it has a zone of its own; a day is its begin, and a time alone is of today.
 * -EINVAL. */
int when_parse(const char *text, time_t now, time_t *ret);

#endif
