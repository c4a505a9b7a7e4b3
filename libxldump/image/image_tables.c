/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page tables of a PV guest in a file that does not say which pages they are. */
#include <stdlib.h>

#include "base/bytes.h"
#include "image/image_private.h"
#include "image/recast.h"

#define PTE_PRESENT 0x001ULL
#define PTE_PSE 0x080ULL
#define PTE_FRAME 0x000ffffffffff000ULL

/* Xen's part of an L4, and in it the entry that maps the L4 itself: LINEAR_PT_VIRT_START (xen
 * xen/arch/x86/include/asm/config.h).  Xen fills it whenever a page becomes an L4 of a PV guest. */
#define XEN_SLOT_FIRST 256
#define XEN_SLOT_LAST 271
#define XEN_SLOT_SELF 258

struct walk {
	struct xl_ctx *x;
	struct xl_image *img;
	const struct xl_m2p *m2p;
	uint8_t *level;
	uint64_t nr_pfns;
};

static bool maps_itself(const struct walk *w, xl_pfn_t pfn)
{
	uint64_t pte;

	if (xl_image_read(w->img, (pfn << XL_PAGE_SHIFT) + XEN_SLOT_SELF * sizeof(pte), &pte,
			  sizeof(pte)) < 0)
		return false;
	pte = le64toh(pte);
	return (pte & PTE_PRESENT) &&
	       xl_m2p_lookup(w->m2p, (pte & PTE_FRAME) >> XL_PAGE_SHIFT) == pfn;
}

static size_t mark_roots(const struct walk *w)
{
	size_t n = 0;

	for (xl_pfn_t pfn = xl_image_next(w->img, 0); pfn < w->nr_pfns && pfn < w->img->nr_pfns;
	     pfn = xl_image_next(w->img, pfn + 1)) {
		if (!maps_itself(w, pfn))
			continue;
		w->level[pfn] = 4;
		n++;
	}
	return n;
}

/* A page is a table of one level only: what a table maps that is one already is a mapping of a table
 * as data, or a guest's lie. */
static int mark_below(const struct walk *w, xl_pfn_t table, unsigned level)
{
	uint8_t page[XL_PAGE_SIZE];
	int r = xl_image_page(w->x, w->img, table, page);

	for (unsigned i = 0; r == 0 && i < XL_PTES_PER_PAGE; i++) {
		uint64_t pte = xl_get_le64(page + 8 * i);
		xl_pfn_t pfn;

		if (!(pte & PTE_PRESENT) || (pte & PTE_PSE) ||
		    (level == 4 && i >= XEN_SLOT_FIRST && i <= XEN_SLOT_LAST))
			continue;
		pfn = xl_m2p_lookup(w->m2p, (pte & PTE_FRAME) >> XL_PAGE_SHIFT);
		if (pfn < w->nr_pfns && xl_image_has(w->img, pfn) && !w->level[pfn])
			w->level[pfn] = (uint8_t)(level - 1);
	}
	return r;
}

int xl_image_find_tables(struct xl_ctx *x, struct xl_image *img, const struct xl_m2p *m2p,
			 uint8_t *level, uint64_t nr_pfns)
{
	const struct walk w = { x, img, m2p, level, nr_pfns };

	if (!mark_roots(&w))
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -ENOENT,
			       "no page of the file is a top page table of a 64-bit PV guest");
	for (unsigned l = 4; l > 1; l--) {
		for (xl_pfn_t pfn = 0; pfn < nr_pfns; pfn++) {
			int r = level[pfn] == l ? mark_below(&w, pfn, l) : 0;

			if (r == 0 && pfn % 4096 == 0)
				r = xl_check_cancel(x);
			if (r < 0)
				return r;
		}
	}
	return 0;
}
