/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which place a page has. */
#ifndef XL_FORMAT_KDUMP_PAGES_H
#define XL_FORMAT_KDUMP_PAGES_H

#include "format/kdump_private.h"

/* The place of a page that is in the file, as a reader has to find it. */
xl_place_t xl_kdump_place(const struct xl_kdump *f, xl_pfn_t pfn);

/* Forget a page. */
void xl_kdump_forget(struct xl_kdump *f, xl_pfn_t pfn);

#endif
