/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory layout of an auto-translated guest (PVH, HVM).
 *
 * dom0 cannot ask Xen for a guest's memory map: XENMEM_memory_map answers about the caller alone.
 * What can be asked is the type of each gfn, 1024 a call, and how many frames the guest owns.  A
 * 128 MiB guest has a gfn space of a million, for its special pages sit just below 4 GiB.  So the
 * places where toolstacks put memory are asked first, and when every owned frame has been seen the
 * rest need not be.  The order is a guess; the count is not: where it does not add up, all is asked.
 */
#include "guest/physmap.h"

/* Where libxl and the firmware put things (xen tools/include/xenguest.h, hvm_loader's config.h). */
#define SPECIAL_FIRST 0xfe000ULL /* special pages and ACPI tables: below 0xff000, 16 MiB window */
#define HOLE_FIRST 0xf0000ULL    /* HVM_BELOW_4G_MMIO_START: RAM below, device memory above */
#define GFN_4G 0x100000ULL       /* RAM goes on here */

struct range {
	uint64_t first, end;
};

/* Ask for [first, end) and set the bits of those that exist; *found counts new ones.  Stops early
 * when `enough` were found. */
static int scan(struct xl_hv *hv, uint32_t domid, struct range rg, struct xl_bitmap *present,
		uint64_t *found, uint64_t enough)
{
	xl_frame_t gfn[XL_TYPES_MAX];
	uint8_t type[XL_TYPES_MAX];

	while (rg.first < rg.end && *found < enough) {
		size_t n = XL_TYPES_MAX;
		int r;

		if (n > rg.end - rg.first)
			n = rg.end - rg.first;
		for (size_t i = 0; i < n; i++)
			gfn[i] = rg.first + i;
		r = hv->ops->page_types(hv, domid, gfn, n, type);
		if (r < 0)
			return r;
		for (size_t i = 0; i < n; i++) {
			if (type[i] != XL_PAGE_NOTAB || xl_bitmap_test(present, gfn[i]))
				continue;
			xl_bitmap_set(present, gfn[i]);
			(*found)++;
		}
		rg.first += n;
	}
	return 0;
}

static struct range clamp(uint64_t first, uint64_t end, uint64_t nr)
{
	return (struct range){ first < nr ? first : nr, end < nr ? end : nr };
}

/* All of it, likeliest places first. */
static int scan_all(struct xl_hv *hv, uint32_t domid, struct xl_bitmap *present, uint64_t enough)
{
	uint64_t nr = present->nbits;
	const struct range order[] = {
		clamp(SPECIAL_FIRST, GFN_4G, nr),
		clamp(0, HOLE_FIRST, nr),
		clamp(GFN_4G, nr, nr),
		clamp(HOLE_FIRST, SPECIAL_FIRST, nr),
	};
	uint64_t found = 0;

	for (size_t i = 0; i < XL_ARRAY_SIZE(order); i++) {
		int r = scan(hv, domid, order[i], present, &found, enough);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Pages of Xen's own in the guest's physmap: they do not count as the guest's, and their type does
 * not tell them from holes, but they can be mapped. */
static int add_xen_frames(struct xl_ctx *x, struct xl_hv *hv, const struct xl_domain *dom,
			  struct xl_physmap *m)
{
	xl_frame_t frame[XL_MAX_XEN_FRAMES];
	size_t n;
	int r = xl_bitmap_init(&m->xen, m->nr_pfns);

	if (r == 0)
		r = hv->ops->xen_frames(hv, dom, frame, &n);
	if (r < 0)
		return xl_err(x, r, "ask where the grant table is");
	for (size_t i = 0; i < n; i++) {
		void *page;
		int err;

		if (frame[i] >= m->nr_pfns || xl_bitmap_test(&m->present, frame[i]))
			continue;
		r = hv->ops->map(hv, dom->domid, &frame[i], 1, &err, &page);
		if (r < 0)
			return xl_err(x, r, "map a page of Xen's own");
		hv->ops->unmap(hv, page, 1);
		if (xl_map_err_passes(err))
			return xl_err(x, err, "map a page of Xen's own");
		if (err < 0)
			continue; /* it has no place in the guest */
		xl_bitmap_set(&m->present, frame[i]);
		xl_bitmap_set(&m->xen, frame[i]);
	}
	return 0;
}

/* Where its highest page is, a guest says itself: it can move one anywhere.  It must not size our
 * memory by that, nor how many gaps are asked for inside the pause.  Memory, holes and devices of a
 * real guest are far from thirty times what it owns. */
static int check_nr_gfns(struct xl_ctx *x, const struct xl_domain *dom, uint64_t nr)
{
	uint64_t have = dom->max_pages > dom->tot_pages ? dom->max_pages : dom->tot_pages;

	if (nr > 0 && nr <= XL_MAX_PFNS && (nr <= 2 * GFN_4G || nr / 32 <= have))
		return 0;
	return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -ERANGE,
		       "the guest has an address space of %" PRIu64 " pages but owns only %" PRIu64
		       ", which is implausible", nr, have);
}

int xl_physmap_hvm_build(struct xl_ctx *x, struct xl_hv *hv, const struct xl_domain *dom,
			 struct xl_physmap *ret)
{
	struct xl_domain after;
	uint64_t pod;
	int r;

	/* Asking for the type of a populate-on-demand frame gives it memory, and crashes the guest
	 * when there is none left (xen/arch/x86/mm/p2m-pod.c). */
	r = hv->ops->pod_entries(hv, dom->domid, &pod);
	if (r < 0)
		return xl_err(x, r, "ask for populate-on-demand memory");
	if (pod)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "%" PRIu64 " pages of the guest are populate-on-demand: reading them "
			       "could crash it; wait until its balloon driver has reached the target "
			       "(xl list, xl mem-set)",
			       pod);
	r = hv->ops->nr_gfns(hv, dom->domid, &ret->nr_pfns);
	if (r < 0)
		return xl_err(x, r, "ask for the highest gfn");
	r = check_nr_gfns(x, dom, ret->nr_pfns);
	if (r < 0)
		return r;
	r = xl_bitmap_init(&ret->present, ret->nr_pfns);
	if (r < 0)
		return xl_err(x, r, "map of %" PRIu64 " gfns", ret->nr_pfns);
	r = scan_all(hv, dom->domid, &ret->present, dom->tot_pages);
	if (r < 0)
		return xl_err(x, r, "ask for the types of pages");
	r = hv->ops->domain_info(hv, dom->domid, &after);
	if (r < 0)
		return xl_err(x, r, "look at the domain again");
	/* If it ballooned meanwhile the count proves nothing. */
	if (after.tot_pages != dom->tot_pages)
		r = scan_all(hv, dom->domid, &ret->present, UINT64_MAX);
	return r < 0 ? xl_err(x, r, "ask for the types of all pages") :
		       add_xen_frames(x, hv, dom, ret);
}

/* The end of memory in a range: one more than the last gfn there that exists. */
static uint64_t memory_end(const struct xl_bitmap *present, struct range rg)
{
	uint64_t end = rg.first, n = rg.first;

	while ((n = xl_bitmap_next(present, n)) < rg.end) {
		n = xl_bitmap_next_clear(present, n);
		end = n;
	}
	return end < rg.end ? end : rg.end;
}

/* Xen up to 4.18 does not log pages that appear: ask for all that were absent in a range.  A guest
 * that has not been ballooned has few: the 128 KiB of the VGA hole. */
static int look_at_gaps(struct xl_hv *hv, uint32_t domid, struct xl_physmap *m, struct range rg,
			struct xl_bitmap *dirty)
{
	uint64_t end = rg.end, n = rg.first;

	while ((n = xl_bitmap_next_clear(&m->present, n)) < end) {
		xl_frame_t gfn[XL_TYPES_MAX];
		uint8_t type[XL_TYPES_MAX];
		size_t k = 0;
		int r;

		for (; n < end && k < XL_TYPES_MAX; n = xl_bitmap_next_clear(&m->present, n + 1))
			gfn[k++] = n;
		r = hv->ops->page_types(hv, domid, gfn, k, type);
		if (r < 0)
			return r;
		for (size_t i = 0; i < k; i++) {
			if (type[i] != XL_PAGE_NOTAB)
				continue;
			xl_bitmap_set(&m->present, gfn[i]);
			if (dirty)
				xl_bitmap_set(dirty, gfn[i]);
		}
	}
	return 0;
}

/* Where pages may appear: up to the last one that is there, and as far as a guest may grow that was
 * ballooned down and has nothing at the top of its memory now. */
static struct range memory_range(const struct xl_physmap *m, struct range rg, uint64_t may_have)
{
	uint64_t end = memory_end(&m->present, rg);

	if (end - rg.first < may_have)
		end = may_have < rg.end - rg.first ? rg.first + may_have : rg.end;
	return (struct range){ rg.first, end };
}

/* Pages are missing: ask for all that were there. */
static int look_for_removed(struct xl_hv *hv, uint32_t domid, struct xl_physmap *m)
{
	uint64_t n = 0;

	while ((n = xl_bitmap_next(&m->present, n)) < m->nr_pfns) {
		xl_frame_t gfn[XL_TYPES_MAX];
		uint8_t type[XL_TYPES_MAX];
		size_t k = 0;
		int r;

		for (; n < m->nr_pfns && k < XL_TYPES_MAX; n = xl_bitmap_next(&m->present, n + 1))
			gfn[k++] = n;
		r = hv->ops->page_types(hv, domid, gfn, k, type);
		if (r < 0)
			return r;
		for (size_t i = 0; i < k; i++) {
			if (type[i] != XL_PAGE_NOTAB && !xl_bitmap_test(&m->xen, gfn[i]))
				xl_bitmap_clear(&m->present, gfn[i]);
		}
	}
	return 0;
}

int xl_physmap_hvm_refresh(struct xl_hv *hv, const struct xl_domain *dom, struct xl_physmap *m,
			   struct xl_bitmap *dirty)
{
	uint64_t low_end = memory_end(&m->present, clamp(0, HOLE_FIRST, m->nr_pfns));
	uint64_t nr, beyond;
	struct range low;
	int r;

	hv->doing = "ask for the highest gfn";
	r = hv->ops->nr_gfns(hv, dom->domid, &nr);
	if (r < 0)
		return r;
	if (nr > m->nr_pfns)
		return -EOVERFLOW;
	hv->doing = "ask for the types of pages";
	low = memory_range(m, clamp(0, HOLE_FIRST, m->nr_pfns), dom->max_pages);
	beyond = dom->max_pages > low_end ? dom->max_pages - low_end : 0;
	r = look_at_gaps(hv, dom->domid, m, low, dirty);
	if (r < 0)
		return r;
	r = look_at_gaps(hv, dom->domid, m,
			 memory_range(m, clamp(GFN_4G, m->nr_pfns, m->nr_pfns), beyond), dirty);
	if (r < 0)
		return r;
	if (xl_bitmap_count(&m->present) - xl_bitmap_count(&m->xen) <= dom->tot_pages)
		return 0;
	return look_for_removed(hv, dom->domid, m);
}
