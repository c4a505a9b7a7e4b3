/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a dump would take, against the dump: of simulated guests, by their clock. */
#include "sim_test.h"

#include "capture/estimate.h"

static const struct xl_estimate_params usual = {
	.strategy = XLDUMP_STRATEGY_AUTO, .threads = 1, .max_rounds = 8
};

/* The estimate; whatever comes of it, nothing is left behind. */
static int estimate(struct sim *s, const struct xl_estimate_params *p, struct xl_ctx *x,
		    struct xl_estimate *ret)
{
	struct xl_physmap map = { 0 };
	struct xl_domain dom = { 0 };
	struct sim_dump none = { 0 };
	char why[512];
	int r;

	memset(x, 0, sizeof(*x));
	x->proc = "/nowhere";
	r = s->hv.ops->domain_info(&s->hv, SIM_DOMID, &dom);
	if (r == 0)
		r = xl_physmap_build(x, &s->hv, &dom, s->nr_frames, &map);
	if (r == 0)
		r = xl_estimate(x, &s->hv, &dom, p, &map, ret);
	else if (!x->err[0])
		(void)xl_err(x, r, "look at the domain");
	xl_physmap_deinit(&map);
	none.r = r;
	memcpy(&none.x, x, sizeof(none.x));
	if (sim_check_left_alone(s, &none, why, sizeof(why)) < 0) {
		say(&s->params, "result %d: %s", r, why);
		fail();
	}
	assert_int_equal(s->calls[SIM_pause], 0);
	return r;
}

static struct sim *busy_guest(const struct guest *g, uint64_t seed, uint64_t interval)
{
	struct sim_params p = g->params;

	p.seed = seed;
	p.pages = 3000;
	p.programs = SIM_RUN(SIM_DIRTIER) | SIM_RUN(SIM_STAMPER);
	p.dirty_interval = interval;
	return new_sim(&p);
}

/* Rounds and pause are within three times those of the dump that follows. */
static void test_foretells(void **state)
{
	static const uint64_t interval[] = { 5000, 50000, 5000000 };

	(void)state;
	for (size_t k = 0; k < XL_ARRAY_SIZE(guests); k++) {
		for (size_t i = 0; i < XL_ARRAY_SIZE(interval); i++) {
			const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_AUTO,
							      .max_rounds = 8 };
			struct sim *s = busy_guest(&guests[k], i + 1, interval[i]);
			struct xl_estimate e;
			struct sim_dump d;
			struct xl_ctx x;
			uint64_t pause;

			assert_int_equal(estimate(s, &usual, &x, &e), 0);
			assert_int_equal(e.strategy, XLDUMP_STRATEGY_PRECOPY);
			assert_int_equal(e.sampled, e.pages);
			assert_true(e.watched_ns >= 1000000000ULL && e.dirtied > 0);
			assert_false(e.stopped || e.over_limit);

			assert_int_equal(judge(s, &cp, &d), 0);
			assert_int_equal(d.r, 0);
			pause = d.cut.pause_ns.total;
			if (e.pause_ns > 3 * pause || pause > 3 * e.pause_ns ||
			    e.rounds > d.cut.rounds + 2 || d.cut.rounds > e.rounds + 2)
				fail_msg("%s, a write every %" PRIu64 " ns: foretold %u rounds and a pause of "
					 "%" PRIu64 " ns, and there were %u and %" PRIu64, guests[k].name,
					 interval[i], e.rounds, e.pause_ns, d.cut.rounds, pause);
			sim_dump_deinit(&d);
			sim_destroy(s);
		}
	}
}

static void test_limit(void **state)
{
	struct xl_estimate_params p = usual;
	struct xl_estimate e;
	struct xl_ctx x;
	struct sim *s = busy_guest(&guests[0], 1, 300);

	(void)state;
	p.max_pause_ns = 1000;
	assert_int_equal(estimate(s, &p, &x, &e), 0);
	assert_true(e.over_limit && e.pause_ns > p.max_pause_ns);
	/* The first pass, the rounds that are allowed, and the pause. */
	assert_int_equal(e.rounds, p.max_rounds + 2);
	sim_destroy(s);
}

/* Without the log: how long reading takes, and no call about the log. */
static void test_other_strategies(void **state)
{
	static const enum xldump_strategy other[] = {
		XLDUMP_STRATEGY_RESCAN, XLDUMP_STRATEGY_STOP
	};

	(void)state;
	for (size_t k = 0; k < XL_ARRAY_SIZE(guests); k++) {
		for (size_t i = 0; i < XL_ARRAY_SIZE(other); i++) {
			const struct xl_capture_params cp = { .strategy = other[i] };
			struct xl_estimate_params p = usual;
			struct sim *s = busy_guest(&guests[k], 3, 50000);
			struct xl_estimate e;
			struct sim_dump d;
			struct xl_ctx x;

			p.strategy = other[i];
			assert_int_equal(estimate(s, &p, &x, &e), 0);
			assert_int_equal(e.strategy, other[i]);
			assert_int_equal(e.watched_ns, 0);
			assert_int_equal(s->calls[SIM_logdirty_start] + s->calls[SIM_dm_logdirty], 0);
			assert_int_equal(judge(s, &cp, &d), 0);
			assert_int_equal(d.r, 0);
			assert_in_range(e.pause_ns, d.cut.pause_ns.total / 3,
					d.cut.pause_ns.total * 3);
			sim_dump_deinit(&d);
			sim_destroy(s);
		}
	}
}

/* What the dump would say is said now. */
static void test_refused(void **state)
{
	struct sim_params pv = { .seed = 1, .type = XLDUMP_GUEST_PV, .no_shadow = true };
	struct xl_estimate_params p = usual;
	struct xl_estimate e;
	struct xl_ctx x;
	struct sim *s = new_sim(&pv);

	(void)state;
	assert_int_equal(estimate(s, &p, &x, &e), 0);
	assert_int_equal(e.strategy, XLDUMP_STRATEGY_RESCAN);
	assert_non_null(strstr(e.reason, "of PV guests (it was built without shadow paging)"));
	assert_int_equal(x.cause, XLDUMP_CAUSE_NONE);
	p.strategy = XLDUMP_STRATEGY_PRECOPY;
	assert_int_equal(estimate(s, &p, &x, &e), -EOPNOTSUPP);
	assert_int_equal(x.cause, XLDUMP_CAUSE_UNSUPPORTED);
	p.strategy = XLDUMP_STRATEGY_STILL;
	assert_int_equal(estimate(s, &p, &x, &e), -EINVAL);
	assert_int_equal(x.cause, XLDUMP_CAUSE_USAGE);
	s->pauses_other = 1;
	assert_int_equal(estimate(s, &p, &x, &e), 0);
	assert_true(e.stopped && e.pause_ns == 0 && e.rounds == 1);
	p.strategy = XLDUMP_STRATEGY_AUTO;
	assert_int_equal(estimate(s, &p, &x, &e), 0);
	assert_int_equal(e.strategy, XLDUMP_STRATEGY_STILL);
	sim_destroy(s);
}

/* Somebody else has the log: it is theirs, and stays. */
static void test_busy(void **state)
{
	struct sim_params pvh = { .seed = 1, .type = XLDUMP_GUEST_PVH };
	struct sim *s = new_sim(&pvh);
	struct xl_physmap map = { 0 };
	struct xl_domain dom = { 0 };
	struct xl_estimate e;
	struct xl_ctx x = { .proc = "/nowhere" };

	(void)state;
	assert_int_equal(s->hv.ops->logdirty_start(&s->hv, SIM_DOMID, s->nr_pfns), 0);
	assert_int_equal(s->hv.ops->domain_info(&s->hv, SIM_DOMID, &dom), 0);
	assert_int_equal(xl_physmap_build(&x, &s->hv, &dom, s->nr_frames, &map), 0);
	assert_int_equal(xl_estimate(&x, &s->hv, &dom, &usual, &map, &e), -EBUSY);
	assert_int_equal(x.cause, XLDUMP_CAUSE_BUSY);
	assert_true(s->log_on);
	xl_physmap_deinit(&map);
	sim_destroy(s);
}

/* Pages of zeros take nothing, others what the codec makes of them. */
static void test_size(void **state)
{
	struct sim_params pvh = { .seed = 1, .type = XLDUMP_GUEST_PVH, .pages = 2000 };
	struct xl_estimate_params p = usual;
	struct xl_estimate e;
	struct xl_ctx x;
	struct sim *s = new_sim(&pvh);
	uint64_t zeros = 0, full;

	(void)state;
	for (uint64_t gfn = 0; gfn < s->nr_pfns; gfn++) {
		const uint8_t *page = s->p2m[gfn] ? sim_page(s, s->p2m[gfn]) : NULL;

		if (page && gfn % 2)
			memset(sim_page(s, s->p2m[gfn]), 0, XL_PAGE_SIZE);
		zeros += page && page[0] == 0 && memcmp(page, page + 1, XL_PAGE_SIZE - 1) == 0;
	}
	assert_int_equal(estimate(s, &p, &x, &e), 0);
	full = (e.pages - zeros) * XL_PAGE_SIZE;
	assert_in_range(e.page_bytes, full - full / 50, full + full / 50);
	p.codec = xl_codec_of(XLDUMP_CODEC_ZLIB);
	p.level = 1;
	assert_int_equal(estimate(s, &p, &x, &e), 0);
	assert_in_range(e.page_bytes, 1, full / 4);
	sim_destroy(s);
}

/* Whatever fails, and when: an error in words, and the log is off. */
static void test_faults(void **state)
{
	static const int err[] = { -ENOMEM, -EFAULT, -EPERM, -ESRCH };
	static const size_t kinds[] = { 0, 5 };

	(void)state;
	for (size_t k = 0; k < XL_ARRAY_SIZE(kinds); k++) {
		for (enum sim_op op = 0; op < SIM_NR_OPS; op++) {
			for (uint64_t nth = 1; nth <= 5; nth++) {
				struct sim_params p = guests[kinds[k]].params;
				struct xl_estimate e;
				struct xl_ctx x;
				struct sim *s;

				/* What cannot be switched off stays on, with a warning. */
				if (op == SIM_logdirty_stop || op == SIM_dm_logdirty)
					continue;
				p.seed = 7;
				p.pages = 300;
				p.programs = SIM_RUN(SIM_DIRTIER);
				s = new_sim(&p);
				s->fault = (struct sim_fault){ .op = op, .nth = nth,
							       .err = err[nth % 4], .sticks = nth == 5 };
				(void)estimate(s, &usual, &x, &e);
				sim_destroy(s);
			}
		}
	}
}

/* The domain goes away, at any moment. */
static void test_gone(void **state)
{
	(void)state;
	for (size_t k = 0; k < XL_ARRAY_SIZE(guests); k++) {
		for (uint64_t at = 1 + k; at < 120; at += 7) {
			struct sim_params p = guests[k].params;
			struct xl_estimate e;
			struct xl_ctx x;
			struct sim *s;
			int r;

			p.seed = 2;
			p.pages = 300;
			p.die_at = at;
			s = new_sim(&p);
			r = estimate(s, &usual, &x, &e);
			/* In the last look, or in switching off the two logs, or in unmapping what was pinned,
			 * is too late to matter. */
			assert_true(r < 0 || !s->dom.dying || s->ops <= at + 3);
			sim_destroy(s);
		}
	}
}

static void test_cancel(void **state)
{
	struct sim_params pvh = { .seed = 1, .type = XLDUMP_GUEST_PVH };
	struct sim *s = new_sim(&pvh);
	struct xl_physmap map = { 0 };
	struct xl_domain dom = { 0 };
	const volatile int cancel = 1;
	struct xl_ctx x = { .proc = "/nowhere" };
	struct xl_estimate e;

	(void)state;
	assert_int_equal(s->hv.ops->domain_info(&s->hv, SIM_DOMID, &dom), 0);
	assert_int_equal(xl_physmap_build(&x, &s->hv, &dom, s->nr_frames, &map), 0);
	x.cancel = &cancel;
	assert_int_equal(xl_estimate(&x, &s->hv, &dom, &usual, &map, &e), -ECANCELED);
	assert_int_equal(x.cause, XLDUMP_CAUSE_CANCELLED);
	assert_false(s->log_on);
	xl_physmap_deinit(&map);
	sim_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foretells),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_other_strategies),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
