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
#include "guest/physmap.h"

#include "base/bytes.h"
#include "page/canonicalise.h"
#include "page/context32.h"

/* What differs between guests of 64 and of 32 bits: the size of a number, its places in shared_info,
 * levels of page tables, and from where on an entry of the p2m cannot be a frame.  Linux marks entries of
 * foreign and identity frames in the two upper bits, and of 64 bits that is far beyond any host. */
static const struct form {
	unsigned width;
	unsigned max_pfn, list_list, p2m_cr3, p2m_vaddr, p2m_generation;
	unsigned levels;
	xl_mfn_t no_frame;
} form64 = { 8, 3088, 3096, 3112, 3120, 3128, 4, (xl_mfn_t)1 << 62 },
  form32 = { 4, 2316, 2320, 2328, 2332, 2336, 3, (xl_mfn_t)1 << 30 };

#define BATCH 64

#define PTE_PRESENT 1ULL
#define PTE_FRAME(pte) ((pte) >> 12 & 0xffffffffffULL)

/* What the guest publishes. */
struct p2m_root {
	uint64_t max_pfn; /* number of entries */
	uint64_t list_list;
	uint64_t cr3, vaddr, generation;
};

struct xl_physmap_pv {
	const struct form *form;
	size_t per_page; /* numbers in a page of the p2m, or of the lists */
	xl_mfn_t max_mfn;
	struct p2m_root root;
	size_t nr_pages, cap_pages; /* pages of p2m */
	xl_mfn_t *page;             /* their mfns; XL_INVALID_FRAME: all holes */
	xl_pfn_t *page_pfn;         /* their pfns, by which the dirty log knows them */
	xl_mfn_t *upper, *lower;    /* scratch for the walk, cap_pages each */
};

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

static uint64_t get_number(const struct form *f, const uint8_t *at)
{
	return f->width == 8 ? xl_get_le64(at) : xl_get_le32(at);
}

static int read_root(struct xl_hv *hv, const struct xl_domain *dom, const struct form *f,
		     struct p2m_root *ret)
{
	uint8_t si[XL_PAGE_SIZE];
	int r;

	hv->doing = "read shared_info";
	r = hv->ops->shared_info(hv, dom, si);
	if (r < 0)
		return r;
	ret->max_pfn = get_number(f, si + f->max_pfn);
	ret->list_list = get_number(f, si + f->list_list);
	ret->cr3 = get_number(f, si + f->p2m_cr3);
	ret->vaddr = get_number(f, si + f->p2m_vaddr);
	ret->generation = get_number(f, si + f->p2m_generation);
	return 0;
}

/* Called for each of a list of pages, with a stable copy, or NULL when it cannot be read. */
typedef void (*page_fn)(void *data, size_t i, const uint8_t *page);

static int for_each_page(struct xl_hv *hv, uint32_t domid, const xl_mfn_t *mfn, size_t n,
			 page_fn fn, void *data)
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
	const struct form *list; /* of bare mfns; NULL: page table entries */
	size_t per_page;
	xl_mfn_t max_mfn;
	xl_mfn_t *out;
};

static xl_mfn_t level_entry(const struct level *l, const uint8_t *page, uint64_t e)
{
	uint64_t pte;

	if (l->list)
		return get_number(l->list, page + e * l->list->width);
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
static bool credible(const struct form *f, uint64_t start, uint64_t last)
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
		r = for_each_page(hv, domid, from, n, take_level, &l);
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
	r = for_each_page(hv, domid, &pv->root.list_list, 1, take_level, &l);
	if (r < 0)
		return r;
	l.n = pages;
	l.out = pv->page;
	r = for_each_page(hv, domid, pv->upper, lists, take_level, &l);
	if (r < 0)
		return r;
	pv->nr_pages = pages;
	return 0;
}

static int walk(struct xl_hv *hv, uint32_t domid, struct xl_physmap_pv *pv)
{
	return pv->root.cr3 ? walk_linear(hv, domid, pv) : walk_list(hv, domid, pv);
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
	const struct form *f = m->pv->form;
	uint64_t first = (t->page + i) * m->pv->per_page;

	for (uint64_t e = 0; e < m->pv->per_page && first + e < m->pv->root.max_pfn; e++) {
		uint64_t pfn = first + e;
		xl_mfn_t mfn = page ? get_number(f, page + e * f->width) : XL_INVALID_FRAME;

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

	return for_each_page(hv, domid, m->pv->page, m->pv->nr_pages, take_p2m, &t);
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
		r = for_each_page(hv, domid, &m->pv->page[i], 1, take_p2m, &t);
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

static int check_root(struct xl_ctx *x, const struct xl_domain *dom, const struct form *f,
		      const struct p2m_root *root)
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
			       "the guest claims %" PRIu64 " pages of address space and owns %" PRIu64
			       ": not believed",
			       root->max_pfn, have);
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
			       "a %u-bit PV guest: there are only those of 64 and 32 bits", width);
	pv = ret->pv = calloc(1, sizeof(*ret->pv));
	if (!pv)
		return xl_err(x, -ENOMEM, "p2m");
	ret->narrow = width == 32;
	pv->form = ret->narrow ? &form32 : &form64;
	pv->per_page = XL_PAGE_SIZE / pv->form->width;
	pv->max_mfn = max_mfn;
	r = read_root(hv, dom, pv->form, &pv->root);
	if (r < 0)
		return xl_err(x, r, "read shared_info");
	r = check_root(x, dom, pv->form, &pv->root);
	if (r < 0)
		return r;
	r = allocate(ret);
	if (r < 0)
		return xl_err(x, r, "p2m of %" PRIu64 " frames", pv->root.max_pfn);
	r = walk(hv, dom->domid, pv);
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
	struct p2m_root now;
	bool moved;
	int r = read_root(hv, dom, pv->form, &now);

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
	r = walk(hv, dom->domid, pv);
	if (r < 0)
		return r;
	/* page_pfn is stale now, so that all pages must be read from here on: forget the pfns. */
	if (moved)
		memset(pv->page_pfn, 0xff, pv->cap_pages * sizeof(*pv->page_pfn));
	return read_p2m(hv, dom->domid, m, dirty);
}
