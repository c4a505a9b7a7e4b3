/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values as users type them. */
#ifndef XLDUMP_DAEMON_VALUES_H
#define XLDUMP_DAEMON_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "50ms", "1.5s", "800us"; a bare number is milliseconds.  More than nothing, at most an hour.
 * -EINVAL, -ERANGE. */
int xd_parse_time(const char *text, uint64_t *ret_ns);

/* -EINVAL also for one that is out of range. */
int xd_parse_number(const char *text, unsigned min, unsigned max, unsigned *ret);

#endif
