/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages that are not read, as they will be left out. */
#include "capture/skip.h"

#include "capture/identify.h"

/* ---- the kernel, before anything is copied ---- */

/* What ends the search early: no error that anything else gives. */
#define FOUND (-EALREADY)

/* Whether there is no more to be found out about it. */
static int is_found(struct xl_engine *e, bool *ret)
{
	_cleanup_(xl_kernel_deinit) struct xl_kernel k = { 0 };
	int r = xl_identify_try(e, &k);

	if (r == -ENOENT) {
		xl_err_clear(e->x);
		return 0;
	}
	/* A page that comes later may be of the kernel that does run; and in a PV guest it may lead to
	 * the variable that debuggers stumble over. */
	*ret = r == 0 && k.all.kernel[k.all.chosen].runs && !k.all.unsure &&
	       (!e->dom.pv || xl_pipeline_raw(e->pipe) || k.xen_start_info_pa);
	return r;
}

/* The search under way. */
struct search {
	struct xl_engine *e;
	uint64_t total;
	size_t before; /* candidates when they were judged last */
	bool enough;
};

static int judge(struct search *s)
{
	const struct xl_candidates *c = xl_pipeline_candidates(s->e->pipe);
	size_t now = c->n + c->start_infos;

	if (now == s->before)
		return 0;
	s->before = now;
	return is_found(s->e, &s->enough);
}

/* What the last batch had is judged before the next. */
static int before_batch(void *data, uint64_t done)
{
	struct search *s = data;
	int r;

	xl_engine_progress(s->e, XLDUMP_PHASE_PREPARE, done, s->total);
	r = judge(s);
	return r == 0 && s->enough ? FOUND : r;
}

static int look_at_page(void *data, xl_pfn_t pfn, uint8_t type, const uint8_t *page)
{
	if (type == XL_PAGE_NOTAB)
		xl_candidates_look(xl_pipeline_candidates(((struct search *)data)->e->pipe), pfn, page);
	return 0;
}

/* Look at pages until it is found. */
static int search(struct xl_engine *e)
{
	const struct xl_bitmap *present = &e->map->present;
	struct search s = { e, xl_bitmap_count(present), 0, false };
	int r = xl_copier_each(&e->copier, &(struct xl_each){
		.which = present, .deadline = UINT64_MAX, .before = before_batch, .page = look_at_page,
		.data = &s,
	});

	if (r < 0 && e->copier.failed)
		return xl_engine_err(e, r, "read %zu pages from pfn %#" PRIx64 ": %s",
				     e->copier.failed, e->copier.pfn[0], e->hv->doing);
	return r < 0 && r != FOUND ? r : 0;
}

int xl_skip_prepare(struct xl_engine *e)
{
	int r;

	/* Zeros are found when they are read. */
	if (e->follow || !(e->p->dump_level & ~(unsigned)XLDUMP_LEVEL_ZERO))
		return 0;
	r = search(e);
	if (r < 0)
		return r;
	e->follow = true;
	return xl_identify(e);
}

int xl_skip_begin(struct xl_engine *e)
{
	unsigned rounds = e->cut->rounds;
	int r;

	if (!e->follow)
		return 0;
	/* They are not to be skipped themselves, and must be seen before anything is. */
	r = xl_engine_pass(e, xl_pipeline_wanted(e->pipe), XLDUMP_PHASE_COPY, e->copy_until);
	e->cut->rounds = rounds; /* a small part of the one that follows */
	return r;
}

/* ---- what is skipped ---- */

/* e->out: pages that will be left out, by what is known now, and that nobody needs to see. */
static void find_out(struct xl_engine *e)
{
	xl_verdict_walk(&e->verdict, &e->map->present);
	xl_bitmap_copy(&e->out, &e->verdict.out);
	xl_bitmap_andnot(&e->out, xl_pipeline_wanted(e->pipe));
	xl_bitmap_andnot(&e->out, &e->must_read);
}

/* Page tables of a PV guest stay in whatever is said of them.  Before a page becomes one it is
 * written to: so it is enough to ask for the pages that would be copied otherwise. */
static int skip_batch(struct xl_engine *e, struct xl_bitmap *which, size_t n, uint64_t deadline)
{
	struct xl_copier *c = &e->copier;
	int r = c->hv->ops->now_ns(c->hv) <= deadline ? xl_copier_types(c, c->pfn, n, c->type) : -ETIME;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (c->type[i] != XL_PAGE_NOTAB)
			continue;
		xl_bitmap_clear(which, c->pfn[i]);
		xl_bitmap_set(&e->cut->skipped, c->pfn[i]);
	}
	return r;
}

static int skip_typed(struct xl_engine *e, struct xl_bitmap *which, uint64_t deadline)
{
	size_t n = 0;

	for (xl_pfn_t pfn = xl_bitmap_next(which, 0); pfn < which->nbits;
	     pfn = xl_bitmap_next(which, pfn + 1)) {
		int r;

		if (!xl_bitmap_test(&e->out, pfn))
			continue;
		e->copier.pfn[n++] = pfn;
		if (n < XL_COPY_BATCH)
			continue;
		r = skip_batch(e, which, n, deadline);
		if (r < 0)
			return r;
		n = 0;
	}
	return n ? skip_batch(e, which, n, deadline) : 0;
}

int xl_skip_sift(struct xl_engine *e, struct xl_bitmap *which, uint64_t deadline)
{
	struct xl_bitmap *skipped = &e->cut->skipped;

	if (!e->follow)
		return 0;
	find_out(e);
	xl_bitmap_or_andnot(which, skipped, &e->out);
	if (e->map->p2m) {
		/* What has been written to since may be a page table now. */
		xl_bitmap_andnot(skipped, which);
		return skip_typed(e, which, deadline);
	}
	xl_bitmap_or(skipped, which);
	xl_bitmap_and(skipped, &e->out);
	xl_bitmap_andnot(which, &e->out);
	return 0;
}

void xl_skip_look(struct xl_engine *e, const struct xl_last_copy *last)
{
	const struct xl_stash *st = &last->stash;

	for (size_t i = 0; i < st->n; i++)
		if (st->type[i] == XL_PAGE_NOTAB)
			xl_verdict_look(&e->verdict, st->pfn[i], st->page + i * XL_PAGE_SIZE);
}

int xl_skip_last_copy(struct xl_engine *e, struct xl_last_copy *last, struct xl_bitmap *which,
		      struct xl_bitmap *now)
{
	const struct xl_bitmap *wanted = xl_pipeline_wanted(e->pipe);
	int r;

	if (!e->follow)
		return xl_last_copy_add(last, which);
	xl_bitmap_copy(now, which);
	xl_bitmap_and(now, wanted);
	r = xl_last_copy_add(last, now);
	if (r < 0)
		return r;
	xl_skip_look(e, last);
	r = xl_skip_sift(e, which, last->deadline);
	if (r < 0)
		return r;
	xl_bitmap_copy(now, which);
	xl_bitmap_andnot(now, wanted);
	return xl_last_copy_add(last, now);
}
