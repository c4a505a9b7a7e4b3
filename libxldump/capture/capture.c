/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a running guest to pages and a cut: the choice of the strategy. */
#include "capture/capture.h"

#include <string.h>

#include "capture/engine.h"
#include "capture/strategies.h"
#include "hv/patience.h"

/* Room for everything that is filled inside the pause. */
static int engine_init(struct xl_engine *e)
{
	struct xl_cut *cut = e->cut;
	int r;

	cut->vcpus = e->dom.max_vcpu_id + 1; /* ~0 says that there are none: 0 */
	if (cut->vcpus == 0 || cut->vcpus > XL_MAX_VCPUS)
		return xl_fail(e->x, XLDUMP_CAUSE_UNSUPPORTED, -EINVAL,
			       "domain %u has no vCPUs: it is not running yet, or is going away",
			       e->dom.domid);
	cut->vcpu = calloc(cut->vcpus, sizeof(*cut->vcpu));
	if (!cut->vcpu)
		return xl_err(e->x, -ENOMEM, "allocate the state of %u vCPUs", cut->vcpus);
	memset(cut->vcpu, 0, cut->vcpus * sizeof(*cut->vcpu));
	cut->nr_pfns = e->map->nr_pfns;
	cut->narrow = e->map->narrow;
	r = xl_bitmap_init(&cut->present, cut->nr_pfns);
	if (r == 0)
		r = xl_bitmap_init(&cut->skipped, cut->nr_pfns);
	if (r == 0)
		r = xl_bitmap_init(&e->out, cut->nr_pfns);
	if (r == 0)
		r = xl_bitmap_init(&e->must_read, cut->nr_pfns);
	if (r == 0)
		r = xl_copier_init(&e->copier, e->x, e->hv, e->dom.domid, e->map);
	if (r < 0)
		return xl_err(e->x, r, "allocate an index of %" PRIu64 " pages", cut->nr_pfns);
	return xl_engine_pin(e);
}

static void engine_deinit(struct xl_engine *e)
{
	xl_copier_deinit(&e->copier);
	xl_bitmap_deinit(&e->must_read);
	xl_bitmap_deinit(&e->out);
	xl_verdict_deinit(&e->verdict);
	xl_hashes_deinit(&e->hashes);
}

/* The guest at T is what the map says, less what could not be read in the end. */
static void finish_cut(struct xl_engine *e)
{
	struct xl_cut *cut = e->cut;

	xl_bitmap_copy(&cut->present, xl_pipeline_seen(e->pipe));
	xl_bitmap_or(&cut->present, &cut->skipped);
	xl_bitmap_and(&cut->present, &e->map->present);
	cut->p2m = e->map->p2m;
	cut->dom = e->dom;
}

typedef int (*strategy_fn)(struct xl_engine *e);

static const strategy_fn strategies[_XLDUMP_STRATEGY_MAX] = {
	[XLDUMP_STRATEGY_PRECOPY] = xl_strategy_precopy,
	[XLDUMP_STRATEGY_STILL] = xl_strategy_still,
	[XLDUMP_STRATEGY_STOP] = xl_strategy_still,
	[XLDUMP_STRATEGY_RESCAN] = xl_strategy_rescan,
};

/* What may be waited in a pause until an operation succeeds: a short one is rather given up and made
 * again. */
#define SHORT_PATIENCE_NS 20000000ULL

static uint64_t pause_patience(const struct xl_engine *e, enum xldump_strategy strategy,
			       uint64_t run_ns)
{
	bool is_long = strategy == XLDUMP_STRATEGY_STILL || strategy == XLDUMP_STRATEGY_STOP;
	uint64_t most = is_long ? run_ns : SHORT_PATIENCE_NS;
	uint64_t allowed = e->max_pause_ns / 32; /* half of what xl_limit_copy_until() keeps back */

	return e->max_pause_ns && !e->cut->was_stopped && allowed < most ? allowed : most;
}

static int run_strategy(struct xl_engine *e, struct xl_patience *patience)
{
	bool automatic = e->p->strategy == XLDUMP_STRATEGY_AUTO;
	int r;

	e->max_pause_ns = e->p->max_pause_ns;
	e->cut->was_stopped = e->dom.shutdown || e->dom.paused;
	r = xl_engine_pick(e, e->p->strategy, &e->cut->strategy);
	if (r < 0)
		return r;
	patience->pause_ns = pause_patience(e, e->cut->strategy, patience->run_ns);
	r = strategies[e->cut->strategy](e);
	if (r != -EOPNOTSUPP || !automatic || !e->no_log)
		return r;
	/* Not this hypervisor: read everything twice instead, the second time paused. */
	xl_err_clear(e->x);
	xl_engine_no_log(e->cut->type, e->cut->reason, sizeof(e->cut->reason));
	e->cut->strategy = XLDUMP_STRATEGY_RESCAN;
	e->cut->rounds = 0;
	xl_log(e->x, XLDUMP_LOG_WARNING,
	       "%s: the guest is stopped for as long as reading all its memory takes",
	       e->cut->reason);
	return xl_strategy_rescan(e);
}

int xl_capture(struct xl_ctx *x, struct xl_hv *hv, const struct xl_capture_params *params,
	       struct xl_physmap *map, struct xl_pipeline *pipe, struct xl_cut *cut)
{
	struct xl_patience patience;
	_cleanup_(engine_deinit) struct xl_engine e = {
		.x = x, .hv = &patience.hv, .dom = cut->dom, .p = params, .map = map, .pipe = pipe,
		.cut = cut, .copy_until = UINT64_MAX,
	};
	int r;

	xl_patience_init(&patience, hv);
	if (params->patience_ns)
		patience.run_ns = params->patience_ns;
	r = engine_init(&e);
	if (r == 0)
		r = run_strategy(&e, &patience);
	if (r == 0)
		finish_cut(&e);
	return r;
}
