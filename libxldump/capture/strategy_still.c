/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strategies `still` and `stop`: one pass over a guest that does not run, because it has crashed,
 * was paused by somebody else, or is paused by us for as long as it takes.
 *
 * We hold a pause of our own in every case: a guest that has shut down has vCPUs that are about to
 * stop (xen/common/domain.c, vcpu_pause_nosync), and one that somebody paused may be let go by him
 * at any time.
 */
#include "capture/last_copy.h"

/* All pages at the price of those that were read so far. */
static uint64_t predict(const struct xl_engine *e)
{
	const struct xl_copier *c = &e->copier;

	return c->read_pages ? xl_bitmap_count(&e->map->present) * (c->read_ns / c->read_pages) : 0;
}

static int over_limit(struct xl_engine *e, uint64_t would_be)
{
	return xl_fail(e->x, XLDUMP_CAUSE_PAUSE_LIMIT, -ETIME,
		       "%s%sthe guest would have to be stopped for about %.1f ms, and %.1f ms are "
		       "allowed; allow more with --max-pause",
		       e->cut->reason, e->cut->reason[0] ? "; " : "", (double)would_be / 1e6,
		       (double)e->max_pause_ns / 1e6);
}

/* Do once with the guest running what will be done often or slowly while it is stopped, and refuse
 * what would take too long.  An eighth of the limit is left for the rest. */
static int foresee(struct xl_engine *e)
{
	struct xl_copier *c = &e->copier;
	uint64_t t0 = e->hv->ops->now_ns(e->hv), limit = e->max_pause_ns, pos = 0, ns;
	int r = xl_physmap_refresh(e->hv, &e->dom, e->map, NULL);
	size_t n;

	if (r < 0)
		return xl_engine_err(e, r, "memory layout of the guest");
	ns = e->hv->ops->now_ns(e->hv) - t0;
	n = xl_copier_gather(c, &e->map->present, &pos, c->pfn, XL_COPY_BATCH);
	if (n) {
		r = xl_copier_read(c, c->pfn, n, c->bounce, c->type);
		if (r < 0)
			return xl_engine_err(e, r, "read the running guest");
	}
	ns += predict(e);
	return ns > limit - limit / 8 ? over_limit(e, ns) : 0;
}

/* All pages, and once more, at the end, those that may have been written meanwhile although the
 * vCPUs stood still, and the one that is to be patched. */
static int copy_all(struct xl_engine *e, struct xl_last_copy *last, uint64_t deadline)
{
	struct xl_bitmap *again = &e->must_read;
	int r = xl_physmap_refresh(e->hv, &e->dom, e->map, NULL);

	if (r == 0)
		r = xl_last_copy_begin(last, again, UINT64_MAX);
	if (r < 0)
		return xl_engine_err(e, r, "memory layout of the stopped guest");
	r = xl_engine_pass(e, &e->map->present, XLDUMP_PHASE_COPY, deadline);
	if (r == -ETIME)
		return over_limit(e, predict(e));
	if (r < 0)
		return r;
	r = xl_engine_identify(e);
	if (r < 0)
		return r;
	r = xl_last_copy_add(last, again);
	if (r == 0)
		r = xl_last_copy_verify(last);
	e->hv->ops->realtime(e->hv, &e->cut->instant);
	if (r == 0)
		r = xl_engine_take_state(e);
	if (r < 0)
		return xl_engine_err(e, r, "copy the rest of the stopped guest");
	return xl_engine_check_alive(e);
}

static int stopped(struct xl_engine *e, struct xl_last_copy *last)
{
	_cleanup_(xl_pause_end) struct xl_pause pause = { 0 };
	bool limited = e->cut->strategy == XLDUMP_STRATEGY_STOP && e->max_pause_ns &&
		       !e->p->extend_pause;
	int r;

	r = limited ? foresee(e) : 0;
	if (r < 0)
		return r;
	r = xl_pause_begin(e->x, e->hv, e->dom.domid, &pause);
	if (r < 0)
		return xl_engine_err(e, r, "stop the guest");
	r = copy_all(e, last, limited ? xl_engine_copy_until(e, pause.since) : UINT64_MAX);
	if (r < 0)
		return r;
	r = xl_pause_finish(&pause);
	if (r < 0)
		return r;
	if (limited)
		xl_engine_tell_overrun(e, pause.lasted);
	if (!e->cut->was_stopped)
		e->cut->pause_ns.total = pause.lasted;
	e->cut->pause_ns.copy = e->cut->round[0].ns;
	return 0;
}

int xl_strategy_still(struct xl_engine *e)
{
	_cleanup_(xl_last_copy_deinit) struct xl_last_copy last = { 0 };
	int r = xl_last_copy_init(&last, e);

	if (r == 0)
		r = xl_last_copy_prepare(&last, 0);
	if (r == 0)
		r = stopped(e, &last);
	if (r == 0)
		r = xl_last_copy_put(&last);
	e->cut->rounds = 1; /* a few pages read twice are no round */
	return r;
}
