/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every operation of the seam fails, at every call of it, in every strategy; and the domain goes
 * away at every operation.  What is owed to the guest is paid all the same. */
#include <errno.h>

#include "sim_case.h"
#include "sim_test.h"

struct way {
	const char *name;
	struct xl_capture_params cp;
	bool crashed;
};

static const struct way ways[] = {
	{ "precopy", { .strategy = XLDUMP_STRATEGY_PRECOPY, .max_rounds = 3 }, false },
	{ "auto", { .strategy = XLDUMP_STRATEGY_AUTO, .max_rounds = 3 }, false },
	{ "still", { .strategy = XLDUMP_STRATEGY_STILL }, true },
	{ "stop", { .strategy = XLDUMP_STRATEGY_STOP }, false },
	{ "rescan", { .strategy = XLDUMP_STRATEGY_RESCAN }, false },
};

static const struct sim_params small[] = {
	{ .seed = 11, .type = XLDUMP_GUEST_PV, .pages = 250 },
	{ .seed = 12, .type = XLDUMP_GUEST_PV, .pages = 250, .three_level = true },
	{ .seed = 13, .type = XLDUMP_GUEST_PVH, .pages = 250, .compact = true, .xen_minor = 17 },
	{ .seed = 14, .type = XLDUMP_GUEST_HVM, .pages = 250, .compact = true },
};

static struct sim *small_sim(size_t i, const struct way *w)
{
	struct sim_params p = small[i];
	struct sim *s;

	p.programs = SIM_QUIET_PROGRAMS | SIM_RUN(SIM_BALLOONER);
	s = new_sim(&p);
	s->dom.shutdown = w->crashed;
	return s;
}

static unsigned runs, wrong;

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

	if (f->op == SIM_unpause && !passes && d->r < 0 &&
	    d->x.cause == XLDUMP_CAUSE_STILL_PAUSED) {
		if (s->pauses_ours != 1 || s->log_on || s->dm_on || s->mapped)
			complain(s, w, d, "more is wrong than the pause");
		return;
	}
	/* Nobody can switch it off then, and that was said. */
	if (f->sticks && (f->op == SIM_logdirty_stop || f->op == SIM_dm_logdirty) &&
	    d->warnings > 0) {
		s->log_on = false;
		s->dm_on = false;
	}
	if (sim_check(s, d, why, sizeof(why)) < 0)
		complain(s, w, d, why);
	else if (d->r < 0 && f->op != SIM_unpause && !d->x.err[0])
		complain(s, w, d, "no text");
}

/* Until the run has fewer calls of it. */
static void sweep_op(size_t guest, const struct way *w, struct sim_fault f)
{
	for (f.nth = 1;; f.nth++) {
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
		if (!hit)
			return;
	}
}

static void sweep_guest(size_t guest, const struct way *w)
{
	for (size_t i = 0; i < sim_nr_plausible; i++) {
		for (size_t e = 0; e < 4 && sim_plausible[i].err[e]; e++) {
			struct sim_fault f = { .op = sim_plausible[i].op, .err = -sim_plausible[i].err[e] };

			sweep_op(guest, w, f);
			f.sticks = true;
			sweep_op(guest, w, f);
			f.sticks = false;
			f.late = true;
			/* A device model that has done it and answers too late. */
			if (f.op == SIM_dm_logdirty)
				sweep_op(guest, w, f);
		}
	}
}

static void sweep(const struct way *w)
{
	runs = wrong = 0;
	for (size_t g = 0; g < XL_ARRAY_SIZE(small); g++)
		sweep_guest(g, w);
	print_message("# %s: %u failures of operations, %u wrong ends\n", w->name, runs, wrong);
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
		cmocka_unit_test(test_domain_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
