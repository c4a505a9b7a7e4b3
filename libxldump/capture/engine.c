/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all strategies share, and the choice between them. */
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
		.guest_stopped = e->cut->strategy != XLDUMP_STRATEGY_PRECOPY,
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
			       "domain %u was given more address space during the dump: start again",
			       e->dom.domid);
	return xl_engine_err(e, r, "%s: %s", what, e->hv->doing);
}

int xl_engine_look(struct xl_engine *e)
{
	e->hv->doing = "look at the domain";
	return e->hv->ops->domain_info(e->hv, e->dom.domid, &e->dom);
}

static int put_batch(struct xl_engine *e, size_t n, uint64_t *copied)
{
	struct xl_copier *c = &e->copier;

	for (size_t i = 0; i < n; i++) {
		const uint8_t *page = c->bounce + i * XL_PAGE_SIZE;
		int r;

		if (e->hashes.hash)
			xl_hashes_set(&e->hashes, c->pfn[i], c->type[i], page);
		if (c->type[i] == XL_PAGE_XTAB) {
			/* What was read of it before is of no worth should it come back. */
			xl_bitmap_clear(&e->pipe->put, c->pfn[i]);
			continue;
		}
		r = xl_pipeline_put(e->pipe, c->pfn[i], c->type[i], page);
		if (r < 0)
			return r;
		(*copied)++;
	}
	return 0;
}

int xl_engine_pass(struct xl_engine *e, const struct xl_bitmap *which, enum xldump_phase phase,
		   uint64_t deadline)
{
	struct xl_copier *c = &e->copier;
	struct xl_round *round = &e->cut->round[e->cut->rounds];
	uint64_t t0 = e->hv->ops->now_ns(e->hv);
	uint64_t pos = 0, done = 0;
	size_t n;
	int r;

	*round = (struct xl_round){ .dirty = xl_bitmap_count(which) };
	while ((n = xl_copier_gather(c, which, &pos, c->pfn, XL_COPY_BATCH)) > 0) {
		r = xl_check_cancel(e->x);
		if (r == 0 && e->watch)
			r = e->watch(e->watch_data);
		if (r < 0)
			return r;
		if (!xl_copier_in_time(c, n, deadline))
			return -ETIME;
		r = xl_copier_read(c, c->pfn, n, c->bounce, c->type);
		if (r < 0)
			return xl_engine_err(e, r, "read %zu pages from pfn %#" PRIx64 ": %s", n,
					     c->pfn[0], e->hv->doing);
		r = put_batch(e, n, &round->copied);
		if (r < 0)
			return r;
		done += n;
		xl_engine_progress(e, phase, done, round->dirty);
	}
	round->ns = e->hv->ops->now_ns(e->hv) - t0;
	if (e->cut->rounds < XL_MAX_ROUNDS - 1)
		e->cut->rounds++;
	return xl_engine_check_alive(e);
}

/* xl_read_part_fn */
static int read_part(void *data, xl_pfn_t pfn, size_t offset, void *buf, size_t len)
{
	struct xl_engine *e = data;
	uint8_t type;
	int r;

	if (!xl_bitmap_test(&e->map->present, pfn))
		return -EFAULT;
	if (!xl_copier_in_time(&e->copier, 1, e->copy_until))
		return -ETIME;
	r = xl_copier_read(&e->copier, &pfn, 1, e->copier.bounce, &type);
	if (r < 0)
		return r;
	if (type == XL_PAGE_XTAB)
		return -EFAULT;
	memcpy(buf, e->copier.bounce + offset, len);
	return 0;
}

/* Guest memory for the look at the kernel: xl_read_fn. */
static int read_guest(void *data, uint64_t paddr, void *buf, size_t len)
{
	return xl_read_across(paddr, buf, len, read_part, data);
}

int xl_engine_try_identify(struct xl_engine *e, struct xl_kernel *ret)
{
	return xl_kernel_identify(e->x, &e->pipe->candidates, read_guest, e, ret);
}

int xl_engine_identify(struct xl_engine *e)
{
	struct xl_kernel *k = &e->cut->kernel;
	xl_pfn_t pfn;
	int r;

	/* What is known of kernels is about those of 64 bits. */
	if (e->cut->narrow)
		return xl_engine_plan_filter(e);
	r = xl_engine_try_identify(e, k);
	pfn = k->xen_start_info_pa >> XL_PAGE_SHIFT;
	if (r == -ENOENT) {
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "no Linux kernel recognised in the guest (%s): debuggers will need help",
		       e->x->err);
		xl_err_clear(e->x);
		return xl_engine_plan_filter(e);
	}
	if (r == -ENOEXEC)
		return r;
	if (r < 0)
		return xl_engine_err_doing(e, r, "look for the guest's kernel");
	if (!e->dom.pv || e->pipe->raw)
		return xl_engine_plan_filter(e);
	/* It is where the guest's symbol table says, which may be anywhere. */
	if (!xl_bitmap_test(&e->map->present, pfn))
		k->xen_start_info_pa = 0;
	if (k->xen_start_info_pa == 0) {
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "the variable xen_start_info of kernel %s was not found: crash will not read "
		       "this dump of a PV guest; drgn, gdb and makedumpfile will.  Name its System.map "
		       "or vmlinux with --symbols",
		       k->release);
		return xl_engine_plan_filter(e);
	}
	xl_pipeline_hold(e->pipe, pfn);
	xl_bitmap_set(&e->must_read, pfn);
	return xl_engine_plan_filter(e);
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
		return xl_err(e->x, -ENOMEM, "state of %u vCPUs", cut->vcpus);
	memset(cut->vcpu, 0, cut->vcpus * sizeof(*cut->vcpu));
	cut->nr_pfns = e->map->nr_pfns;
	cut->narrow = e->map->narrow;
	r = xl_bitmap_init(&cut->present, cut->nr_pfns);
	if (r == 0)
		r = xl_bitmap_init(&e->must_read, cut->nr_pfns);
	if (r == 0)
		r = xl_copier_init(&e->copier, e->hv, e->dom.domid, e->map);
	if (r < 0)
		return xl_err(e->x, r, "index of %" PRIu64 " pages", cut->nr_pfns);
	return xl_engine_pin(e);
}

static void engine_deinit(struct xl_engine *e)
{
	xl_copier_deinit(&e->copier);
	xl_bitmap_deinit(&e->must_read);
	xl_hashes_deinit(&e->hashes);
}

/* The guest at T is what the map says, less what could not be read in the end. */
static void finish_cut(struct xl_engine *e)
{
	struct xl_cut *cut = e->cut;

	xl_bitmap_copy(&cut->present, &e->pipe->put);
	xl_bitmap_or(&cut->present, &e->pipe->skipped);
	xl_bitmap_and(&cut->present, &e->map->present);
	cut->p2m = e->map->p2m;
	cut->dom = e->dom;
}

uint64_t xl_engine_copy_until(const struct xl_engine *e, uint64_t since)
{
	/* A sixteenth is left for the vCPUs and the unpause. */
	return e->max_pause_ns ? since + e->max_pause_ns - e->max_pause_ns / 16 : UINT64_MAX;
}

void xl_engine_tell_overrun(struct xl_engine *e, uint64_t lasted)
{
	if (e->max_pause_ns && lasted > e->max_pause_ns)
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "domain %u was stopped for %.1f ms, longer than the %.1f ms allowed",
		       e->dom.domid, (double)lasted / 1e6, (double)e->max_pause_ns / 1e6);
}

bool xl_engine_lift_limit(struct xl_engine *e)
{
	struct xl_cut *cut = e->cut;
	size_t len = strlen(cut->reason);

	if (!e->p->extend_pause)
		return false;
	(void)snprintf(cut->reason + len, sizeof(cut->reason) - len,
		       "%sthe limit of %.1f ms for the pause could not be kept", len ? "; " : "",
		       (double)e->max_pause_ns / 1e6);
	e->max_pause_ns = 0;
	return true;
}

/* Three digits, or all that are before the point. */
static const char *ms(uint64_t ns, char buf[static 24])
{
	double v = (double)ns / 1e6;

	(void)snprintf(buf, 24, v < 999.5 ? "%.3g ms" : "%.0f ms", v);
	return buf;
}

int xl_engine_fail_limit(struct xl_engine *e, const char *why, uint64_t foreseen, unsigned nth)
{
	const char *reason = e->cut->reason;
	uint64_t plannable = xl_engine_plannable(e, nth);
	char about[24], planned[24], allowed[24];

	if (foreseen > plannable)
		return xl_fail(e->x, XLDUMP_CAUSE_PAUSE_LIMIT, -ETIME,
			       "%s%s%sthe guest would be stopped for about %s, and %s can be "
			       "planned with of the %s allowed, for a part is kept in reserve; "
			       "allow more with --max-pause",
			       reason, reason[0] ? "; " : "", why, ms(foreseen, about),
			       ms(plannable, planned), ms(e->max_pause_ns, allowed));
	return xl_fail(e->x, XLDUMP_CAUSE_PAUSE_LIMIT, -ETIME,
		       "%s%s%sstopping the guest took longer than the %s foreseen, and was given "
		       "up for the sake of the %s allowed; allow more with --max-pause",
		       reason, reason[0] ? "; " : "", why, ms(foreseen, about),
		       ms(e->max_pause_ns, allowed));
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
		       "domain %u is running: the strategy `still' is for guests that are not; leave "
		       "the choice to `auto', or ask for `stop'", e->dom.domid);
}

void xl_engine_no_log(enum xldump_guest_type type, char *ret, size_t size)
{
	(void)snprintf(ret, size, "this hypervisor cannot log dirty pages of %s guests%s",
		       xldump_guest_type_name(type),
		       type == XLDUMP_GUEST_PV ? " (it was built without shadow paging)" : "");
}

typedef int (*strategy_fn)(struct xl_engine *e);

static const strategy_fn strategies[_XLDUMP_STRATEGY_MAX] = {
	[XLDUMP_STRATEGY_PRECOPY] = xl_strategy_precopy,
	[XLDUMP_STRATEGY_STILL] = xl_strategy_still,
	[XLDUMP_STRATEGY_STOP] = xl_strategy_still,
	[XLDUMP_STRATEGY_RESCAN] = xl_strategy_rescan,
};

static int run_strategy(struct xl_engine *e)
{
	bool automatic = e->p->strategy == XLDUMP_STRATEGY_AUTO;
	int r;

	e->max_pause_ns = e->p->max_pause_ns;
	e->cut->was_stopped = e->dom.shutdown || e->dom.paused;
	r = xl_engine_pick(e, e->p->strategy, &e->cut->strategy);
	if (r < 0)
		return r;
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
	_cleanup_(engine_deinit) struct xl_engine e = {
		.x = x, .hv = hv, .dom = cut->dom, .p = params, .map = map, .pipe = pipe,
		.cut = cut, .copy_until = UINT64_MAX,
	};
	int r = engine_init(&e);

	if (r == 0)
		r = run_strategy(&e);
	if (r == 0)
		finish_cut(&e);
	return r;
}
