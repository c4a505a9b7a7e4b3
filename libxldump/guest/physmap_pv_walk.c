/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pages of a PV guest's p2m, found from what it publishes.  Nothing is believed: each number is
 * read once into our memory, then checked. */
#include "guest/physmap_pv_private.h"

#include "hv/context32.h"

const struct xl_p2m_form xl_p2m_form64 = { 8, 3088, 3096, 3112, 3120, 3128, 4, (xl_mfn_t)1 << 62 };
const struct xl_p2m_form xl_p2m_form32 = { 4, 2316, 2320, 2328, 2332, 2336, 3, (xl_mfn_t)1 << 30 };

#define BATCH 64

#define PTE_PRESENT 1ULL
#define PTE_FRAME(pte) ((pte) >> 12 & 0xffffffffffULL)

int xl_p2m_read_root(struct xl_hv *hv, const struct xl_domain *dom, const struct xl_p2m_form *f,
		     struct xl_p2m_root *ret)
{
	uint8_t si[XL_PAGE_SIZE];
	int r;

	hv->doing = "read shared_info";
	r = hv->ops->shared_info(hv, dom, si);
	if (r < 0)
		return r;
	ret->max_pfn = xl_p2m_number(f, si + f->max_pfn);
	ret->list_list = xl_p2m_number(f, si + f->list_list);
	ret->cr3 = xl_p2m_number(f, si + f->p2m_cr3);
	ret->vaddr = xl_p2m_number(f, si + f->p2m_vaddr);
	ret->generation = xl_p2m_number(f, si + f->p2m_generation);
	return 0;
}

int xl_p2m_for_each_page(struct xl_hv *hv, uint32_t domid, const xl_mfn_t *mfn, size_t n,
			 xl_p2m_page_fn fn, void *data)
{
	uint8_t copy[XL_PAGE_SIZE];
	int err[BATCH];

	for (size_t i = 0; i < n; i += BATCH) {
		size_t k = n - i < BATCH ? n - i : BATCH;
		void *addr;
		int r = hv->ops->map(hv, domid, mfn + i, k, err, &addr);

		/* A frame that cannot be mapped has an error of its own; this is another trouble. */
		if (r < 0)
			return r;
		for (size_t j = 0; j < k && r == 0; j++) {
			if (xl_map_err_passes(err[j])) {
				r = err[j];
				break;
			}
			if (err[j] < 0) {
				fn(data, i + j, NULL);
				continue;
			}
			memcpy(copy, (uint8_t *)addr + j * XL_PAGE_SIZE, sizeof(copy));
			fn(data, i + j, copy);
		}
		hv->ops->unmap(hv, addr, k);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One level of a walk: entries [first, first + n) of the tables, counted over all of them, go to
 * out. */
struct level {
	uint64_t first, n;       /* entries wanted; `first` is within the first table */
	const struct xl_p2m_form *list; /* of bare mfns; NULL: page table entries */
	size_t per_page;
	xl_mfn_t max_mfn;
	xl_mfn_t *out;
};

static xl_mfn_t level_entry(const struct level *l, const uint8_t *page, uint64_t e)
{
	uint64_t pte;

	if (l->list)
		return xl_p2m_number(l->list, page + e * l->list->width);
	pte = xl_get_le64(page + e * sizeof(pte));
	return pte & PTE_PRESENT ? PTE_FRAME(pte) : 0;
}

static void take_level(void *data, size_t i, const uint8_t *page)
{
	struct level *l = data;
	uint64_t lo = i == 0 ? l->first : 0;

	for (uint64_t e = lo; e < l->per_page; e++) {
		uint64_t at = i * l->per_page + e - l->first;
		xl_mfn_t v;

		if (at >= l->n)
			return;
		v = page ? level_entry(l, page, e) : 0;
		/* 0 is Xen's own frame: never a guest's. */
		l->out[at] = v == 0 || v > l->max_mfn ? XL_INVALID_FRAME : v;
	}
}

static bool canonical(uint64_t va)
{
	return va >> 47 == 0 || va >> 47 == 0x1ffff;
}

/* Whether the array can be where the guest says. */
static bool credible(const struct xl_p2m_form *f, uint64_t start, uint64_t last)
{
	if (start & XL_PAGE_MASK || last < start)
		return false;
	if (f->width == 4)
		return last <= UINT32_MAX;
	return canonical(start) && canonical(last) && start >> 47 == last >> 47;
}

static xl_mfn_t root_frame(const struct xl_physmap_pv *pv)
{
	return pv->form->width == 4 ? xl_cr3_32_frame((uint32_t)pv->root.cr3) :
				      pv->root.cr3 >> XL_PAGE_SHIFT;
}

/* Linear form: from the top table down to the p2m pages. */
static int walk_linear(struct xl_hv *hv, uint32_t domid, struct xl_physmap_pv *pv)
{
	uint64_t start = pv->root.vaddr;
	uint64_t last = start + pv->root.max_pfn * pv->form->width - 1;
	xl_mfn_t *from = pv->upper, *to = pv->lower;
	size_t n = 1;

	if (!credible(pv->form, start, last))
		return -EINVAL;
	from[0] = root_frame(pv);
	for (unsigned level = pv->form->levels; level >= 1; level--) {
		unsigned shift = 12 + 9 * (level - 1);
		uint64_t first = start >> shift, end = (last >> shift) + 1;
		struct level l = { .first = first % XL_PTES_PER_PAGE,
				   .n = end - first,
				   .per_page = XL_PTES_PER_PAGE,
				   .max_mfn = pv->max_mfn,
				   .out = level == 1 ? pv->page : to };
		int r;

		if (l.n > pv->cap_pages)
			return -EOVERFLOW;
		r = xl_p2m_for_each_page(hv, domid, from, n, take_level, &l);
		if (r < 0)
			return r;
		n = l.n;
		to = from;
		from = l.out;
	}
	pv->nr_pages = n;
	return 0;
}

/* Three-level form. */
static int walk_list(struct xl_hv *hv, uint32_t domid, struct xl_physmap_pv *pv)
{
	size_t pages = (pv->root.max_pfn + pv->per_page - 1) / pv->per_page;
	size_t lists = (pages + pv->per_page - 1) / pv->per_page;
	struct level l = { .list = pv->form, .per_page = pv->per_page, .max_mfn = pv->max_mfn,
			   .n = lists, .out = pv->upper };
	int r;

	if (lists > pv->per_page) /* what one page can name: 512 GiB, or 4 TiB of 32 bits */
		return -E2BIG;
	if (pages > pv->cap_pages)
		return -EOVERFLOW;
	r = xl_p2m_for_each_page(hv, domid, &pv->root.list_list, 1, take_level, &l);
	if (r < 0)
		return r;
	l.n = pages;
	l.out = pv->page;
	r = xl_p2m_for_each_page(hv, domid, pv->upper, lists, take_level, &l);
	if (r < 0)
		return r;
	pv->nr_pages = pages;
	return 0;
}

int xl_p2m_walk(struct xl_hv *hv, uint32_t domid, struct xl_physmap_pv *pv)
{
	return pv->root.cr3 ? walk_linear(hv, domid, pv) : walk_list(hv, domid, pv);
}
