/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps of simulated guests: exact at T, whatever goes on, and nothing left behind. */
#include <errno.h>

#include "sim_test.h"

static unsigned dumps, failed;

/* ---- every strategy, guest and program ---- */

static void one(struct sim_params p, const struct xl_capture_params *cp, int expect)
{
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	struct sim_dump d;

	dumps++;
	if (judge(s, cp, &d) < 0) {
		failed++;
	} else if (d.r != expect) {
		say(&p, "result %d: %s", d.r, d.x.err);
		failed++;
	}
	sim_dump_deinit(&d);
}

static void many(unsigned programs, const struct xl_capture_params *cp, uint64_t seeds)
{
	dumps = failed = 0;
	for (size_t g = 0; g < XL_ARRAY_SIZE(guests); g++) {
		for (uint64_t i = 0; i < number_of_seeds(seeds); i++) {
			struct sim_params p = guests[g].params;

			p.seed = first_seed() + i;
			p.compact = !p.high && p.seed % 4;
			p.programs = programs;
			one(p, cp, 0);
		}
	}
	print_message("# %u dumps, %u wrong\n", dumps, failed);
	assert_int_equal(failed, 0);
}

static const struct xl_capture_params precopy = {
	.strategy = XLDUMP_STRATEGY_AUTO, .max_rounds = 8
};
static const struct xl_capture_params rescan = { .strategy = XLDUMP_STRATEGY_RESCAN };
static const struct xl_capture_params stop = { .strategy = XLDUMP_STRATEGY_STOP };

static void test_idle(void **state)
{
	(void)state;
	many(0, &precopy, 2);
}

static void test_writes(void **state)
{
	(void)state;
	many(SIM_QUIET_PROGRAMS, &precopy, 3);
}

static void test_outside_writers(void **state)
{
	(void)state;
	many(SIM_QUIET_PROGRAMS | SIM_OUTSIDE, &precopy, 3);
}

static void test_layout(void **state)
{
	(void)state;
	many(SIM_QUIET_PROGRAMS | SIM_LAYOUT, &precopy, 3);
}

static void test_everything(void **state)
{
	(void)state;
	many(SIM_QUIET_PROGRAMS | SIM_LAYOUT | SIM_OUTSIDE | SIM_RUN(SIM_OTHER), &precopy, 3);
}

/* Up to Xen 4.18 the writes to a page that has come back are not logged before the next fetch. */
static void test_young_page(void **state)
{
	(void)state;
	for (size_t g = 0; g < XL_ARRAY_SIZE(guests); g++) {
		struct sim_params p = guests[g].params;
		_cleanup_(sim_destroyp) struct sim *s = NULL;
		struct sim_dump d;

		/* Busy enough for another round. */
		p.seed = 9;
		p.programs = SIM_RUN(SIM_DIRTIER);
		p.dirty_interval = 2000;
		p.young_write = true;
		s = new_sim(&p);
		if (s->dom.pv)
			continue;
		assert_true(sim_balloon_out(s, s->nr_data / 2));
		s->seen_absent[s->out[0]] = 1;
		assert_int_equal(judge(s, &precopy, &d), 0);
		assert_int_equal(d.r, 0);
		assert_true(s->young_done && s->young == 0);
		sim_dump_deinit(&d);
	}
}

/* The log is looked at once more when the rest has been copied. */
static void test_late_write(void **state)
{
	(void)state;
	dumps = failed = 0;
	for (size_t g = 0; g < XL_ARRAY_SIZE(guests); g++) {
		for (uint64_t i = 0; i < number_of_seeds(3); i++) {
			struct sim_params p = guests[g].params;

			p.seed = first_seed() + i;
			p.compact = !p.high;
			p.programs = SIM_QUIET_PROGRAMS;
			p.late_write = true;
			one(p, &precopy, 0);
		}
	}
	print_message("# %u dumps, %u wrong\n", dumps, failed);
	assert_int_equal(failed, 0);
}

/* Without a log, all that may be written from outside is compared. */
static void test_stop(void **state)
{
	(void)state;
	many(SIM_QUIET_PROGRAMS | SIM_LAYOUT | SIM_OUTSIDE | SIM_RUN(SIM_OTHER), &stop, 3);
}

static void test_rescan(void **state)
{
	(void)state;
	many(SIM_QUIET_PROGRAMS | SIM_LAYOUT | SIM_OUTSIDE | SIM_RUN(SIM_OTHER), &rescan, 3);
}

/* The guest crashes at some moment of the dump: it is a guest that writes no more. */
static void test_crash_meanwhile(void **state)
{
	(void)state;
	many(SIM_QUIET_PROGRAMS | SIM_LAYOUT | SIM_OUTSIDE | SIM_RUN(SIM_CRASHER), &precopy, 3);
}

/* ---- guests that do not run ---- */

static void still(bool crashed)
{
	const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_AUTO };

	for (size_t g = 0; g < XL_ARRAY_SIZE(guests); g++) {
		struct sim_params p = guests[g].params;
		_cleanup_(sim_destroyp) struct sim *s = NULL;
		struct sim_dump d;

		p.seed = 5;
		p.programs = SIM_QUIET_PROGRAMS;
		s = new_sim(&p);
		s->dom.shutdown = crashed;
		s->dom.shutdown_reason = crashed ? 3 : 0;
		s->pauses_other = !crashed;
		assert_int_equal(judge(s, &cp, &d), 0);
		assert_int_equal(d.r, 0);
		assert_int_equal(d.cut.strategy, XLDUMP_STRATEGY_STILL);
		assert_true(d.cut.was_stopped);
		assert_int_equal(d.cut.pause_ns.total, 0);
		assert_int_equal(s->pauses_other, !crashed);
		sim_dump_deinit(&d);
	}
}

static void test_still_crashed(void **state)
{
	(void)state;
	still(true);
}

static void test_still_paused(void **state)
{
	(void)state;
	still(false);
}

static void test_still_refuses_running(void **state)
{
	const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_STILL };
	struct sim_params p = { .seed = 1, .type = XLDUMP_GUEST_PVH };
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	struct sim_dump d;

	(void)state;
	assert_int_equal(judge(s, &cp, &d), 0);
	assert_int_equal(d.r, -EINVAL);
	assert_int_equal(d.x.cause, XLDUMP_CAUSE_USAGE);
	assert_int_equal(s->calls[SIM_pause], 0);
	sim_dump_deinit(&d);
}

/* ---- the choice ---- */

static void test_auto_falls_back(void **state)
{
	struct sim_params p = { .seed = 3, .type = XLDUMP_GUEST_PV, .no_shadow = true,
				.programs = SIM_QUIET_PROGRAMS };
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	struct sim_dump d;

	(void)state;
	assert_int_equal(judge(s, &precopy, &d), 0);
	assert_int_equal(d.r, 0);
	assert_int_equal(d.cut.strategy, XLDUMP_STRATEGY_RESCAN);
	assert_true(d.cut.reason[0]);
	assert_int_equal(d.warnings, 2); /* the whole dump, and no kernel */
	sim_dump_deinit(&d);
}

static void test_asked_for_precopy(void **state)
{
	const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_PRECOPY, .max_rounds = 8 };
	struct sim_params p = { .seed = 3, .type = XLDUMP_GUEST_PV, .no_shadow = true };
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	struct sim_dump d;

	(void)state;
	assert_int_equal(judge(s, &cp, &d), 0);
	assert_int_equal(d.r, -EOPNOTSUPP);
	assert_int_equal(d.x.cause, XLDUMP_CAUSE_UNSUPPORTED);
	assert_int_equal(s->calls[SIM_pause], 0);
	sim_dump_deinit(&d);
}

/* Somebody else's dirty log is left on. */
static void test_busy(void **state)
{
	struct sim_params p = { .seed = 3, .type = XLDUMP_GUEST_PVH };
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	struct sim_dump d;

	(void)state;
	assert_int_equal(s->hv.ops->logdirty_start(&s->hv, SIM_DOMID, s->nr_pfns), 0);
	sim_dump_run(s, &precopy, &d);
	assert_int_equal(d.r, -EBUSY);
	assert_int_equal(d.x.cause, XLDUMP_CAUSE_BUSY);
	assert_true(s->log_on);
	assert_int_equal(s->calls[SIM_logdirty_stop], 0);
	sim_dump_deinit(&d);
}

/* ---- a limit to the pause ---- */

/* What the limit was worth: 0 kept, 1 refused, -1 broken. */
static int limited(const struct sim_params *p, const struct xl_capture_params *cp)
{
	_cleanup_(sim_destroyp) struct sim *s = new_sim(p);
	struct sim_dump d;
	int r = judge(s, cp, &d);

	if (r == 0 && d.r < 0 && d.x.cause != XLDUMP_CAUSE_PAUSE_LIMIT) {
		say(p, "limit %" PRIu64 ": %d %s", cp->max_pause_ns, d.r, d.x.err);
		r = -1;
	} else if (r == 0 && s->longest_pause > cp->max_pause_ns) {
		say(p, "limit %" PRIu64 ", stopped for %" PRIu64 " (%d: %s)", cp->max_pause_ns,
		    s->longest_pause, d.r, d.x.err);
		r = -1;
	} else if (r == 0) {
		r = d.r < 0;
	}
	sim_dump_deinit(&d);
	return r;
}

static void limits(enum xldump_strategy strategy, uint64_t seeds)
{
	unsigned kept = 0, refused = 0, broken = 0;

	for (size_t g = 0; g < XL_ARRAY_SIZE(guests); g++) {
		for (uint64_t i = 0; i < number_of_seeds(seeds); i++) {
			struct sim_params p = guests[g].params;
			struct xl_capture_params cp = { .strategy = strategy, .max_rounds = 8 };
			int r;

			p.seed = first_seed() + i;
			p.compact = !p.high;
			p.programs = SIM_QUIET_PROGRAMS | SIM_LAYOUT |
				     (strategy == XLDUMP_STRATEGY_PRECOPY ? SIM_OUTSIDE : 0);
			p.dirty_interval = (uint64_t)200 << i % 8;
			cp.max_pause_ns = (uint64_t)50000 << i % 6;
			r = limited(&p, &cp);
			kept += r == 0;
			refused += r == 1;
			broken += r < 0;
		}
	}
	print_message("# %u limits kept, %u refused, %u broken\n", kept, refused, broken);
	assert_int_equal(broken, 0);
	assert_true(kept + refused > 0);
	/* A few seeds of a long run prove less than the usual ones. */
	if (!getenv("XLDUMP_SIM_SEEDS"))
		assert_true(kept > 0 && refused > 0);
}

static void test_limit_precopy(void **state)
{
	(void)state;
	limits(XLDUMP_STRATEGY_PRECOPY, 6);
}

static void test_limit_rescan(void **state)
{
	(void)state;
	limits(XLDUMP_STRATEGY_RESCAN, 6);
}

static void test_limit_stop(void **state)
{
	(void)state;
	limits(XLDUMP_STRATEGY_STOP, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_outside_writers),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_late_write),
		cmocka_unit_test(test_young_page),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_rescan),
		cmocka_unit_test(test_crash_meanwhile),
		cmocka_unit_test(test_still_crashed),
		cmocka_unit_test(test_still_paused),
		cmocka_unit_test(test_still_refuses_running),
		cmocka_unit_test(test_auto_falls_back),
		cmocka_unit_test(test_asked_for_precopy),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_limit_precopy),
		cmocka_unit_test(test_limit_rescan),
		cmocka_unit_test(test_limit_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
