// SPDX-License-Identifier: LGPL-2.1-or-later
/* Pages that are not read, for they will be left out. */
#include "capture/skip.h"

#include <inttypes.h>

/* ---- the kernel, before anything is copied ---- */

/* Whether there is no more to be found out about it. */
static int is_found(struct xl_engine *e, bool *ret)
{
	_cleanup_(xl_kernel_deinit) struct xl_kernel k = { 0 };
	int r = xl_engine_try_identify(e, &k);

	if (r == -ENOENT) {
		xl_err_clear(e->x);
		return 0;
	}
	/* In a PV guest a page that comes later may lead to the variable that debuggers stumble over. */
	*ret = r == 0 && (!e->dom.pv || e->pipe->raw || k.xen_start_info_pa);
	return r;
}

/* Look at pages until it is found. */
static int search(struct xl_engine *e)
{
	struct xl_candidates *found = &e->pipe->candidates;
	const struct xl_bitmap *present = &e->map->present;
	struct xl_copier *c = &e->copier;
	uint64_t pos = 0, done = 0, total = xl_bitmap_count(present);
	bool enough = false;
	size_t n;

	while (!enough && (n = xl_copier_gather(c, present, &pos, c->pfn, XL_COPY_BATCH)) > 0) {
		size_t before = found->n + found->start_infos;
		int r = xl_check_cancel(e->x);

		if (r < 0)
			return r;
		r = xl_copier_read(c, c->pfn, n, c->bounce, c->type);
		if (r < 0)
			return xl_engine_err(e, r, "read %zu pages from pfn %#" PRIx64 ": %s", n,
					     c->pfn[0], e->hv->doing);
		for (size_t i = 0; i < n; i++)
			if (c->type[i] == XL_PAGE_NOTAB)
				xl_candidates_look(found, c->pfn[i], c->bounce + i * XL_PAGE_SIZE);
		if (found->n + found->start_infos > before)
			r = is_found(e, &enough);
		if (r < 0)
			return r;
		done += n;
		xl_engine_progress(e, XLDUMP_PHASE_PREPARE, done, total);
	}
	return 0;
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
	return xl_engine_identify(e);
}

int xl_skip_begin(struct xl_engine *e)
{
	unsigned rounds = e->cut->rounds;
	int r;

	if (!e->follow)
		return 0;
	/* They are not to be skipped themselves, and must be seen before anything is. */
	r = xl_engine_pass(e, &e->pipe->spool.wanted, XLDUMP_PHASE_COPY, e->copy_until);
	e->cut->rounds = rounds; /* a small part of the one that follows */
	return r;
}

/* ---- what is skipped ---- */

/* 64 pfns: which of them will be left out. */
static uint64_t out_word(const struct xl_engine *e, size_t i)
{
	return e->pipe->verdict.out.word[i] & ~e->pipe->spool.wanted.word[i] & ~e->must_read.word[i];
}

static void skip(struct xl_engine *e, struct xl_bitmap *which, xl_pfn_t pfn)
{
	xl_bitmap_clear(which, pfn);
	xl_bitmap_set(&e->pipe->skipped, pfn);
}

/* Page tables of a PV guest stay in whatever is said of them.  Before a page becomes one it is
 * written to: so it is enough to ask for the pages that would be copied otherwise. */
static int skip_batch(struct xl_engine *e, struct xl_bitmap *which, size_t n, uint64_t deadline)
{
	struct xl_copier *c = &e->copier;
	int r = c->hv->ops->now_ns(c->hv) <= deadline ? xl_copier_types(c, c->pfn, n, c->type) : -ETIME;

	for (size_t i = 0; r == 0 && i < n; i++)
		if (c->type[i] == XL_PAGE_NOTAB)
			skip(e, which, c->pfn[i]);
	return r;
}

static int skip_typed(struct xl_engine *e, struct xl_bitmap *which, uint64_t deadline)
{
	xl_pfn_t *pfn = e->copier.pfn;
	size_t n = 0;

	for (size_t i = 0; i < xl_bitmap_words(which->nbits); i++) {
		uint64_t out = which->word[i] & out_word(e, i);

		for (; out; out &= out - 1) {
			pfn[n++] = (xl_pfn_t)i * 64 + (unsigned)__builtin_ctzll(out);
			if (n == XL_COPY_BATCH) {
				int r = skip_batch(e, which, n, deadline);

				if (r < 0)
					return r;
				n = 0;
			}
		}
	}
	return n ? skip_batch(e, which, n, deadline) : 0;
}

int xl_skip_sift(struct xl_engine *e, struct xl_bitmap *which, uint64_t deadline)
{
	struct xl_bitmap *skipped = &e->pipe->skipped;

	if (!e->follow)
		return 0;
	xl_verdict_walk(&e->pipe->verdict, &e->map->present);
	for (size_t i = 0; i < xl_bitmap_words(which->nbits); i++) {
		uint64_t out = out_word(e, i);

		/* What has been written to since may be a page table now. */
		which->word[i] |= skipped->word[i] & ~out;
		skipped->word[i] &= e->map->p2m ? ~which->word[i] : out;
		if (e->map->p2m)
			continue;
		skipped->word[i] |= which->word[i] & out;
		which->word[i] &= ~out;
	}
	return e->map->p2m ? skip_typed(e, which, deadline) : 0;
}

void xl_skip_look(struct xl_engine *e, const struct xl_last_copy *last)
{
	const struct xl_stash *st = &last->stash;

	for (size_t i = 0; i < st->n; i++)
		if (st->type[i] == XL_PAGE_NOTAB)
			xl_verdict_look(&e->pipe->verdict, st->pfn[i], st->page + i * XL_PAGE_SIZE);
}

int xl_skip_last_copy(struct xl_engine *e, struct xl_last_copy *last, struct xl_bitmap *which,
		      struct xl_bitmap *now)
{
	const struct xl_bitmap *wanted = &e->pipe->spool.wanted;
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
