/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a dump would cost: a sample of pages tells what reading and compressing one costs and what it
 * takes on disk; the dirty log, how many pages the guest writes in a time.  Then the rounds are played
 * by the policy that a dump would go by. */
#include "capture/estimate.h"

#include <stdio.h>

#include "base/bytes.h"
#include "capture/dirtylog.h"
#include "capture/engine.h"
#include "capture/policy.h"
#include "hv/patience.h"

/* Pages that are read: 32 MiB, a tenth of a second. */
#define SAMPLE 8192

/* The log is on for so long, and is fetched once in between: a guest writes to the same pages again,
 * so that twice the time is less than twice the pages. */
#define WATCH_NS 1000000000ULL
#define FIRST_NS 200000000ULL
#define STEP_NS 50000000ULL

struct work {
	struct xl_engine e;
	const struct xl_estimate_params *p;
	struct xl_estimate *est;
	struct xl_bitmap dirty;
	struct xl_dirtylog log;
	uint64_t zeros, packed; /* of the sample: pages, and bytes of the others */
	uint64_t pack_ns;       /* of the sample, by one thread */
	uint64_t dirty_first;   /* pages that were written in FIRST_NS */
	uint64_t first_ns, refresh_ns;
};

static void work_deinit(struct work *w)
{
	xl_dirtylog_deinit(&w->log);
	xl_bitmap_deinit(&w->dirty);
	xl_copier_deinit(&w->e.copier);
}

static uint64_t now(const struct work *w)
{
	return w->e.hv->ops->now_ns(w->e.hv);
}

/* ---- the sample ---- */

static void weigh(struct work *w, void *codec, const uint8_t *page)
{
	uint8_t out[XL_PACKED_MAX];
	size_t n = XL_PAGE_SIZE;

	if (xl_page_is_zero(page)) {
		w->zeros++;
		return;
	}
	if (codec)
		n = w->p->codec->compress(codec, page, out);
	w->packed += n > 0 && n < XL_PAGE_SIZE ? n : XL_PAGE_SIZE;
}

static int weigh_batch(struct work *w, void *codec, size_t n)
{
	struct xl_copier *c = &w->e.copier;
	uint64_t t0;
	int r = xl_copier_read(c, c->pfn, n, c->bounce, c->type);

	if (r < 0)
		return xl_engine_err_doing(&w->e, r, "read a sample of the guest");
	t0 = now(w);
	for (size_t i = 0; i < n; i++) {
		if (c->type[i] == XL_PAGE_XTAB)
			continue;
		weigh(w, codec, c->bounce + i * XL_PAGE_SIZE);
		w->est->sampled++;
	}
	w->pack_ns += now(w) - t0;
	return xl_check_cancel(w->e.x);
}

/* Pages of everywhere: the nth, the 2nth and so on. */
static int take_sample(struct work *w)
{
	const struct xl_bitmap *present = &w->e.map->present;
	uint64_t step = w->est->pages / SAMPLE + 1, i = 0;
	struct xl_copier *c = &w->e.copier;
	void *codec = w->p->codec ? w->p->codec->open(w->p->level) : NULL;
	size_t n = 0;
	int r = w->p->codec && !codec ? xl_err(w->e.x, -ENOMEM, "compress a sample") : 0;

	for (xl_pfn_t pfn = xl_bitmap_next(present, 0); pfn < present->nbits && r == 0;
	     pfn = xl_bitmap_next(present, pfn + 1)) {
		if (i++ % step)
			continue;
		c->pfn[n++] = pfn;
		if (n < XL_COPY_BATCH)
			continue;
		r = weigh_batch(w, codec, n);
		n = 0;
	}
	if (r == 0 && n)
		r = weigh_batch(w, codec, n);
	if (w->p->codec)
		w->p->codec->close(codec);
	return r;
}

/* ---- the log ---- */

static int wait_for(struct work *w, uint64_t ns)
{
	uint64_t until = now(w) + ns;
	int r = 0;

	while (r == 0 && now(w) < until) {
		uint64_t left = until - now(w);

		w->e.hv->ops->sleep_ns(w->e.hv, left < STEP_NS ? left : STEP_NS);
		r = xl_check_cancel(w->e.x);
	}
	return r;
}

static int fetch(struct work *w)
{
	int r = xl_dirtylog_fetch(&w->log, false, &w->dirty);

	return r < 0 ? xl_dirtylog_err(&w->log, r, "look for what the guest has written") : 0;
}

static int watch(struct work *w)
{
	uint64_t t0, t;
	int r = xl_dirtylog_start(&w->log, &w->e);

	if (r < 0)
		return r;
	t0 = now(w);
	r = wait_for(w, FIRST_NS);
	if (r == 0)
		r = fetch(w);
	if (r < 0)
		return r;
	w->first_ns = now(w) - t0;
	w->dirty_first = xl_bitmap_count(&w->dirty);
	r = wait_for(w, WATCH_NS - FIRST_NS);
	if (r == 0)
		r = fetch(w);
	if (r < 0)
		return r;
	w->est->watched_ns = now(w) - t0;
	w->est->dirtied = xl_bitmap_count(&w->dirty);
	/* As a pause does it. */
	t = now(w);
	r = xl_physmap_refresh(w->e.hv, &w->e.dom, w->e.map, &w->dirty);
	w->refresh_ns = now(w) - t;
	return r < 0 ? xl_engine_err_doing(&w->e, r, "memory layout of the running guest") : 0;
}

/* Pages that the guest would write in a time: on the line through what was seen, and on with its last
 * slope. */
static uint64_t dirty_after(const struct work *w, uint64_t ns)
{
	const struct xl_estimate *est = w->est;
	double d = (double)w->dirty_first, t = (double)w->first_ns, all = (double)est->pages;

	if (ns > w->first_ns && est->watched_ns > w->first_ns)
		d += (double)(ns - w->first_ns) * (double)(est->dirtied - w->dirty_first) /
		     (double)(est->watched_ns - w->first_ns);
	else if (w->first_ns)
		d *= (double)ns / t;
	return (uint64_t)(d < all ? d : all);
}

/* ---- the dump that is not made ---- */

/* What a page costs in the pause, and while the guest runs, when it is compressed, too. */
static uint64_t read_ns(const struct work *w)
{
	const struct xl_copier *c = &w->e.copier;

	return c->read_pages ? c->read_ns / c->read_pages : 0;
}

static uint64_t pass_ns(const struct work *w)
{
	unsigned threads = xl_packer_threads(w->p->threads);

	return read_ns(w) + (w->est->sampled ? w->pack_ns / w->est->sampled / threads : 0);
}

static void play_precopy(struct work *w)
{
	struct xl_estimate *est = w->est;
	struct xl_policy_stats st = {
		.round = 1, .max_rounds = w->p->max_rounds, .page_ns = read_ns(w),
		.fixed_ns = w->log.fetch_ns + 2 * XL_SETTLE_STEP_NS + w->refresh_ns,
		.max_pause_ns = w->p->max_pause_ns,
	};
	uint64_t ns = est->pages * pass_ns(w);
	enum xl_policy_decision d;

	est->copy_ns = ns;
	st.dirty = dirty_after(w, ns);
	while ((d = xl_policy_decide(st)) == XL_POLICY_CONTINUE) {
		ns = st.dirty * pass_ns(w);
		est->copy_ns += ns;
		st.round++;
		st.dirty_before = st.dirty;
		st.dirty = dirty_after(w, ns);
	}
	est->over_limit = d == XL_POLICY_OVERRUN;
	est->rounds = st.round + 1;
	est->pause_ns = xl_policy_predict(&st);
}

/* All memory is read while the guest stands still, and once more where a device model may write
 * anywhere. */
static void play_others(struct work *w)
{
	struct xl_estimate *est = w->est;
	uint64_t looks = w->e.dom.hvm_devices ? 2 : 1;
	bool rescan = est->strategy == XLDUMP_STRATEGY_RESCAN;

	est->rounds = rescan ? 2 : 1;
	est->copy_ns = est->pages * pass_ns(w);
	est->pause_ns = est->pages * read_ns(w) * looks;
	if (est->strategy == XLDUMP_STRATEGY_STOP)
		est->pause_ns += est->copy_ns - est->pages * read_ns(w);
	if (rescan)
		est->copy_ns += est->pause_ns;
	if (est->stopped)
		est->pause_ns = 0;
	est->over_limit = w->p->max_pause_ns && est->pause_ns > w->p->max_pause_ns;
}

static int play(struct work *w)
{
	struct xl_estimate *est = w->est;
	bool automatic = w->p->strategy == XLDUMP_STRATEGY_AUTO;
	int r = xl_engine_pick(&w->e, w->p->strategy, &est->strategy);

	est->stopped = w->e.dom.shutdown || w->e.dom.paused;
	if (r == 0 && est->strategy == XLDUMP_STRATEGY_PRECOPY)
		r = watch(w);
	if (r == -EOPNOTSUPP && automatic) {
		xl_err_clear(w->e.x);
		est->strategy = XLDUMP_STRATEGY_RESCAN;
		xl_engine_no_log(w->p->type, est->reason, sizeof(est->reason));
		r = 0;
	}
	if (r < 0)
		return r;
	if (est->strategy == XLDUMP_STRATEGY_PRECOPY)
		play_precopy(w);
	else
		play_others(w);
	return 0;
}

int xl_estimate(struct xl_ctx *x, struct xl_hv *hv, const struct xl_domain *dom,
		const struct xl_estimate_params *params, struct xl_physmap *map,
		struct xl_estimate *ret)
{
	struct xl_patience patience;
	_cleanup_(work_deinit) struct work w = {
		.e = { .x = x, .hv = &patience.hv, .dom = *dom, .map = map }, .p = params, .est = ret,
	};
	int r;

	*ret = (struct xl_estimate){ .pages = xl_bitmap_count(&map->present) };
	xl_patience_init(&patience, hv);
	r = xl_copier_init(&w.e.copier, x, &patience.hv, dom->domid, map);
	if (r == 0)
		r = xl_bitmap_init(&w.dirty, map->nr_pfns);
	if (r < 0)
		return xl_err(x, r, "allocate an index of %" PRIu64 " pages", map->nr_pfns);
	r = xl_engine_pin(&w.e);
	if (r == 0)
		r = take_sample(&w);
	if (r == 0)
		r = play(&w);
	if (r < 0)
		return r;
	if (ret->sampled)
		ret->page_bytes = (uint64_t)((double)w.packed / (double)ret->sampled *
					     (double)ret->pages);
	/* A domain that goes away loses its pages without an error. */
	return xl_engine_check_alive(&w.e);
}
