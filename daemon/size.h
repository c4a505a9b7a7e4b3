/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much room a dump takes, and how one is made that takes less. */
#ifndef XLDUMP_DAEMON_SIZE_H
#define XLDUMP_DAEMON_SIZE_H

#include "common/settings.h"

/* Bytes to keep for a dump of a guest with so much memory.  An upper bound for what is not compressed;
 * else what is usual: a worker stops when the file system gets too full. */
uint64_t xd_size_of(const struct xd_settings *s, uint64_t memory);

/* The steps that can be taken at most. */
#define XD_SIZE_STEPS 2

/* One step down: first compress, then leave out what a dump level of 31 leaves out.  False, with *s as it
 * was, if there is no further step, or none is wanted. */
bool xd_size_smaller(struct xd_settings *s);

#endif
