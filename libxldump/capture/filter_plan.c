/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the guest's kernel has its struct pages, seen while the guest runs: these pages are kept for
 * the judgement at T of what is left out.
 *
 * The guest may move them meanwhile; then the judgement does not find them, and leaves in the pages
 * that they are about. */
#include "capture/filter_plan.h"

#include <string.h>

#include "base/bytes.h"
#include "page/canonicalise.h"
#include "page/filter.h"

/* Pages remembered: page tables and sections are read 8 bytes at a time. */
#define CACHE_PAGES 64

struct live {
	struct xl_engine *e;
	struct xl_m2p m2p;
	xl_pfn_t pfn[CACHE_PAGES];
	uint8_t page[CACHE_PAGES][XL_PAGE_SIZE] __attribute__((__aligned__(8)));
};

static void live_freep(struct live **l)
{
	if (*l)
		xl_m2p_deinit(&(*l)->m2p);
	free(*l);
}

/* A PV guest's page tables as the dump will have them. */
static void make_canonical(struct live *l, uint8_t type, uint8_t *page)
{
	if (type < XL_PAGE_L1TAB || type > XL_PAGE_L4TAB)
		return;
	for (unsigned i = 0; i < XL_PTES_PER_PAGE; i++)
		xl_put_le64(page + 8 * i, xl_canonical_entry(&l->m2p, type, i,
							     xl_get_le64(page + 8 * i)));
}

static int fetch(struct live *l, xl_pfn_t pfn, const uint8_t **ret)
{
	struct xl_copier *c = &l->e->copier;
	size_t slot = pfn % CACHE_PAGES;
	uint8_t type;
	int r;

	*ret = l->page[slot];
	if (l->pfn[slot] == pfn)
		return 0;
	if (!xl_bitmap_test(&l->e->map->present, pfn))
		return -EFAULT;
	l->pfn[slot] = XL_INVALID_FRAME;
	r = xl_copier_read(c, &pfn, 1, l->page[slot], &type);
	if (r < 0)
		return r;
	if (type == XL_PAGE_XTAB)
		return -EFAULT;
	make_canonical(l, type, l->page[slot]);
	l->pfn[slot] = pfn;
	return 0;
}

/* xl_read_part_fn */
static int read_part(void *data, xl_pfn_t pfn, size_t offset, void *buf, size_t len)
{
	const uint8_t *page;
	int r = fetch(data, pfn, &page);

	if (r == 0)
		memcpy(buf, page + offset, len);
	return r;
}

/* xl_read_fn */
static int read_live(void *data, uint64_t paddr, void *buf, size_t len)
{
	return xl_read_across(paddr, buf, len, read_part, data);
}

static int plan(struct xl_engine *e, struct xl_bitmap *wanted)
{
	_cleanup_(live_freep) struct live *l = calloc(1, sizeof(*l));
	int r = l ? 0 : -ENOMEM;

	if (r == 0 && e->map->p2m)
		r = xl_m2p_init(&l->m2p, e->map->p2m, e->map->nr_pfns);
	if (r < 0)
		return xl_err(e->x, r, "look at the guest's struct pages");
	l->e = e;
	if (e->follow) {
		r = xl_verdict_init(&e->verdict, &e->cut->kernel, e->p->dump_level, e->map->nr_pfns);
		if (r < 0)
			return xl_err(e->x, r, "follow the guest's struct pages");
	}
	for (size_t i = 0; i < CACHE_PAGES; i++)
		l->pfn[i] = XL_INVALID_FRAME;
	return xl_filter_plan(e->x, &e->cut->kernel, &e->map->present, read_live, l, wanted,
			      e->follow ? &e->verdict : NULL);
}

int xl_plan_filter(struct xl_engine *e)
{
	_cleanup_(xl_bitmap_deinit) struct xl_bitmap wanted = { 0 };
	int r;

	if (!e->p->dump_level)
		return 0;
	/* By the struct pages of a dead kernel, pages of the living one would be missing. */
	if (e->cut->kernel.all.unsure) {
		e->follow = false;
		return 0;
	}
	r = xl_bitmap_init(&wanted, e->map->nr_pfns);
	if (r < 0)
		return xl_err(e->x, r, "allocate an index of %" PRIu64 " pages", e->map->nr_pfns);
	r = plan(e, &wanted);
	if (r < 0 && e->p->dump_level == XLDUMP_LEVEL_ZERO && r != -ENOMEM) {
		/* Nobody need be judged for that. */
		xl_log(e->x, XLDUMP_LOG_DEBUG, "%s", e->x->err);
		xl_err_clear(e->x);
		return 0;
	}
	if (r < 0)
		return r;
	xl_log(e->x, XLDUMP_LOG_DEBUG,
	       "%" PRIu64 " pages must be read to know which others to leave out",
	       xl_bitmap_count(&wanted));
	return xl_pipeline_filter(e->pipe, e->p->dump_level, e->p->scratch, &wanted);
}
