/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages in which a kernel says where it is. */
#include "guest/candidates.h"

#include <string.h>

#include "guest/vmcoreinfo.h"

/* Xen gives this page to a PV guest when it starts: "xen-3.0-x86_64", NUL-terminated, in 32
 * bytes (struct start_info, xen/include/public/xen.h). */
#define MAGIC_SIZE 32

static bool is_start_info(const void *page)
{
	const char *s = page;

	return memcmp(s, "xen-", 4) == 0 && memchr(s, '\0', MAGIC_SIZE) && strstr(s, "-x86_64");
}

static void keep_start_info(struct xl_candidates *c, xl_pfn_t pfn)
{
	for (size_t i = 0; i < c->start_infos; i++)
		if (c->start_info[i] == pfn)
			return;
	if (c->start_infos < XL_MAX_START_INFOS)
		c->start_info[c->start_infos++] = pfn;
}

void xl_candidates_look(struct xl_candidates *c, xl_pfn_t pfn, const void *page)
{
	if (is_start_info(page))
		keep_start_info(c, pfn);
	if (!xl_is_vmcoreinfo(page))
		return;
	for (size_t i = 0; i < c->n; i++)
		if (c->pfn[i] == pfn)
			return;
	if (c->n == XL_MAX_CANDIDATES) {
		c->overflow++;
		return;
	}
	c->pfn[c->n++] = pfn;
}
