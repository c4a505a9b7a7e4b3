/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every operation of the seam fails, at every call of it, in every strategy; and the domain goes
 * away at every operation.  What is owed to the guest is paid all the same. */
#include <errno.h>

#include "../sim/sim_case.h"
#include "sim_test.h"

struct way {
	const char *name;
	struct xl_capture_params cp;
	bool crashed;
	bool no_log;   /* PV only: of a hypervisor that cannot log */
	bool busy;     /* PVH only: the guest dirties faster than we copy */
};

static const struct way ways[] = {
	{ .name = "precopy", .cp = { .strategy = XLDUMP_STRATEGY_PRECOPY, .max_rounds = 3 } },
	{ .name = "auto", .cp = { .strategy = XLDUMP_STRATEGY_AUTO, .max_rounds = 3 } },
	{ .name = "still", .cp = { .strategy = XLDUMP_STRATEGY_STILL }, .crashed = true },
	{ .name = "stop", .cp = { .strategy = XLDUMP_STRATEGY_STOP } },
	{ .name = "rescan", .cp = { .strategy = XLDUMP_STRATEGY_RESCAN } },
	{ .name = "auto, unlogged",
	  .cp = { .strategy = XLDUMP_STRATEGY_AUTO, .max_rounds = 3 }, .no_log = true },
	{ .name = "precopy, slowed",
	  .cp = { .strategy = XLDUMP_STRATEGY_PRECOPY, .max_rounds = 2, .max_pause_ns = 60000,
		  .throttle = true, .extend_pause = true }, .busy = true },
};

static const struct sim_params small[] = {
	{ .seed = 11, .type = XLDUMP_GUEST_PV, .pages = 100 },
	{ .seed = 12, .type = XLDUMP_GUEST_PV, .pages = 100, .three_level = true },
	{ .seed = 13, .type = XLDUMP_GUEST_PVH, .pages = 100, .compact = true, .xen_minor = 17 },
	{ .seed = 14, .type = XLDUMP_GUEST_HVM, .pages = 100, .compact = true },
};

static struct sim *small_sim(size_t i, const struct way *w)
{
	struct sim_params p = small[i];
	struct sim *s;

	p.programs = SIM_QUIET_PROGRAMS | SIM_RUN(SIM_BALLOONER);
	p.no_shadow = w->no_log;
	p.dirty_interval = w->busy ? 200 : 0;
	s = new_sim(&p);
	s->dom.shutdown = w->crashed;
	return s;
}

static bool of_use(size_t i, const struct way *w)
{
	return (!w->no_log || small[i].type == XLDUMP_GUEST_PV) &&
	       (!w->busy || small[i].type == XLDUMP_GUEST_PVH);
}

static unsigned runs, failed, wrong;

/* What the error must speak of if this operation has failed: any of them. */
static const char *const named[SIM_NR_OPS][3] = {
	[SIM_host_info] = { "hypervisor" },
	[SIM_domain_info] = { "look at" },
	[SIM_guest_width] = { "width" },
	[SIM_map] = { "map ", "p2m" },
	[SIM_page_types] = { "types of" },
	[SIM_nr_gfns] = { "highest gfn" },
	[SIM_pod_entries] = { "populate-on-demand" },
	[SIM_xen_frames] = { "where the grant table is" },
	[SIM_special_frames] = { "rings" },
	[SIM_cap_get] = { "scheduler's cap" },
	[SIM_cap_set] = { "scheduler's cap" },
	[SIM_grants_prepare] = { "grant table" },
	[SIM_grants_read] = { "grant table" },
	[SIM_shared_info] = { "shared_info" },
	[SIM_logdirty_start] = { "log-dirty mode", "memory left for the dirty log", "cannot log" },
	[SIM_logdirty_fetch] = { "fetch the dirty log" },
	[SIM_logdirty_count] = { "count the dirty log" },
	[SIM_dm_logdirty] = { "device model" },
	[SIM_pause] = { "stop the guest" },
	[SIM_unpause] = { "unpause" },
	[SIM_vcpus] = { "vCPUs" },
};

static bool names(const char *err, enum sim_op op)
{
	for (size_t i = 0; i < XL_ARRAY_SIZE(named[op]); i++) {
		if (named[op][i] && strstr(err, named[op][i]))
			return true;
	}
	return false;
}

static void complain(const struct sim *s, const struct way *w, const struct sim_dump *d,
		     const char *why)
{
	const struct sim_fault *f = &s->fault;

	say(&s->params, "%s: %s number %" PRIu64 " %s%d%s: result %d (%s): %s", w->name,
	    sim_op_name[f->op], f->nth, f->late ? "late " : "", f->err, f->sticks ? " on" : "",
	    d->r, d->x.err, why);
	wrong++;
}

/* What must hold after an operation has failed. */
static void judge_fault(struct sim *s, const struct way *w, const struct sim_dump *d)
{
	const struct sim_fault *f = &s->fault;
	char why[512];
	bool passes = !f->sticks && (f->err == -EINTR || f->err == -ENOMEM);

	failed += d->r < 0;
	if (f->op == SIM_unpause && !passes && d->r < 0 &&
	    d->x.cause == XLDUMP_CAUSE_STILL_PAUSED) {
		if (s->pauses_ours != 1 || s->log_on || s->dm_on || s->mapped)
			complain(s, w, d, "more is wrong than the pause");
		else if (!names(d->x.err, f->op))
			complain(s, w, d, "the error does not name the operation");
		return;
	}
	/* Nobody can switch it off then, and that was said. */
	if (f->sticks && (f->op == SIM_logdirty_stop || f->op == SIM_dm_logdirty) &&
	    d->warnings > 0) {
		s->log_on = false;
		s->dm_on = false;
	}
	if (f->op == SIM_cap_set && d->warnings > 0)
		s->cap = 0;
	if (sim_check(s, d, why, sizeof(why)) < 0)
		complain(s, w, d, why);
	else if (d->r < 0 && !names(d->x.err, f->op))
		complain(s, w, d, "the error does not name the operation");
	else if (d->r < 0 && !f->sticks && xl_err_passes(f->err))
		complain(s, w, d, "once is no reason to give up");
}

/* One dump with one fault; false when the run has fewer calls of it. */
static bool one(size_t guest, const struct way *w, struct sim_fault f)
{
	_cleanup_(sim_destroyp) struct sim *s = small_sim(guest, w);
	struct sim_dump d;
	bool hit;

	s->fault = f;
	sim_dump_run(s, &w->cp, &d);
	hit = s->fault.hit;
	if (hit) {
		runs++;
		judge_fault(s, w, &d);
	}
	sim_dump_deinit(&d);
	return hit;
}

/* How often each operation is called if nothing fails, and where. */
static void clean_run(size_t guest, const struct way *w, uint64_t first[SIM_NR_OPS][SIM_NR_PHASES])
{
	_cleanup_(sim_destroyp) struct sim *s = small_sim(guest, w);
	struct sim_dump d;

	sim_dump_run(s, &w->cp, &d);
	assert_int_equal(d.r, 0);
	memcpy(first, s->first, sizeof(s->first));
	sim_dump_deinit(&d);
}

static bool is_first(const uint64_t first[SIM_NR_PHASES], uint64_t nth)
{
	for (size_t i = 0; i < SIM_NR_PHASES; i++) {
		if (first[i] == nth)
			return true;
	}
	return false;
}

/* The nth call of an operation: once, from then on, and, for a device model, done but answered too
 * late.  All its errors where a phase of the dump has its first call of it, else they take turns. */
static bool sweep_call(size_t guest, const struct way *w, const struct sim_plausible *pl,
		       uint64_t nth, bool all)
{
	size_t n = 0;
	bool hit = false;

	while (n < XL_ARRAY_SIZE(pl->err) && pl->err[n])
		n++;
	for (size_t i = all ? 0 : nth % n; i < n; i++) {
		struct sim_fault f = { .op = pl->op, .nth = nth, .err = -pl->err[i] };

		hit |= one(guest, w, f);
		f.sticks = true;
		hit |= one(guest, w, f);
		f.sticks = false;
		f.late = true;
		if (f.op == SIM_dm_logdirty)
			hit |= one(guest, w, f);
		f.late = false;
		f.page = f.op == SIM_map && f.err == -ENOMEM;
		if (f.page)
			hit |= one(guest, w, f);
		f.sticks = true;
		if (f.page)
			hit |= one(guest, w, f);
		if (!all || !hit)
			break;
	}
	return hit;
}

/* Every call, or only each guest's own third of those that are like the one before. */
static bool full_sweep(void)
{
	const char *v = getenv("XLDUMP_SWEEP");

	return v && strcmp(v, "full") == 0;
}

static uint64_t next_call(size_t guest, uint64_t nth, const uint64_t first[SIM_NR_PHASES])
{
	do
		nth++;
	while (!full_sweep() && nth > 8 && nth % 3 != guest % 3 && !is_first(first, nth));
	return nth;
}

static void sweep_guest(size_t guest, const struct way *w)
{
	uint64_t first[SIM_NR_OPS][SIM_NR_PHASES];

	clean_run(guest, w, first);
	for (size_t i = 0; i < sim_nr_plausible; i++) {
		const struct sim_plausible *pl = &sim_plausible[i];
		const uint64_t *of = first[pl->op];
		uint64_t nth = 1;

		while (sweep_call(guest, w, pl, nth, full_sweep() || is_first(of, nth)))
			nth = next_call(guest, nth, of);
	}
}

static void sweep(const struct way *w)
{
	runs = failed = wrong = 0;
	for (size_t g = 0; g < XL_ARRAY_SIZE(small); g++) {
		if (of_use(g, w))
			sweep_guest(g, w);
	}
	print_message("# %s: %u dumps with an operation that failed, %u of them gave up and said so, "
		      "%u wrong ends\n", w->name, runs, failed, wrong);
	assert_int_equal(wrong, 0);
}

static void test_faults_precopy(void **state)
{
	(void)state;
	sweep(&ways[0]);
}

static void test_faults_still(void **state)
{
	(void)state;
	sweep(&ways[2]);
}

static void test_faults_stop(void **state)
{
	(void)state;
	sweep(&ways[3]);
}

static void test_faults_rescan(void **state)
{
	(void)state;
	sweep(&ways[4]);
}

static void test_faults_auto(void **state)
{
	(void)state;
	sweep(&ways[5]);
}

static void test_faults_slowed(void **state)
{
	(void)state;
	sweep(&ways[6]);
}

/* ---- the domain goes away ---- */

/* 1: died and was noticed; 0: the dump was done before. */
static int die_at(size_t guest, const struct way *w, uint64_t op)
{
	_cleanup_(sim_destroyp) struct sim *s = small_sim(guest, w);
	struct sim_dump d;
	char why[512];
	int r;

	s->params.die_at = op;
	sim_dump_run(s, &w->cp, &d);
	r = d.r < 0;
	if (sim_check(s, &d, why, sizeof(why)) < 0)
		complain(s, w, &d, why);
	else if (d.r < 0 && d.x.cause != XLDUMP_CAUSE_DOMAIN_GONE)
		complain(s, w, &d, "it does not say that the domain is gone");
	/* The rest of a run that came to its end has nothing more to show. */
	if (s->ops < op)
		r = -1;
	sim_dump_deinit(&d);
	return r;
}

static void test_domain_dies(void **state)
{
	unsigned died = 0, survived = 0;

	(void)state;
	wrong = 0;
	for (size_t g = 0; g < XL_ARRAY_SIZE(small); g++) {
		for (size_t i = 0; i < XL_ARRAY_SIZE(ways); i++) {
			if (!of_use(g, &ways[i]))
				continue;
			/* The first two are the test's own. */
			for (uint64_t op = 3;; op++) {
				int r = die_at(g, &ways[i], op);

				if (r < 0)
					break;
				died += r == 1;
				survived += r == 0;
			}
		}
	}
	print_message("# %u died at an operation, %u after the last that mattered, %u wrong ends\n",
		      died, survived, wrong);
	assert_int_equal(wrong, 0);
	assert_true(died > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults_precopy),
		cmocka_unit_test(test_faults_still),
		cmocka_unit_test(test_faults_stop),
		cmocka_unit_test(test_faults_rescan),
		cmocka_unit_test(test_faults_auto),
		cmocka_unit_test(test_faults_slowed),
		cmocka_unit_test(test_domain_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
