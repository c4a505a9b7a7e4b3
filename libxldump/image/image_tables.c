/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page tables of a PV guest in a file that does not say which pages they are. */
#include "image/image_tables.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "image/image_private.h"

#define PTE_PRESENT 0x001ULL
#define PTE_PSE 0x080ULL
#define PTE_FRAME 0x000ffffffffff000ULL

/* Xen's part of an L4, and in it the entry that maps the L4 itself: LINEAR_PT_VIRT_START (xen
 * xen/arch/x86/include/asm/config.h).  Xen fills it whenever a page becomes an L4 of a PV guest. */
#define XEN_SLOT_FIRST 256
#define XEN_SLOT_LAST 271
#define XEN_SLOT_SELF 258

/* Of a 32-bit guest Xen has entries in the level 2 of the last GiB, from 0xf5800000 on
 * (HYPERVISOR_VIRT_START of xen/include/public/arch-x86/xen-x86_32.h); the first one is the same in all
 * of them (xen init_xen_pae_l2_slots()).  Level 3 has four entries, and Xen clears the rest of its
 * page. */
#define PAE_L3_ENTRIES 4
#define PAE_XEN_SLOT 428

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

/* ---- 32 bits ---- */

static bool entry_of(const struct walk *w, xl_pfn_t pfn, unsigned i, uint64_t *ret)
{
	if (xl_image_read(w->img, (pfn << XL_PAGE_SHIFT) + i * sizeof(*ret), ret, sizeof(*ret)) < 0)
		return false;
	*ret = le64toh(*ret);
	return *ret & PTE_PRESENT;
}

static xl_pfn_t target(const struct walk *w, uint64_t pte)
{
	return xl_m2p_lookup(w->m2p, (pte & PTE_FRAME) >> XL_PAGE_SHIFT);
}

/* Xen's first entry below a page that would be a level 3. */
static bool xen_entry(const struct walk *w, xl_pfn_t l3, uint64_t *ret)
{
	uint64_t pte;
	xl_pfn_t l2;

	if (!entry_of(w, l3, PAE_L3_ENTRIES - 1, &pte))
		return false;
	l2 = target(w, pte);
	return l2 != XL_INVALID_FRAME && entry_of(w, l2, PAE_XEN_SLOT, ret);
}

/* By a level 3 that surely is one: a vCPU uses it. */
static bool find_xen_entry(const struct walk *w, const struct xl_vcpu *vcpu, uint32_t n,
			   uint64_t *ret)
{
	for (uint32_t i = 0; i < n; i++) {
		xl_pfn_t l3 = xl_m2p_lookup(w->m2p, vcpu[i].cr3 >> XL_PAGE_SHIFT);

		if (vcpu[i].online && l3 != XL_INVALID_FRAME && xen_entry(w, l3, ret))
			return true;
	}
	return false;
}

static bool is_l3(const struct walk *w, xl_pfn_t pfn, uint64_t xens)
{
	uint64_t pte, entry[XL_PTES_PER_PAGE];

	if (!xen_entry(w, pfn, &pte) || pte != xens ||
	    xl_image_read(w->img, pfn << XL_PAGE_SHIFT, entry, sizeof(entry)) < 0)
		return false;
	for (unsigned i = 0; i < XL_PTES_PER_PAGE; i++) {
		pte = le64toh(entry[i]);
		if (i >= PAE_L3_ENTRIES ? pte != 0 :
					  (pte & PTE_PRESENT) && target(w, pte) == XL_INVALID_FRAME)
			return false;
	}
	return true;
}

static void mark_l3s(const struct walk *w, uint64_t xens)
{
	for (xl_pfn_t pfn = xl_image_next(w->img, 0); pfn < w->nr_pfns && pfn < w->img->nr_pfns;
	     pfn = xl_image_next(w->img, pfn + 1))
		if (is_l3(w, pfn, xens))
			w->level[pfn] = 3;
}

/* ---- both ---- */

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
		pfn = target(w, pte);
		if (pfn < w->nr_pfns && xl_image_has(w->img, pfn) && !w->level[pfn])
			w->level[pfn] = (uint8_t)(level - 1);
	}
	return r;
}

static int mark_all_below(const struct walk *w, unsigned top)
{
	for (unsigned l = top; l > 1; l--) {
		for (xl_pfn_t pfn = 0; pfn < w->nr_pfns; pfn++) {
			int r = w->level[pfn] == l ? mark_below(w, pfn, l) : 0;

			if (r == 0 && pfn % 4096 == 0)
				r = xl_check_cancel(w->x);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int xl_image_find_tables(struct xl_ctx *x, struct xl_image *img, const struct xl_m2p *m2p,
			 uint8_t *level, uint64_t nr_pfns)
{
	const struct walk w = { x, img, m2p, level, nr_pfns };

	if (!mark_roots(&w))
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -ENOENT,
			       "no page of the file is a top page table of a 64-bit PV guest");
	return mark_all_below(&w, 4);
}

int xl_image_find_tables_32(struct xl_ctx *x, struct xl_image *img, const struct xl_m2p *m2p,
			    const struct xl_cut *cut, uint8_t *level)
{
	const struct walk w = { x, img, m2p, level, cut->nr_pfns };
	uint64_t xens;

	if (!find_xen_entry(&w, cut->vcpu, cut->vcpus, &xens))
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -ENOENT,
			       "no vCPU in the file has the page tables of a 32-bit PV guest");
	mark_l3s(&w, xens);
	return mark_all_below(&w, 3);
}
