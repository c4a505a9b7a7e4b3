/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The domains of the host as they are now. */
#include "live.h"

#include <errno.h>
#include <stdlib.h>

#include "base/domain.h"
#include "common/log.h"

static void on_domain(void *data, const struct xldump_domain *dom,
		      const struct xldump_domain_state *state)
{
	struct xd_live *l = data;

	if (l->n == l->allocated) {
		size_t more = l->allocated ? 2 * l->allocated : 64;
		struct xd_live_domain *p = reallocarray(l->domain, more, sizeof(*p));

		l->no_memory |= !p;
		if (!p)
			return;
		l->domain = p;
		l->allocated = more;
	}
	l->domain[l->n++] = (struct xd_live_domain){ .dom = *dom, .state = *state };
}

int xd_live_get(struct xldump *xl, struct xd_live *ret)
{
	int r;

	*ret = (struct xd_live){ 0 };
	r = xldump_domains(xl, on_domain, ret);
	if (r < 0)
		xd_log(LOG_ERR, "%s", xldump_error(xl));
	else if (ret->no_memory)
		xd_log(LOG_ERR, "no memory for the list of domains");
	return r == 0 && ret->no_memory ? -ENOMEM : r;
}

void xd_live_deinit(struct xd_live *l)
{
	free(l->domain);
	*l = (struct xd_live){ 0 };
}

const struct xldump_domain_state *xd_live_find(const struct xd_live *l,
					       const struct xldump_domain *dom)
{
	for (size_t i = 0; i < l->n; i++)
		if (xl_same_domain(&l->domain[i].dom, dom))
			return &l->domain[i].state;
	return NULL;
}
