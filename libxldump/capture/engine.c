/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all strategies share. */
#include "capture/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/domain.h"

/* Pages may just be given back. */
#define PIN_TRIES 16

void xl_engine_progress(struct xl_engine *e, enum xldump_phase phase, uint64_t done,
			uint64_t total)
{
	const struct xldump_progress progress = {
		.phase = phase,
		.round = e->cut->rounds,
		.pages_done = done,
		.pages_total = total,
		.guest_stopped = e->stopped || e->cut->strategy == XLDUMP_STRATEGY_STILL ||
				 e->cut->strategy == XLDUMP_STRATEGY_STOP,
	};

	if (e->p->progress)
		e->p->progress(e->p->progress_data, &progress);
}

int xl_engine_check_alive(struct xl_engine *e)
{
	struct xl_domain now;
	int r = e->hv->ops->domain_info(e->hv, e->dom.domid, &now);

	if (r < 0 && r != -ESRCH)
		return xl_err(e->x, r, "look at domain %u", e->dom.domid);
	if (r == -ESRCH || now.dying || !xl_same_domain(&now, &e->dom))
		return xl_fail(e->x, XLDUMP_CAUSE_DOMAIN_GONE, -ESRCH,
			       "domain %u was destroyed during the dump", e->dom.domid);
	e->dom = now;
	return 0;
}

int xl_engine_err(struct xl_engine *e, int r, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (e->x->cause == XLDUMP_CAUSE_NONE && !e->x->err[0]) {
		int gone = xl_engine_check_alive(e);

		if (gone == -ESRCH)
			return xl_err(e->x, gone, "%s", text);
		xl_err_clear(e->x);
	}
	return xl_err(e->x, r, "%s", text);
}

int xl_engine_err_doing(struct xl_engine *e, int r, const char *what)
{
	if (r == -EOVERFLOW)
		return xl_fail(e->x, XLDUMP_CAUSE_OTHER, r,
			       "domain %u got more address space during the dump; dump it again",
			       e->dom.domid);
	return xl_engine_err(e, r, "%s: %s", what, e->hv->doing);
}

int xl_engine_look(struct xl_engine *e)
{
	e->hv->doing = "look at the domain";
	return e->hv->ops->domain_info(e->hv, e->dom.domid, &e->dom);
}

int xl_engine_put(struct xl_engine *e, xl_pfn_t pfn, uint8_t type, const uint8_t *page)
{
	if (e->hashes.hash)
		xl_hashes_set(&e->hashes, pfn, type, page);
	if (type == XL_PAGE_XTAB) {
		xl_pipeline_forget(e->pipe, pfn);
		return 0;
	}
	if (type == XL_PAGE_NOTAB)
		xl_verdict_look(&e->verdict, pfn, page);
	return xl_pipeline_put(e->pipe, pfn, type, page);
}

/* One pass under way. */
struct pass {
	struct xl_engine *e;
	enum xldump_phase phase;
	uint64_t total;
};

static int before_batch(void *data, uint64_t done)
{
	struct pass *p = data;
	struct xl_engine *e = p->e;

	xl_engine_progress(e, p->phase, done, p->total);
	return e->watch ? e->watch(e->watch_data) : 0;
}

static int put_page(void *data, xl_pfn_t pfn, uint8_t type, const uint8_t *page)
{
	struct xl_engine *e = ((struct pass *)data)->e;

	if (type != XL_PAGE_XTAB)
		e->cut->round[e->cut->rounds].copied++;
	return xl_engine_put(e, pfn, type, page);
}

int xl_engine_pass(struct xl_engine *e, const struct xl_bitmap *which, enum xldump_phase phase,
		   uint64_t deadline)
{
	struct xl_round *round = &e->cut->round[e->cut->rounds];
	struct pass p = { e, phase, xl_bitmap_count(which) };
	uint64_t t0 = e->hv->ops->now_ns(e->hv);
	int r;

	*round = (struct xl_round){ .dirty = p.total };
	r = xl_copier_each(&e->copier, &(struct xl_each){
		.which = which, .deadline = deadline, .before = before_batch, .page = put_page, .data = &p,
	});
	if (r < 0 && e->copier.failed)
		return xl_engine_err(e, r, "read %zu pages from pfn %#" PRIx64 ": %s",
				     e->copier.failed, e->copier.pfn[0], e->hv->doing);
	if (r < 0)
		return r;
	xl_engine_progress(e, phase, p.total, p.total);
	round->ns = e->hv->ops->now_ns(e->hv) - t0;
	if (e->cut->rounds < XL_MAX_ROUNDS - 1)
		e->cut->rounds++;
	return xl_engine_check_alive(e);
}

int xl_engine_take_state(struct xl_engine *e)
{
	int r;

	e->hv->doing = "ask for the state of its vCPUs";
	r = e->hv->ops->vcpus(e->hv, &e->dom, e->cut->narrow, e->cut->vcpu, e->cut->vcpus);
	if (r < 0)
		return r;
	e->hv->doing = "read shared_info";
	r = e->hv->ops->shared_info(e->hv, &e->dom, e->cut->shared_info);
	e->cut->has_shared_info = r == 0;
	/* An HVM guest's may be nowhere in its memory: the dump does without. */
	return e->dom.pv || r == -ESRCH ? r : 0;
}

int xl_engine_pin(struct xl_engine *e)
{
	uint64_t pos = 0;
	xl_pfn_t pfn;

	for (unsigned i = 0; i < PIN_TRIES && !e->copier.pin; i++) {
		if (xl_copier_gather(&e->copier, &e->map->present, &pos, &pfn, 1) == 0)
			break;
		/* It has just been given back: should it appear again, that is to be noticed. */
		if (xl_copier_pin(&e->copier, pfn) == -ENOENT && !e->map->p2m)
			xl_bitmap_clear(&e->map->present, pfn);
	}
	return xl_engine_check_alive(e);
}

int xl_engine_pick(struct xl_engine *e, enum xldump_strategy asked, enum xldump_strategy *ret)
{
	bool stopped = e->dom.shutdown || e->dom.paused;

	*ret = asked;
	if (asked == XLDUMP_STRATEGY_AUTO)
		*ret = stopped ? XLDUMP_STRATEGY_STILL : XLDUMP_STRATEGY_PRECOPY;
	if (*ret != XLDUMP_STRATEGY_STILL || stopped)
		return 0;
	return xl_fail(e->x, XLDUMP_CAUSE_USAGE, -EINVAL,
		       "domain %u is running, but the strategy `still' is for stopped guests; use "
		       "`auto' or `stop'", e->dom.domid);
}

void xl_engine_no_log(enum xldump_guest_type type, char *ret, size_t size)
{
	(void)snprintf(ret, size, "this hypervisor cannot log dirty pages of %s guests%s",
		       xldump_guest_type_name(type),
		       type == XLDUMP_GUEST_PV ? " (it was built without shadow paging)" : "");
}
