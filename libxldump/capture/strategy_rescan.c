/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strategy `rescan`: for running guests whose dirty pages nobody logs (PV on a hypervisor without
 * shadow paging, which is Debian's; a device passed through).
 *
 * All pages are copied while the guest runs, each with a hash of what was copied.  Then it is paused,
 * all pages are read again, and only those that hash differently are kept.  The pause is as long as
 * reading all memory once: at memory speed, with no disk in it.
 * A guest with a device model is read a third time, still paused: the device model ends requests, and
 * nothing else tells where it wrote.
 */
#include "capture/identify.h"
#include "capture/limit.h"
#include "capture/pause.h"
#include "capture/skip.h"
#include "capture/strategies.h"

/* The room in the pause is a guess, from what the last running pass found changed; an attempt that
 * outgrows it is given up and made again with more. */
#define MAX_ATTEMPTS 4

/* What attempt() says beside success and errors. */
#define GIVEN_UP 1

struct rescan {
	struct xl_engine *e;
	struct xl_bitmap todo;     /* what a pass reads */
	struct xl_bitmap changed;  /* found changed by the last pass */
	struct xl_last_copy last;
	uint64_t all_ns;           /* what reading everything once has cost */
	uint64_t all_pages;        /* of the pass under way */
	int failed;                /* for this the last pause was given up: an error that may pass, or 0 */
	const char *failed_at;     /* what was asked of the hypervisor then */
};

static void rescan_deinit(struct rescan *s)
{
	xl_last_copy_deinit(&s->last);
	xl_bitmap_deinit(&s->changed);
	xl_bitmap_deinit(&s->todo);
}

static int rescan_init(struct rescan *s)
{
	struct xl_engine *e = s->e;
	uint64_t nr = e->map->nr_pfns;
	int r;

	r = xl_hashes_init(&e->hashes, nr);
	if (r == 0)
		r = xl_bitmap_init(&s->changed, nr);
	if (r == 0)
		r = xl_bitmap_init(&s->todo, nr);
	if (r < 0)
		return xl_err(e->x, r, "allocate hashes of %" PRIu64 " pages", nr);
	return xl_last_copy_init(&s->last, e);
}

/* One scan under way. */
struct scan {
	struct rescan *s;
	bool running; /* what differs goes into the pipeline; else, in the pause, into memory */
};

/* Running: into the file. */
static int put_changed(struct xl_engine *e, xl_pfn_t pfn, uint8_t type, const uint8_t *page)
{
	if (type == XL_PAGE_XTAB)
		return 0;
	e->cut->round[e->cut->rounds].copied++;
	return xl_engine_put(e, pfn, type, page);
}

static int compare(void *data, xl_pfn_t pfn, uint8_t type, const uint8_t *page)
{
	const struct scan *k = data;
	struct rescan *s = k->s;
	struct xl_engine *e = s->e;

	/* One that was put before it was to be kept is put again. */
	if (type != XL_PAGE_XTAB && xl_bitmap_test(xl_pipeline_seen(e->pipe), pfn) &&
	    xl_hashes_same(&e->hashes, pfn, type, page) && !xl_bitmap_test(&e->must_read, pfn))
		return 0;
	xl_bitmap_set(&s->changed, pfn);
	return k->running ? put_changed(e, pfn, type, page) :
			    xl_last_copy_take(&s->last, pfn, type, page);
}

static int show_progress(void *data, uint64_t done)
{
	const struct scan *k = data;
	struct xl_engine *e = k->s->e;

	if (k->running)
		xl_engine_progress(e, e->cut->rounds ? XLDUMP_PHASE_ROUND : XLDUMP_PHASE_COPY, done,
				   k->s->all_pages);
	return 0;
}

/* Read the pages of s->todo; those that are not as they were put are handed on, and added to
 * s->changed.  Allocates and logs nothing in the pause. */
static int scan(struct rescan *s, bool running, uint64_t deadline)
{
	struct scan k = { s, running };

	return xl_copier_each(&s->e->copier, &(struct xl_each){
		.which = &s->todo, .deadline = deadline, .before = show_progress, .page = compare,
		.data = &k,
	});
}

/* All pages there are, but what will be left out. */
static int choose(struct rescan *s, uint64_t deadline)
{
	xl_bitmap_copy(&s->todo, &s->e->map->present);
	s->e->hv->doing = "ask for the types of pages";
	return xl_skip_sift(s->e, &s->todo, deadline);
}

/* One pass over the running guest. */
static int running_pass(struct rescan *s)
{
	struct xl_engine *e = s->e;
	struct xl_round *round = &e->cut->round[e->cut->rounds];
	uint64_t t0 = e->hv->ops->now_ns(e->hv), read0 = e->copier.read_ns;
	int r;

	*round = (struct xl_round){ 0 };
	xl_bitmap_zero(&s->changed);
	r = choose(s, UINT64_MAX);
	s->all_pages = xl_bitmap_count(&s->todo);
	if (r == 0)
		r = scan(s, true, UINT64_MAX);
	if (r < 0)
		return xl_engine_err_doing(e, r, "read the running guest");
	round->dirty = xl_bitmap_count(&s->changed);
	round->ns = e->hv->ops->now_ns(e->hv) - t0;
	s->all_ns = e->copier.read_ns - read0;
	if (e->cut->rounds < XL_MAX_ROUNDS - 2)
		e->cut->rounds++;
	r = xl_physmap_refresh(e->hv, &e->dom, e->map, NULL);
	return r < 0 ? xl_engine_err_doing(e, r, "memory layout of the running guest") :
		       xl_engine_check_alive(e);
}

/* All memory once, and once more if there is a device model. */
static uint64_t foreseen(const struct rescan *s)
{
	return s->e->dom.hvm_devices ? 2 * s->all_ns : s->all_ns;
}

/* 0 when the limit is lifted. */
static int over_limit(struct rescan *s)
{
	struct xl_engine *e = s->e;

	if (xl_limit_lift(e))
		return 0;
	return xl_limit_fail(e, "all memory must be read while the guest is stopped: ",
				    foreseen(s), XL_LIMIT_RESERVE);
}

/* A sample is read more slowly than all memory; so many times more slowly it never is. */
#define SAMPLE_FACTOR 4

/* A guest with fewer pages is read in hardly more time than a sample is. */
#define SAMPLE_FROM (16 * XL_COPY_BATCH)

/* Refuse at once what cannot be kept by far, rather than after all memory has been read.  With a dump level
 * it is not known yet how many pages will be read. */
static int foresee(struct rescan *s)
{
	struct xl_engine *e = s->e;
	struct xl_copier *c = &e->copier;
	uint64_t pos = 0;
	size_t n;
	int r;

	if (!e->max_pause_ns || e->p->dump_level || xl_bitmap_count(&e->map->present) < SAMPLE_FROM)
		return 0;
	n = xl_copier_gather(c, &e->map->present, &pos, c->pfn, XL_COPY_BATCH);
	r = n ? xl_copier_read(c, c->pfn, n, c->bounce, c->type) : 0;
	if (r < 0)
		return xl_engine_err_doing(e, r, "read a sample of the guest");
	if (c->read_pages)
		s->all_ns = xl_bitmap_count(&e->map->present) * (c->read_ns / c->read_pages);
	return foreseen(s) / SAMPLE_FACTOR > xl_limit_plannable(e, XL_LIMIT_RESERVE) ? over_limit(s) : 0;
}

/* The struct pages first: they say what is to be read of the others. */
static int scan_stopped(struct rescan *s, uint64_t deadline)
{
	struct xl_engine *e = s->e;
	const struct xl_bitmap *wanted = xl_pipeline_wanted(e->pipe);
	int r;

	xl_bitmap_zero(&s->changed);
	if (e->follow) {
		xl_bitmap_copy(&s->todo, &e->map->present);
		xl_bitmap_and(&s->todo, wanted);
		r = scan(s, false, deadline);
		if (r < 0)
			return r;
		xl_skip_look(e, &s->last);
	}
	r = choose(s, deadline);
	if (e->follow)
		xl_bitmap_andnot(&s->todo, wanted);
	return r < 0 ? r : scan(s, false, deadline);
}

static int inside_pause(struct rescan *s, uint64_t deadline)
{
	struct xl_engine *e = s->e;
	int r = xl_engine_look(e);

	if (r == 0)
		r = xl_physmap_refresh(e->hv, &e->dom, e->map, NULL);
	if (r == 0)
		r = xl_last_copy_begin(&s->last, &e->must_read, deadline);
	if (r == 0)
		r = scan_stopped(s, deadline);
	if (r == 0)
		r = xl_last_copy_verify(&s->last, NULL, NULL);
	if (r == 0)
		r = xl_engine_take_state(e);
	if (r == 0)
		r = xl_engine_look(e);
	return r == 0 && e->dom.dying ? -ESRCH : r;
}

/* GIVEN_UP: more had changed than there was room for; the guest runs again. */
static int attempt(struct rescan *s)
{
	struct xl_engine *e = s->e;
	_cleanup_(xl_pause_end) struct xl_pause pause = { 0 };
	int r, r2;

	r = xl_last_copy_prepare(&s->last, 2 * xl_bitmap_count(&s->changed));
	if (r < 0)
		return r;
	e->stopped = true;
	xl_engine_progress(e, XLDUMP_PHASE_FINISH, 0, s->all_pages);
	e->stopped = false;
	r = xl_pause_begin(e->x, e->hv, e->dom.domid, &pause);
	if (r < 0)
		return xl_engine_err(e, r, "stop the guest");
	r = inside_pause(s, xl_limit_copy_until(e, pause.since));
	r2 = xl_pause_finish(&pause);
	if (r2 < 0)
		return r2;
	e->cut->pause_ns.total = e->cut->pause_ns.copy = pause.lasted;
	xl_limit_tell_overrun(e, pause.lasted);
	if (r == -ETIME) {
		r = over_limit(s);
		return r < 0 ? r : GIVEN_UP;
	}
	s->failed = xl_err_passes(r) ? r : 0;
	s->failed_at = e->hv->doing;
	if (r == -E2BIG || s->failed)
		return GIVEN_UP;
	return r < 0 ? xl_engine_err_doing(e, r, "copy the rest of the stopped guest") : 0;
}

int xl_strategy_rescan(struct xl_engine *e)
{
	_cleanup_(rescan_deinit) struct rescan s = { .e = e };
	int r = rescan_init(&s);

	if (r == 0)
		r = foresee(&s);
	if (r == 0)
		r = xl_skip_prepare(e);
	if (r == 0)
		r = xl_skip_begin(e);
	if (r == 0)
		r = running_pass(&s);
	if (r == 0 && !e->follow)
		r = xl_identify(e);
	for (unsigned i = 0; r == 0 && i < MAX_ATTEMPTS; i++) {
		/* How much changes in the time of one pass: the room that is needed, and fewer pages
		 * to keep in the pause. */
		r = running_pass(&s);
		if (r == 0 && e->max_pause_ns &&
		    foreseen(&s) > xl_limit_plannable(e, XL_LIMIT_RESERVE))
			r = over_limit(&s);
		if (r == 0)
			r = attempt(&s);
		if (r == 0)
			return xl_last_copy_put(&s.last);
		if (r == GIVEN_UP && i + 1 < MAX_ATTEMPTS)
			r = 0;
	}
	if (r == GIVEN_UP && s.failed)
		return xl_err(e->x, s.failed,
			      "%d pauses were given up, the last as domain 0 could not %s", MAX_ATTEMPTS,
			      s.failed_at);
	if (r == GIVEN_UP)
		return xl_fail(e->x, XLDUMP_CAUSE_OTHER, -EAGAIN,
			       "in each of %d attempts the guest changed more pages than there was "
			       "room for; use --strategy=stop",
			       MAX_ATTEMPTS);
	return r;
}
