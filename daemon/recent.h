/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The crashes that were dumped in this boot of the host. */
#ifndef XLDUMP_DAEMON_RECENT_H
#define XLDUMP_DAEMON_RECENT_H

#include "xldump.h"

/* As many as are remembered; the oldest is forgotten. */
#define XD_RECENT 512

struct xd_recent {
	struct {
		uint8_t uuid[16]; /* which a guest keeps when it is restarted */
		uint32_t domid;
		uint64_t at; /* CLOCK_BOOTTIME, s */
	} dump[XD_RECENT];
	size_t n;
};

void xd_recent_add(struct xd_recent *r, const struct xldump_domain *dom, uint64_t at);

/* When a crash of this guest was dumped last; false: never. */
bool xd_recent_last(const struct xd_recent *r, const uint8_t uuid[16], uint64_t *ret);

/* Whether the crash of this life of the domain was dumped. */
bool xd_recent_has(const struct xd_recent *r, const struct xldump_domain *dom);

#endif
