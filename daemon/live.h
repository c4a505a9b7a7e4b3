/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The domains of the host as they are now: asked for once, looked at as often as need be. */
#ifndef XLDUMP_DAEMON_LIVE_H
#define XLDUMP_DAEMON_LIVE_H

#include "xldump.h"

struct xd_live {
	struct xd_live_domain {
		struct xldump_domain dom;
		struct xldump_domain_state state;
	} *domain;
	size_t n, allocated;
	bool no_memory;
};

/* Ask the hypervisor.  A negative errno, which has been logged; *ret is to be freed either way. */
int xd_live_get(struct xldump *xl, struct xd_live *ret);
void xd_live_deinit(struct xd_live *l);

/* This life of the domain (domid and uuid); NULL: it is not there any more. */
const struct xldump_domain_state *xd_live_find(const struct xd_live *l,
					       const struct xldump_domain *dom);

#endif
