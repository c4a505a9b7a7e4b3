/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The domains of the host, as they were seen last. */
#include "known.h"

#include <stdlib.h>
#include <string.h>

struct xd_known *xd_known_find(const struct xd_known_all *all, uint32_t domid, const uint8_t uuid[16])
{
	for (size_t i = 0; i < all->n; i++)
		if (all->domain[i].domid == domid &&
		    !memcmp(all->domain[i].uuid, uuid, sizeof(all->domain[i].uuid)))
			return &all->domain[i];
	return NULL;
}

struct xd_known *xd_known_add(struct xd_known_all *all, const struct xldump_domain *dom, uint64_t learn_at)
{
	struct xd_known *k = xd_known_find(all, dom->domid, dom->uuid), *p;

	if (k)
		return k;
	p = reallocarray(all->domain, all->n + 1, sizeof(*p));
	if (!p)
		return NULL;
	all->domain = p;
	k = &p[all->n++];
	*k = (struct xd_known){ .domid = dom->domid, .type = dom->type, .learn_at = learn_at };
	memcpy(k->uuid, dom->uuid, sizeof(dom->uuid));
	return k;
}

void xd_known_forget_gone(struct xd_known_all *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		if (!all->domain[i].seen)
			continue;
		all->domain[n] = all->domain[i];
		all->domain[n++].seen = false;
	}
	all->n = n;
}

void xd_known_look(struct xd_known_all *all, const char *libxl_dir)
{
	for (size_t i = 0; i < all->n; i++) {
		struct xd_known *k = &all->domain[i];

		if (!k->shut_down)
			xd_libxl_look(libxl_dir, k->domid, k->uuid, &k->config);
	}
}

void xd_known_deinit(struct xd_known_all *all)
{
	free(all->domain);
	*all = (struct xd_known_all){ 0 };
}
