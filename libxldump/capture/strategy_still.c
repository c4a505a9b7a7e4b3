/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strategies `still` and `stop`: one pass over a guest that does not run, because it has crashed,
 * was paused by somebody else, or is paused by us for as long as it takes.
 *
 * We hold a pause of our own in every case: a guest that has shut down has vCPUs that are about to
 * stop (xen/common/domain.c, vcpu_pause_nosync), and one that somebody paused may be let go by him
 * at any time.
 */
#include "capture/identify.h"
#include "capture/limit.h"
#include "capture/pause.h"
#include "capture/skip.h"
#include "capture/strategies.h"

/* All pages at the price of those that were read so far; twice, if there is a device model. */
static uint64_t predict(const struct xl_engine *e)
{
	const struct xl_copier *c = &e->copier;
	uint64_t pages = xl_bitmap_count(&e->map->present) * (e->dom.hvm_devices ? 2 : 1);

	return c->read_pages ? pages * (c->read_ns / c->read_pages) : 0;
}

static int over_limit(struct xl_engine *e, uint64_t foreseen)
{
	xl_err_clear(e->x);
	return xl_limit_fail(e, "", foreseen, XL_LIMIT_RESERVE);
}

/* Do once with the guest running what will be done often or slowly while it is stopped, and refuse
 * what would take too long. */
static int foresee(struct xl_engine *e, uint64_t *ret)
{
	struct xl_copier *c = &e->copier;
	uint64_t t0 = e->hv->ops->now_ns(e->hv), pos = 0, ns;
	int r = xl_physmap_refresh(e->hv, &e->dom, e->map, NULL);
	size_t n;

	if (r < 0)
		return xl_engine_err_doing(e, r, "memory layout of the guest");
	ns = e->hv->ops->now_ns(e->hv) - t0;
	n = xl_copier_gather(c, &e->map->present, &pos, c->pfn, XL_COPY_BATCH);
	if (n) {
		r = xl_copier_read(c, c->pfn, n, c->bounce, c->type);
		if (r < 0)
			return xl_engine_err_doing(e, r, "read the running guest");
	}
	ns += predict(e);
	*ret = ns;
	return ns > xl_limit_plannable(e, XL_LIMIT_RESERVE) ? over_limit(e, ns) : 0;
}

struct still {
	struct xl_engine *e;
	struct xl_last_copy last;
	struct xl_bitmap todo;
};

/* What has not been read yet, and will not be left out. */
static int read_rest(struct still *s, enum xldump_phase phase)
{
	struct xl_engine *e = s->e;
	int r;

	xl_bitmap_copy(&s->todo, &e->map->present);
	xl_bitmap_andnot(&s->todo, xl_pipeline_seen(e->pipe));
	r = xl_skip_sift(e, &s->todo, e->copy_until);
	if (r < 0 && r != -ETIME)
		return xl_engine_err(e, r, "ask for the types of pages");
	return r < 0 ? r : xl_engine_pass(e, &s->todo, phase, e->copy_until);
}

/* The kernel is known before its pages are read, if pages can be skipped then; otherwise pages may have
 * passed before it was known that they are needed for the judgement of others. */
static int read_all(struct still *s)
{
	int r = xl_skip_begin(s->e);

	if (r == 0)
		r = read_rest(s, XLDUMP_PHASE_COPY);
	if (r < 0 || s->e->follow)
		return r;
	r = xl_identify(s->e);
	return r == 0 && xl_pipeline_wanted(s->e->pipe)->nbits ? read_rest(s, XLDUMP_PHASE_ROUND) : r;
}

/* All pages, and once more, at the end, the one that is to be patched and those that may have been
 * written meanwhile although the vCPUs stood still: which is any page of a guest with a device model. */
static int copy_all(struct still *s)
{
	struct xl_engine *e = s->e;
	struct xl_last_copy *last = &s->last;
	struct xl_bitmap *again = &e->must_read;
	int r = xl_physmap_refresh(e->hv, &e->dom, e->map, NULL);

	if (r == 0)
		r = xl_last_copy_begin(last, again, e->copy_until);
	if (r < 0)
		return xl_engine_err_doing(e, r, "copy the stopped guest");
	r = read_all(s);
	if (r < 0)
		return r;
	r = xl_last_copy_add(last, again);
	if (r == 0)
		r = xl_last_copy_verify(last, NULL, NULL);
	if (r == 0)
		r = xl_engine_take_state(e);
	if (r < 0)
		return r == -ETIME ? r : xl_engine_err_doing(e, r, "copy the rest of the stopped guest");
	return xl_engine_check_alive(e);
}

static int stopped(struct still *s)
{
	struct xl_engine *e = s->e;
	_cleanup_(xl_pause_end) struct xl_pause pause = { 0 };
	bool limited = e->cut->strategy == XLDUMP_STRATEGY_STOP && e->max_pause_ns &&
		       !e->p->extend_pause;
	uint64_t foreseen = 0;
	int r, r2;

	r = limited ? foresee(e, &foreseen) : 0;
	if (r < 0)
		return r;
	r = xl_pause_begin(e->x, e->hv, e->dom.domid, &pause);
	if (r < 0)
		return xl_engine_err(e, r, "stop the guest");
	if (limited)
		e->copy_until = xl_limit_copy_until(e, pause.since);
	r = copy_all(s);
	r2 = xl_pause_finish(&pause);
	if (r2 < 0)
		return r2;
	if (limited)
		xl_limit_tell_overrun(e, pause.lasted);
	if (r == -ETIME)
		return over_limit(e, foreseen);
	if (r < 0)
		return r;
	if (!e->cut->was_stopped)
		e->cut->pause_ns.total = pause.lasted;
	e->cut->pause_ns.copy = e->cut->round[0].ns;
	return 0;
}

static void still_deinit(struct still *s)
{
	xl_last_copy_deinit(&s->last);
	xl_bitmap_deinit(&s->todo);
}

int xl_strategy_still(struct xl_engine *e)
{
	_cleanup_(still_deinit) struct still s = { .e = e };
	int r = xl_last_copy_init(&s.last, e);

	if (r == 0)
		r = xl_bitmap_init(&s.todo, e->map->nr_pfns);
	if (r < 0)
		return xl_err(e->x, r, "allocate an index of %" PRIu64 " pages", e->map->nr_pfns);
	s.last.patient = true;
	if (e->dom.hvm_devices) {
		r = xl_hashes_init(&e->hashes, e->map->nr_pfns);
		if (r < 0)
			return xl_err(e->x, r,
				      "allocate hashes of %" PRIu64 " pages", e->map->nr_pfns);
	}
	r = xl_skip_prepare(e);
	if (r == 0)
		r = xl_last_copy_prepare(&s.last, 0);
	if (r == 0)
		r = stopped(&s);
	if (r == 0)
		r = xl_last_copy_put(&s.last);
	e->cut->rounds = 1; /* a few pages read twice are no round */
	return r;
}
