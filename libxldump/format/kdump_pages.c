/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which place a page of a kdump file has. */
#include "format/kdump_pages.h"

xl_place_t xl_kdump_place(const struct xl_kdump *f, xl_pfn_t pfn)
{
	xl_place_t at = f->place[pfn];

	return at & XL_PLACE_SAME ? f->same.entry[(uint32_t)at].at : at;
}

void xl_kdump_forget(struct xl_kdump *f, xl_pfn_t pfn)
{
	xl_place_t at = f->place[pfn];
	bool last = true;

	f->place[pfn] = XL_PLACE_NONE;
	if (at & XL_PLACE_SAME)
		last = xl_same_release(&f->same, (uint32_t)at, pfn, &at);
	if (last && at > XL_PLACE_BATCH)
		xl_store_drop(&f->store, at);
}
