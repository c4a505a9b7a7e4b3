/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strategy `precopy`: the dirty log on, all pages while the guest runs, then rounds over what it
 * dirtied, then one short pause in which only the rest is copied, into memory.
 *
 * The dirty log marks a page before the write goes on, so "fetch the log, then copy every page in
 * it" loses nothing.  The instant of the dump is that of the pause.
 */
#include <stdio.h>

#include "capture/dirtylog.h"
#include "capture/identify.h"
#include "capture/last_copy.h"
#include "capture/limit.h"
#include "capture/pause.h"
#include "capture/policy.h"
#include "capture/skip.h"
#include "capture/strategies.h"
#include "capture/throttle.h"

/* What attempt() says beside success and errors. */
#define GIVEN_UP 1

/* Further attempts when a pause had to be given up. */
#define MAX_ATTEMPTS 5

/* Device writes that were under way when the vCPUs stopped are logged when they end, also in the
 * pause: wait until nothing is added to it from one look to the next. */
#define SETTLE_MAX_NS 20000000ULL

struct precopy {
	struct xl_engine *e;
	struct xl_bitmap dirty; /* to be copied */
	struct xl_bitmap young; /* appeared after the last fetch */
	struct xl_bitmap now;   /* what one part of the last copy takes; between, of no meaning */
	struct xl_last_copy last;
	struct xl_throttle throttle;
	unsigned rounds;        /* since the guest was last slowed */
	uint64_t refresh_ns;    /* the longest look at the layout */
	uint64_t dirty_before;
	struct xl_dirtylog log;
	bool unsettled; /* devices wrote on and on */
	int failed;            /* for this the last pause was given up: an error that may pass, or 0 */
	const char *failed_at; /* what was asked of the hypervisor then */
};

static void precopy_deinit(struct precopy *s)
{
	s->e->watch = NULL;
	xl_throttle_end(&s->throttle);
	xl_dirtylog_deinit(&s->log);
	xl_last_copy_deinit(&s->last);
	xl_bitmap_deinit(&s->dirty);
	xl_bitmap_deinit(&s->young);
	xl_bitmap_deinit(&s->now);
}

/* Pages that exist and have not been read: a mapping may have failed for a moment, or they have
 * only just appeared. */
static void add_unread(struct precopy *s)
{
	xl_bitmap_or_andnot(&s->dirty, &s->e->map->present, xl_pipeline_seen(s->e->pipe));
}

/* Up to Xen 4.18 the writes to a page that has appeared are not logged before the next fetch (the
 * p2m entry is made writable, xen/arch/x86/mm/p2m.c), and the page may have appeared after this
 * one.  So whatever is to be read and was not in the log is to be read after the next, too. */
static void take_young(struct precopy *s)
{
	struct xl_bitmap was = s->young;

	xl_bitmap_copy(&s->now, &s->dirty);
	xl_bitmap_andnot(&s->now, &s->log.fresh);
	xl_bitmap_or(&s->dirty, &s->young);
	s->young = s->now;
	s->now = was;
}

/* The log has a page also for what was written to it before it was given back, and then it may have
 * appeared again after the fetch.  Only of those that were there, and could be read, it tells all; to
 * be called before the layout is looked at again. */
static void trust_log(struct precopy *s)
{
	xl_bitmap_and(&s->log.fresh, &s->e->map->present);
	xl_bitmap_and(&s->log.fresh, xl_pipeline_seen(s->e->pipe));
}

static int sift(struct precopy *s)
{
	int r = xl_skip_sift(s->e, &s->dirty, UINT64_MAX);

	return r < 0 ? xl_engine_err(s->e, r, "ask for the types of pages") : 0;
}

/* What the guest dirtied during the last pass, running. */
static int next_dirty(struct precopy *s)
{
	struct xl_engine *e = s->e;
	uint64_t t0, ns;
	int r;

	xl_bitmap_zero(&s->dirty);
	r = xl_dirtylog_fetch(&s->log, false, &s->dirty);
	if (r < 0)
		return xl_dirtylog_err(&s->log, r, "look for what the guest has written");
	trust_log(s);
	t0 = e->hv->ops->now_ns(e->hv);
	r = xl_physmap_refresh(e->hv, &e->dom, e->map, &s->dirty);
	if (r < 0)
		return xl_engine_err_doing(e, r, "memory layout of the running guest");
	ns = e->hv->ops->now_ns(e->hv) - t0;
	if (ns > s->refresh_ns)
		s->refresh_ns = ns;
	add_unread(s);
	take_young(s);
	return sift(s);
}

/* The log is on: what exists now is what the first pass reads.  Between the building of the map
 * and the start of the log nobody told us what changed. */
static int first_dirty(struct precopy *s)
{
	struct xl_engine *e = s->e;
	const struct xl_bitmap *present = &e->map->present;
	int r;

	xl_bitmap_copy(&s->log.fresh, present);
	r = xl_physmap_refresh(e->hv, &e->dom, e->map, NULL);
	if (r < 0)
		return xl_engine_err_doing(e, r, "memory layout of the running guest");
	xl_bitmap_copy(&s->dirty, present);
	take_young(s);
	return 0;
}

static struct xl_policy_stats stats(const struct precopy *s)
{
	const struct xl_copier *c = &s->e->copier;

	return (struct xl_policy_stats){
		.round = 1 + s->rounds,
		.max_rounds = s->e->p->max_rounds,
		.dirty = xl_bitmap_count(&s->dirty),
		.dirty_before = s->dirty_before,
		.page_ns = c->read_pages ? c->read_ns / c->read_pages : 0,
		.fixed_ns = s->log.fetch_ns + 2 * XL_SETTLE_STEP_NS + s->refresh_ns,
		.max_pause_ns = s->e->max_pause_ns,
	};
}

/* 0 when something can be done about it: a slower guest, or no limit. */
static int over_limit(struct precopy *s, uint64_t would_be)
{
	char why[128];

	if (s->e->p->throttle) {
		int r = xl_throttle_more(&s->throttle);

		if (r < 0)
			return r;
		s->rounds = 0; /* as many again, with the slower guest */
		s->dirty_before = 0;
		if (r > 0)
			return 0;
	}
	if (xl_limit_lift(s->e))
		return 0;
	(void)snprintf(why, sizeof(why),
		       s->unsettled ? "devices kept writing after the guest was stopped, %" PRIu64
				      " pages are left: " :
				      "the guest dirties pages faster than they are copied, %" PRIu64
				      " are left: ",
		       xl_bitmap_count(&s->dirty));
	return xl_limit_fail(s->e, why, would_be, XL_POLICY_RESERVE);
}

/* Copy while the guest runs until a pause is worth it. */
static int run_rounds(struct precopy *s)
{
	for (;;) {
		struct xl_policy_stats st = stats(s);
		int r;

		switch (xl_policy_decide(st)) {
		case XL_POLICY_STOP:
			return 0;
		case XL_POLICY_OVERRUN:
			r = over_limit(s, xl_policy_predict(&st));
			if (r < 0)
				return r;
			continue;
		case XL_POLICY_CONTINUE:
			break;
		}
		s->dirty_before = st.dirty;
		s->rounds++;
		r = xl_engine_pass(s->e, &s->dirty, XLDUMP_PHASE_ROUND, UINT64_MAX);
		if (r == 0)
			r = next_dirty(s);
		if (r < 0)
			return r;
	}
}

/* ---- inside the pause: copying and hypercalls, nothing else ---- */

/* Fetch the log until nothing is added to it for a while.  Counting alone would not tell: a page
 * that is dirty already can be written again.  -ETIME: it did not come to rest in time. */
static int settle(struct precopy *s, uint64_t until)
{
	struct xl_hv *hv = s->e->hv;
	uint64_t more;
	int r;

	for (;;) {
		r = xl_dirtylog_fetch(&s->log, true, &s->dirty);
		if (r < 0)
			return r;
		hv->ops->sleep_ns(hv, XL_SETTLE_STEP_NS);
		r = xl_dirtylog_count(&s->log, &more);
		if (r < 0 || more == 0)
			return r;
		if (hv->ops->now_ns(hv) < until)
			continue;
		s->unsettled = true;
		return s->e->max_pause_ns ? -ETIME :
					     xl_dirtylog_fetch(&s->log, true, &s->dirty);
	}
}

/* Pages that device writes dirtied after the last fetch. */
static int late_writes(void *data, const struct xl_bitmap **ret)
{
	struct precopy *s = data;
	uint64_t n;
	int r = xl_dirtylog_count(&s->log, &n);

	if (r < 0 || n == 0)
		return r;
	/* Should the pause be given up, they are still to be copied: in s->dirty. */
	r = xl_dirtylog_fetch(&s->log, false, &s->dirty);
	if (r == 0)
		*ret = &s->log.fresh;
	return r;
}

/* Devices that never came to rest may have written before T what the log has only when they are done
 * with the page. */
static int await_devices(struct precopy *s)
{
	const struct xl_bitmap *logged = NULL;
	struct xl_hv *hv = s->e->hv;
	int r;

	hv->ops->sleep_ns(hv, XL_SETTLE_STEP_NS);
	r = late_writes(s, &logged);
	if (r == 0 && logged)
		xl_last_copy_suspect(&s->last, logged);
	return r;
}

static int copy_rest(struct precopy *s, uint64_t deadline)
{
	int r = xl_last_copy_begin(&s->last, &s->dirty, deadline);

	if (r < 0)
		return r;
	add_unread(s);
	xl_bitmap_or(&s->dirty, &s->young);
	r = xl_skip_last_copy(s->e, &s->last, &s->dirty, &s->now);
	if (r == 0)
		r = xl_last_copy_verify(&s->last, late_writes, s);
	return r == 0 && s->unsettled ? await_devices(s) : r;
}

static uint64_t lap(struct xl_hv *hv, uint64_t *since)
{
	uint64_t now = hv->ops->now_ns(hv), ns = now - *since;

	*since = now;
	return ns;
}

static int inside_pause(struct precopy *s, uint64_t since, uint64_t deadline)
{
	struct xl_engine *e = s->e;
	struct xl_pause_times *t = &e->cut->pause_ns;
	uint64_t until = since + SETTLE_MAX_NS;
	int r;

	if (deadline != UINT64_MAX && until > since + (deadline - since) / 4)
		until = since + (deadline - since) / 4;
	s->log.fetches_ns = 0;
	s->unsettled = false;
	r = settle(s, until);
	t->fetch = s->log.fetches_ns;
	t->settle = lap(e->hv, &since) - t->fetch;
	if (r == 0)
		r = xl_engine_look(e);
	if (r == 0)
		r = xl_physmap_refresh(e->hv, &e->dom, e->map, &s->dirty);
	t->p2m = lap(e->hv, &since);
	if (r < 0)
		return r;
	r = copy_rest(s, deadline);
	t->copy = lap(e->hv, &since);
	if (r == 0)
		r = xl_engine_take_state(e);
	t->vcpus = lap(e->hv, &since);
	return r;
}

/* ---- outside again ---- */

/* One pause.  GIVEN_UP: the guest runs, and what is still to be copied is in s->dirty. */
static int attempt(struct precopy *s)
{
	struct xl_engine *e = s->e;
	_cleanup_(xl_pause_end) struct xl_pause pause = { 0 };
	uint64_t want = xl_bitmap_count(&s->dirty), deadline;
	int r, r2;

	r = xl_last_copy_prepare(&s->last, want);
	if (r < 0)
		return r;
	r = xl_pause_begin(e->x, e->hv, e->dom.domid, &pause);
	if (r < 0)
		return xl_engine_err(e, r, "stop the guest");
	deadline = xl_limit_copy_until(e, pause.since);
	r = inside_pause(s, pause.since, deadline);
	r2 = xl_pause_finish(&pause);
	if (r2 < 0)
		return r2;
	e->cut->pause_ns.total = pause.lasted;
	xl_limit_tell_overrun(e, pause.lasted);
	s->failed = xl_err_passes(r) ? r : 0;
	s->failed_at = e->hv->doing;
	if (r == -ETIME || r == -E2BIG || s->failed)
		return GIVEN_UP;
	return r < 0 ? xl_dirtylog_err(&s->log, r, "copy the rest of the stopped guest") : 0;
}

/* Pages copied in a pause that was given up are as good as those of any round: the log has been
 * fetched before they were read.  But it is simplest to copy them once more, running.  Pages of the
 * p2m may be among them that have not been looked at. */
static int retry_round(struct precopy *s)
{
	struct xl_engine *e = s->e;
	int r;

	/* The guest has run since: what has appeared is not in the log before it is fetched again. */
	xl_bitmap_copy(&s->log.fresh, &s->dirty);
	trust_log(s);
	r = xl_physmap_refresh(e->hv, &e->dom, e->map, &s->dirty);
	if (r < 0)
		return xl_engine_err_doing(e, r, "memory layout of the running guest");
	take_young(s);
	r = xl_engine_pass(e, &s->dirty, XLDUMP_PHASE_ROUND, UINT64_MAX);
	return r < 0 ? r : next_dirty(s);
}

/* Ends: each time the attempts are used up the guest is slowed, or the limit lifted, or it fails. */
static int pause_and_copy(struct precopy *s)
{
	for (unsigned i = 1;; i++) {
		struct xl_policy_stats st;
		const char *failed_at;
		int r = attempt(s), failed;

		if (r != GIVEN_UP)
			return r;
		failed = s->failed;
		failed_at = s->failed_at;
		r = retry_round(s);
		if (r < 0)
			return r;
		if (i < MAX_ATTEMPTS)
			continue;
		if (failed)
			return xl_err(s->e->x, failed,
				      "%d pauses were given up, the last as domain 0 could not %s",
				      MAX_ATTEMPTS, failed_at);
		if (!s->e->max_pause_ns)
			return xl_fail(s->e->x, XLDUMP_CAUSE_OTHER, -EAGAIN,
				       "in each of %d attempts the guest dirtied more pages than "
				       "there was room for; try again when it is less busy",
				       MAX_ATTEMPTS);
		st = stats(s);
		r = over_limit(s, xl_policy_predict(&st));
		if (r < 0)
			return r;
		i = 0;
	}
}

/* The log starts clean: everything once, but what will be left out. */
static int first_pass(struct precopy *s)
{
	struct xl_engine *e = s->e;
	int r = xl_skip_begin(e);

	if (r == 0)
		r = sift(s);
	if (r == 0)
		r = xl_engine_pass(e, &s->dirty, XLDUMP_PHASE_COPY, UINT64_MAX);
	return r == 0 && !e->follow ? xl_identify(e) : r;
}

static int watch(void *data)
{
	return xl_dirtylog_watch(data);
}

static int precopy(struct precopy *s)
{
	struct xl_engine *e = s->e;
	int r;

	r = xl_bitmap_init(&s->dirty, e->map->nr_pfns);
	if (r == 0)
		r = xl_bitmap_init(&s->young, e->map->nr_pfns);
	if (r == 0)
		r = xl_bitmap_init(&s->now, e->map->nr_pfns);
	if (r < 0)
		return xl_err(e->x, r,
			      "allocate a dirty log of %" PRIu64 " pages", e->map->nr_pfns);
	r = xl_last_copy_init(&s->last, e);
	s->last.logged = true;
	if (r == 0)
		r = xl_skip_prepare(e);
	if (r < 0)
		return r;
	r = xl_dirtylog_start(&s->log, e);
	e->no_log = r == -EOPNOTSUPP;
	if (r == 0)
		r = first_dirty(s);
	if (r < 0)
		return r;
	e->watch = watch;
	e->watch_data = &s->log;
	r = first_pass(s);
	if (r == 0)
		r = next_dirty(s);
	if (r == 0)
		r = run_rounds(s);
	if (r == 0)
		r = pause_and_copy(s);
	/* Also whether the guest lived to the end: a dying one loses its pages without an error, and what
	 * was copied would be less than all. */
	if (r == 0)
		r = xl_dirtylog_verify(&s->log);
	if (r < 0)
		return r;
	xl_throttle_end(&s->throttle);
	xl_dirtylog_stop(&s->log);
	if (s->unsettled)
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "devices of domain %u were still writing to its memory %.0f ms after it was "
		       "stopped; the pages that they wrote last are listed as suspects",
		       e->dom.domid, SETTLE_MAX_NS / 1e6);
	return xl_last_copy_put(&s->last);
}

int xl_strategy_precopy(struct xl_engine *e)
{
	_cleanup_(precopy_deinit) struct precopy s = { .e = e, .throttle = { .e = e } };

	return precopy(&s);
}
