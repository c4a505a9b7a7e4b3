/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages that must wait for the cut before they can be put: page tables of a PV guest, which can be
 * translated only with the p2m of T, and the odd page that is patched.  Raw, by pfn, in memory. */
#ifndef XL_PAGE_TABLES_H
#define XL_PAGE_TABLES_H

#include "base/cleanup.h"
#include "base/types.h"

struct xl_tables {
	uint32_t *slot;  /* by pfn, plus 1; 0: none held */
	uint64_t nr_pfns;
	uint8_t **chunk; /* XL_TABLES_CHUNK pages each */
	size_t chunks;
	uint32_t used;   /* slots handed out */
	uint32_t *free;  /* slots given back */
	size_t nr_free, cap_free;
	uint8_t *type;   /* by slot: XL_PAGE_* */
	uint64_t limit;  /* slots at most */
};

#define XL_TABLES_CHUNK 256

/* @param limit  pages that may be held; beyond that xl_tables_hold() says -E2BIG */
_must_check_ int xl_tables_init(struct xl_tables *t, uint64_t nr_pfns, uint64_t limit);
void xl_tables_deinit(struct xl_tables *t);

/* Keep a copy of a page, replacing an older one.  0, -E2BIG, -ENOMEM. */
_must_check_ int xl_tables_hold(struct xl_tables *t, xl_pfn_t pfn, uint8_t type, const void *page);

/* Forget a page, if it is held. */
void xl_tables_drop(struct xl_tables *t, xl_pfn_t pfn);

/* The copy, and its type; NULL when it is not held. */
uint8_t *xl_tables_get(const struct xl_tables *t, xl_pfn_t pfn, uint8_t *ret_type);

/* The next held pfn at or after pfn, or nr_pfns. */
xl_pfn_t xl_tables_next(const struct xl_tables *t, xl_pfn_t pfn);

#endif
