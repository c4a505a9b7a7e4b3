/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The crashes that were dumped in this boot of the host. */
#include "recent.h"

#include <string.h>

#include "base/domain.h"

void xd_recent_add(struct xd_recent *r, const struct xldump_domain *dom, uint64_t at)
{
	if (r->n == XD_RECENT) {
		memmove(r->dump, r->dump + 1, (XD_RECENT - 1) * sizeof(r->dump[0]));
		r->n--;
	}
	memcpy(r->dump[r->n].uuid, dom->uuid, sizeof(dom->uuid));
	r->dump[r->n].domid = dom->domid;
	r->dump[r->n++].at = at;
}

bool xd_recent_last(const struct xd_recent *r, const uint8_t uuid[16], uint64_t *ret)
{
	bool was = false;

	for (size_t i = 0; i < r->n; i++) {
		if (!xl_same_uuid(r->dump[i].uuid, uuid))
			continue;
		if (!was || r->dump[i].at > *ret)
			*ret = r->dump[i].at;
		was = true;
	}
	return was;
}

bool xd_recent_has(const struct xd_recent *r, const struct xldump_domain *dom)
{
	for (size_t i = 0; i < r->n; i++)
		if (xl_same_domain(&r->dump[i], dom))
			return true;
	return false;
}
