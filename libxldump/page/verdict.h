/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a judgement of the guest's pages would say now, kept up to date while its struct pages change:
 * a byte for each pfn, of what its struct page says; and the walk over them, done again only where
 * one of them says something else.  Pure.
 *
 * This is foresight: what is left out of a dump is judged by xl_filter_judge(), of the memory of T,
 * through the page tables of T.  Struct pages that are not a page for 64 pfns are not followed, and
 * of pfns that nothing was said of all pages stay in. */
#ifndef XL_PAGE_VERDICT_H
#define XL_PAGE_VERDICT_H

#include "base/bitmap.h"
#include "page/classify.h"

struct xl_verdict {
	struct xl_page_layout layout;
	unsigned level;
	xl_pfn_t image_start, image_end; /* the kernel's own image stays in whatever is said of it */
	uint64_t nr_pfns;
	uint8_t *said;           /* by pfn: kind, and order above it; 0: stays in */
	uint32_t *group;         /* by pfn of a page of struct pages: of which 64 pfns, plus 1; 0: none */
	xl_pfn_t *entry;         /* by span: the first pfn that no block from before it covers */
	struct xl_bitmap changed; /* spans to be walked again */
	struct xl_bitmap present; /* at the last walk */
	struct xl_bitmap out;    /* pfns that would be left out */
};

/* A zeroed structure follows nothing.  -ENOMEM. */
_must_check_ int xl_verdict_init(struct xl_verdict *v, const struct xl_kernel *k, unsigned level,
				 uint64_t nr_pfns);
void xl_verdict_deinit(struct xl_verdict *v);

/* The struct pages of the 64 pfns from `first` on are the page `at`. */
void xl_verdict_place(struct xl_verdict *v, xl_pfn_t first, xl_pfn_t at);

/* A page of the guest as it is now; does nothing with those that have no struct pages.  Allocates
 * nothing. */
void xl_verdict_look(struct xl_verdict *v, xl_pfn_t pfn, const uint8_t *page);

/* Bring `out` up to date, with the pfns that exist now.  Allocates nothing. */
void xl_verdict_walk(struct xl_verdict *v, const struct xl_bitmap *present);

#endif
