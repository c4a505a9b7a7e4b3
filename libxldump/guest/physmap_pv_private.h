/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two files of a PV guest's memory layout share: its forms, and the way to the pages of the
 * p2m. */
#ifndef XL_GUEST_PHYSMAP_PV_PRIVATE_H
#define XL_GUEST_PHYSMAP_PV_PRIVATE_H

#include "base/bytes.h"
#include "guest/physmap.h"

/* What differs between guests of 64 and of 32 bits: the size of a number, its places in shared_info,
 * levels of page tables, and from where on an entry of the p2m cannot be a frame.  Linux marks
 * entries of foreign and identity frames in the two upper bits, and of 64 bits that is far beyond any
 * host. */
struct xl_p2m_form {
	unsigned width;
	unsigned max_pfn, list_list, p2m_cr3, p2m_vaddr, p2m_generation;
	unsigned levels;
	xl_mfn_t no_frame;
};

extern const struct xl_p2m_form xl_p2m_form64, xl_p2m_form32;

/* What the guest publishes. */
struct xl_p2m_root {
	uint64_t max_pfn; /* number of entries */
	uint64_t list_list;
	uint64_t cr3, vaddr, generation;
};

struct xl_physmap_pv {
	const struct xl_p2m_form *form;
	size_t per_page; /* numbers in a page of the p2m, or of the lists */
	xl_mfn_t max_mfn;
	struct xl_p2m_root root;
	size_t nr_pages, cap_pages; /* pages of p2m */
	xl_mfn_t *page;             /* their mfns; XL_INVALID_FRAME: all holes */
	xl_pfn_t *page_pfn;         /* their pfns, by which the dirty log knows them */
	xl_mfn_t *upper, *lower;    /* scratch for the walk, cap_pages each */
};

static inline uint64_t xl_p2m_number(const struct xl_p2m_form *f, const uint8_t *at)
{
	return f->width == 8 ? xl_get_le64(at) : xl_get_le32(at);
}

_must_check_ int xl_p2m_read_root(struct xl_hv *hv, const struct xl_domain *dom,
				  const struct xl_p2m_form *f, struct xl_p2m_root *ret);

/* Called for each of a list of pages, with a stable copy, or NULL when it cannot be read. */
typedef void (*xl_p2m_page_fn)(void *data, size_t i, const uint8_t *page);

_must_check_ int xl_p2m_for_each_page(struct xl_hv *hv, uint32_t domid, const xl_mfn_t *mfn, size_t n,
				      xl_p2m_page_fn fn, void *data);

/* Find the pages of the p2m: pv->page and pv->nr_pages, by pv->root. */
_must_check_ int xl_p2m_walk(struct xl_hv *hv, uint32_t domid, struct xl_physmap_pv *pv);

#endif
