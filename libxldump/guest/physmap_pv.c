/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory layout of a PV guest: its own p2m, which it publishes through shared_info in one of two
 * forms (xen/include/public/arch-x86/xen.h, struct arch_shared_info):
 *
 *   linear      p2m_cr3 != 0: an array in the guest's kernel space at p2m_vaddr, reached through the
 *               page tables under p2m_cr3; p2m_generation changes with the place of its pages
 *   three-level pfn_to_mfn_frame_list_list names a page of mfns of pages of mfns of p2m pages
 *
 * Either way the result is one list: the mfn of each p2m page, and from these the p2m.  All of it
 * is written by the guest at will: read once into our memory, then checked.
 *
 * A 32-bit guest has numbers of 4 bytes in shared_info, the lists and the p2m, three levels of page
 * tables with entries of 8 bytes, and a CR3 that is put together in another way.
 */
#include "guest/physmap_pv_private.h"

#include "guest/m2p.h"

void xl_physmap_pv_destroy(struct xl_physmap_pv *pv)
{
	if (!pv)
		return;
	free(pv->page);
	free(pv->page_pfn);
	free(pv->upper);
	free(pv->lower);
	free(pv);
}

struct take {
	struct xl_physmap *m;
	struct xl_bitmap *dirty;
	size_t page; /* which p2m page the first one of this call is */
};

/* Entries of one p2m page into the p2m. */
static void take_p2m(void *data, size_t i, const uint8_t *page)
{
	struct take *t = data;
	struct xl_physmap *m = t->m;
	const struct xl_p2m_form *f = m->pv->form;
	uint64_t first = (t->page + i) * m->pv->per_page;

	for (uint64_t e = 0; e < m->pv->per_page && first + e < m->pv->root.max_pfn; e++) {
		uint64_t pfn = first + e;
		xl_mfn_t mfn = page ? xl_p2m_number(f, page + e * f->width) : XL_INVALID_FRAME;

		/* Frames of others, and of nobody, are no memory of the guest's own
		 * (arch/x86/include/asm/xen/page.h). */
		if (mfn == 0 || mfn > m->pv->max_mfn || mfn >= f->no_frame)
			mfn = XL_INVALID_FRAME;
		if (mfn == m->p2m[pfn])
			continue;
		m->p2m[pfn] = mfn;
		if (mfn == XL_INVALID_FRAME) {
			xl_bitmap_clear(&m->present, pfn);
			continue;
		}
		xl_bitmap_set(&m->present, pfn);
		if (t->dirty)
			xl_bitmap_set(t->dirty, pfn);
	}
}

static int read_p2m(struct xl_hv *hv, uint32_t domid, struct xl_physmap *m,
		    struct xl_bitmap *dirty)
{
	struct take t = { .m = m, .dirty = dirty };

	return xl_p2m_for_each_page(hv, domid, m->pv->page, m->pv->nr_pages, take_p2m, &t);
}

/* Only p2m pages that the log names, and those that it cannot know. */
static int read_dirty_p2m(struct xl_hv *hv, uint32_t domid, struct xl_physmap *m,
			  struct xl_bitmap *dirty)
{
	for (size_t i = 0; i < m->pv->nr_pages; i++) {
		struct take t = { .m = m, .dirty = dirty, .page = i };
		xl_pfn_t pfn = m->pv->page_pfn[i];
		int r;

		if (m->pv->page[i] == XL_INVALID_FRAME)
			continue;
		if (pfn != XL_INVALID_FRAME && !xl_bitmap_test(dirty, pfn))
			continue;
		r = xl_p2m_for_each_page(hv, domid, &m->pv->page[i], 1, take_p2m, &t);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Under which pfns the p2m pages themselves are. */
static int find_p2m_pfns(struct xl_physmap *m)
{
	struct xl_m2p m2p;
	int r = xl_m2p_init(&m2p, m->p2m, m->nr_pfns);

	if (r < 0)
		return r;
	for (size_t i = 0; i < m->pv->nr_pages; i++)
		m->pv->page_pfn[i] = xl_m2p_lookup(&m2p, m->pv->page[i]);
	xl_m2p_deinit(&m2p);
	return 0;
}

/* Memory for a p2m of max_pfn entries. */
static int allocate(struct xl_physmap *m)
{
	struct xl_physmap_pv *pv = m->pv;
	int r;

	m->nr_pfns = pv->root.max_pfn;
	r = xl_bitmap_init(&m->present, m->nr_pfns);
	if (r < 0)
		return r;
	/* One more than needed, for an array that does not start on a table's boundary. */
	pv->cap_pages = (m->nr_pfns + pv->per_page - 1) / pv->per_page + 1;
	m->p2m = malloc(m->nr_pfns * sizeof(*m->p2m));
	pv->page = calloc(pv->cap_pages, sizeof(*pv->page));
	pv->page_pfn = calloc(pv->cap_pages, sizeof(*pv->page_pfn));
	pv->upper = calloc(pv->cap_pages, sizeof(*pv->upper));
	pv->lower = calloc(pv->cap_pages, sizeof(*pv->lower));
	if (!m->p2m || !pv->page || !pv->page_pfn || !pv->upper || !pv->lower)
		return -ENOMEM;
	memset(m->p2m, 0xff, m->nr_pfns * sizeof(*m->p2m));
	return 0;
}

static int check_root(struct xl_ctx *x, const struct xl_domain *dom, const struct xl_p2m_form *f,
		      const struct xl_p2m_root *root)
{
	uint64_t have = dom->max_pages > dom->tot_pages ? dom->max_pages : dom->tot_pages;
	uint64_t none = f->width == 8 ? UINT64_MAX : UINT32_MAX;

	if (root->cr3 == 0 && (root->list_list == 0 || root->list_list == none))
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "the guest has not published its p2m yet: it is still booting, or "
			       "was built without support for being saved; try again later");
	/* A guest may have been started with a fraction of the memory that it can grow to, but the
	 * number is its own: it must not size our memory at will. */
	if (root->max_pfn == 0 || root->max_pfn > XL_MAX_PFNS ||
	    root->max_pfn > have * 32 + ((uint64_t)1 << 20))
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -ERANGE,
			       "the guest claims %" PRIu64 " pages of address space but owns only "
			       "%" PRIu64 ", which is implausible", root->max_pfn, have);
	return 0;
}

int xl_physmap_pv_build(struct xl_ctx *x, struct xl_hv *hv, const struct xl_domain *dom,
			uint64_t max_mfn, struct xl_physmap *ret)
{
	struct xl_physmap_pv *pv;
	unsigned width;
	int r;

	r = hv->ops->guest_width(hv, dom->domid, &width);
	if (r < 0)
		return xl_err(x, r, "ask for the guest's width");
	if (width != 64 && width != 32)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "a %u-bit PV guest: only 64 and 32 bits are supported", width);
	pv = ret->pv = calloc(1, sizeof(*ret->pv));
	if (!pv)
		return xl_err(x, -ENOMEM, "p2m");
	ret->narrow = width == 32;
	pv->form = ret->narrow ? &xl_p2m_form32 : &xl_p2m_form64;
	pv->per_page = XL_PAGE_SIZE / pv->form->width;
	pv->max_mfn = max_mfn;
	r = xl_p2m_read_root(hv, dom, pv->form, &pv->root);
	if (r < 0)
		return xl_err(x, r, "read shared_info");
	r = check_root(x, dom, pv->form, &pv->root);
	if (r < 0)
		return r;
	r = allocate(ret);
	if (r < 0)
		return xl_err(x, r, "p2m of %" PRIu64 " frames", pv->root.max_pfn);
	r = xl_p2m_walk(hv, dom->domid, pv);
	if (r < 0)
		return xl_err(x, r, "find the guest's p2m (%s form)",
			      pv->root.cr3 ? "linear" : "three-level");
	r = read_p2m(hv, dom->domid, ret, NULL);
	if (r < 0)
		return xl_err(x, r, "read the guest's p2m");
	r = find_p2m_pfns(ret);
	return r < 0 ? xl_err(x, r, "invert the guest's p2m") : 0;
}

/* The guest says that it has less than before. */
static void forget_beyond(struct xl_physmap *m, uint64_t max_pfn)
{
	for (xl_pfn_t pfn = xl_bitmap_next(&m->present, max_pfn); pfn < m->nr_pfns;
	     pfn = xl_bitmap_next(&m->present, pfn + 1)) {
		m->p2m[pfn] = XL_INVALID_FRAME;
		xl_bitmap_clear(&m->present, pfn);
	}
}

int xl_physmap_pv_refresh(struct xl_hv *hv, const struct xl_domain *dom, struct xl_physmap *m,
			  struct xl_bitmap *dirty)
{
	struct xl_physmap_pv *pv = m->pv;
	struct xl_p2m_root now;
	bool moved;
	int r = xl_p2m_read_root(hv, dom, pv->form, &now);

	if (r < 0)
		return r;
	if (now.max_pfn > m->nr_pfns)
		return -EOVERFLOW;
	moved = now.max_pfn != pv->root.max_pfn || now.cr3 != pv->root.cr3 ||
		now.vaddr != pv->root.vaddr || now.generation != pv->root.generation ||
		now.list_list != pv->root.list_list;
	hv->doing = "read the guest's p2m";
	/* The three-level form has no generation: it may have moved unseen. */
	if (!moved && now.cr3 && dirty)
		return read_dirty_p2m(hv, dom->domid, m, dirty);
	pv->root = now;
	forget_beyond(m, now.max_pfn);
	r = xl_p2m_walk(hv, dom->domid, pv);
	if (r < 0)
		return r;
	/* page_pfn is stale now, so that all pages must be read from here on: forget the pfns. */
	if (moved)
		memset(pv->page_pfn, 0xff, pv->cap_pages * sizeof(*pv->page_pfn));
	return read_p2m(hv, dom->domid, m, dirty);
}
