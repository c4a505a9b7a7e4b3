/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What strategies share: progress, an end on demand, what is done about a pause
 * that would be too long, and guests that are not what they were. */
#include <errno.h>

#include "capture/limit.h"
#include "sim_test.h"

static const enum xldump_strategy running[] = {
	XLDUMP_STRATEGY_PRECOPY, XLDUMP_STRATEGY_RESCAN, XLDUMP_STRATEGY_STOP
};

/* ---- progress, and what the caller may do in it ---- */

struct watch {
	struct sim *s;
	struct sim_dump *d;
	unsigned calls, act_at;
	void (*act)(struct watch *w);
	uint64_t done;
};

static void on_progress(void *data, const struct xldump_progress *p)
{
	struct watch *w = data;

	if (p->pages_total)
		assert_true(p->pages_done <= p->pages_total);
	/* While its pages are copied, the guest runs. */
	if (w->d->cut.strategy == XLDUMP_STRATEGY_RESCAN && p->phase != XLDUMP_PHASE_FINISH)
		assert_false(p->guest_stopped);
	w->done = p->pages_done;
	if (++w->calls == w->act_at)
		w->act(w);
}

static void cancel(struct watch *w)
{
	static const int yes = 1;

	w->d->x.cancel = &yes;
}

static void another_domain(struct watch *w)
{
	w->s->dom.uuid[3] ^= 1;
}

/* The result, at the nth call of progress; 0 beyond the last one. */
static int watched(enum xldump_strategy strategy, unsigned n, void (*act)(struct watch *w),
		   enum xldump_cause cause)
{
	const struct sim_params p = { .seed = 6, .type = XLDUMP_GUEST_PVH, .pages = 1500,
				      .compact = true, .programs = SIM_QUIET_PROGRAMS };
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	struct sim_dump d;
	struct watch w = { .s = s, .d = &d, .act_at = n, .act = act };
	const struct xl_capture_params cp = { .strategy = strategy, .max_rounds = 4,
					      .progress = on_progress, .progress_data = &w };
	int r;

	assert_int_equal(judge(s, &cp, &d), 0);
	assert_true(w.calls > 0);
	r = w.calls < n ? -1000 : d.r;
	if (d.r < 0)
		assert_int_equal(d.x.cause, cause);
	sim_dump_deinit(&d);
	return r;
}

static void test_cancel(void **state)
{
	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(running); i++) {
		unsigned cancelled = 0;
		int r = 0;

		for (unsigned n = 1; r != -1000; n++) {
			r = watched(running[i], n, cancel, XLDUMP_CAUSE_CANCELLED);
			cancelled += r == -ECANCELED;
			assert_true(r == 0 || r == -ECANCELED || r == -1000);
		}
		assert_true(cancelled > 1);
	}
}

/* The domain went away and its id was given to another one. */
static void test_another_domain(void **state)
{
	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(running); i++)
		assert_int_equal(watched(running[i], 2, another_domain, XLDUMP_CAUSE_DOMAIN_GONE),
				 -ESRCH);
}

/* ---- guests that are none ---- */

static void test_no_vcpus(void **state)
{
	static const uint32_t max_id[] = { ~0U, XL_MAX_VCPUS };
	const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_AUTO };

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(max_id); i++) {
		const struct sim_params p = { .seed = 1, .type = XLDUMP_GUEST_PVH, .pages = 300 };
		_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
		struct sim_dump d;

		s->dom.max_vcpu_id = max_id[i];
		assert_int_equal(judge(s, &cp, &d), 0);
		assert_int_equal(d.r, -EINVAL);
		assert_int_equal(d.x.cause, XLDUMP_CAUSE_UNSUPPORTED);
		sim_dump_deinit(&d);
	}
}

/* ---- a pause that would be too long ---- */

static struct sim_params busy_guest(void)
{
	return (struct sim_params){ .seed = 9, .type = XLDUMP_GUEST_PVH, .pages = 1200,
				    .compact = true, .programs = SIM_QUIET_PROGRAMS,
				    .dirty_interval = 200 };
}

/* Reading memory takes longer than is allowed, which a sample tells: nothing is copied. */
static void test_hopeless(void **state)
{
	const struct sim_params p = { .seed = 9, .type = XLDUMP_GUEST_PVH, .pages = 20000,
				      .compact = true, .programs = SIM_QUIET_PROGRAMS };
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_RESCAN, .max_rounds = 3,
					      .max_pause_ns = 1000 };
	struct sim_dump d;

	(void)state;
	assert_int_equal(judge(s, &cp, &d), 0);
	assert_int_equal(d.r, -ETIME);
	assert_int_equal(d.x.cause, XLDUMP_CAUSE_PAUSE_LIMIT);
	assert_int_equal(d.cut.rounds, 0);
	assert_int_equal(s->longest_pause, 0);
	sim_dump_deinit(&d);
}

static void test_extend(void **state)
{
	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(running); i++) {
		const struct sim_params p = busy_guest();
		_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
		const struct xl_capture_params cp = { .strategy = running[i], .max_rounds = 3,
						      .max_pause_ns = 60000, .extend_pause = true };
		struct sim_dump d;

		assert_int_equal(judge(s, &cp, &d), 0);
		assert_int_equal(d.r, 0);
		assert_true(s->longest_pause > cp.max_pause_ns);
		if (running[i] != XLDUMP_STRATEGY_STOP)
			assert_non_null(strstr(d.cut.reason, "could not be kept"));
		sim_dump_deinit(&d);
	}
}

/* A guest with a cap, or a scheduler that has none, or that refuses. */
static void throttled(uint32_t cap, struct sim_fault fault, unsigned sets, int expect)
{
	const struct sim_params p = busy_guest();
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_PRECOPY, .max_rounds = 2,
					      .max_pause_ns = 60000, .throttle = true };
	struct sim_dump d;

	s->cap = cap;
	s->fault = fault;
	sim_dump_run(s, &cp, &d);
	assert_int_equal(d.r, expect);
	assert_int_equal(s->calls[SIM_cap_set], sets);
	if (!fault.sticks)
		assert_int_equal(s->cap, cap);
	else
		assert_int_equal(d.warnings, 2); /* the kernel, and the cap */
	assert_false(s->log_on);
	assert_int_equal(s->pauses_ours, 0);
	sim_dump_deinit(&d);
}

static void test_throttle(void **state)
{
	const struct sim_fault none = { 0 };

	(void)state;
	/* Each rung once, and back. */
	throttled(0, none, 4, -ETIME);
	throttled(60, none, 3, -ETIME); /* two vCPUs: the first is no slower than that */
	throttled(1, none, 0, -ETIME);
	throttled(0, (struct sim_fault){ .op = SIM_cap_get, .nth = 1, .err = -EOPNOTSUPP }, 0,
		  -ETIME);
	throttled(0, (struct sim_fault){ .op = SIM_cap_get, .nth = 1, .err = -EPERM }, 0, -EPERM);
	throttled(0, (struct sim_fault){ .op = SIM_cap_set, .nth = 1, .err = -EPERM }, 2, -EPERM);
	throttled(0, (struct sim_fault){ .op = SIM_cap_set, .nth = 4, .err = -EPERM,
					 .sticks = true }, 4, -ETIME);
}

/* ---- more than there was room for ---- */

static struct xl_hv_ops late_ops;
static unsigned late_times;

/* Everything is written between the last look at the log and the pause. */
static int late_pause(struct xl_hv *hv, uint32_t domid)
{
	struct sim *s = sim_of(hv);

	if (late_times) {
		late_times--;
		for (size_t i = 0; i < s->nr_data; i++)
			sim_scribble(s, s->data[i], true);
	}
	return sim_hv_ops.pause(hv, domid);
}

static void late(enum xldump_strategy strategy, unsigned times, int expect)
{
	/* More than the room that is made at first. */
	const struct sim_params p = { .seed = 2, .type = XLDUMP_GUEST_PVH, .pages = 5400,
				      .compact = true };
	const struct xl_capture_params cp = { .strategy = strategy, .max_rounds = 3 };
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	struct sim_dump d;

	late_ops = sim_hv_ops;
	late_ops.pause = late_pause;
	s->hv.ops = &late_ops;
	late_times = times;
	assert_int_equal(judge(s, &cp, &d), 0);
	assert_int_equal(d.r, expect);
	assert_int_equal(late_times, 0);
	sim_dump_deinit(&d);
}

static void test_no_room(void **state)
{
	(void)state;
	late(XLDUMP_STRATEGY_PRECOPY, 1, 0);
	late(XLDUMP_STRATEGY_PRECOPY, 5, -EAGAIN);
	late(XLDUMP_STRATEGY_RESCAN, 1, 0);
}

/* ---- pages that never stand still ---- */

static struct xl_hv_ops restless_ops;
static bool restless_logged;

/* With each look at the stopped guest a page has changed. */
static int restless_map(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n,
			int *err, void **ret)
{
	struct sim *s = sim_of(hv);

	if (s->pauses_ours)
		sim_scribble(s, restless_logged ? s->data[20] : s->frame[s->special[0]].m2p,
			     restless_logged);
	return sim_hv_ops.map(hv, domid, frame, n, err, ret);
}

static void restless(enum xldump_strategy strategy, bool logged)
{
	const struct sim_params p = { .seed = 7, .type = XLDUMP_GUEST_PV, .pages = 500 };
	const struct xl_capture_params cp = { .strategy = strategy, .max_rounds = 3 };
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	struct sim_dump d;

	restless_ops = sim_hv_ops;
	restless_ops.map = restless_map;
	restless_logged = logged;
	s->hv.ops = &restless_ops;
	assert_int_equal(judge(s, &cp, &d), 0);
	assert_int_equal(d.r, 0);
	assert_int_equal(d.cut.suspects, 1);
	assert_int_equal(xl_bitmap_count(&d.cut.suspect), 1);
	sim_dump_deinit(&d);
}

static void test_suspects(void **state)
{
	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(running); i++)
		restless(running[i], false);
	/* As the log says, again and again. */
	restless(XLDUMP_STRATEGY_PRECOPY, true);
}

/* Devices that end requests without end, under a limit and without one. */
static void test_unsettled(void **state)
{
	(void)state;
	for (uint64_t limit = 0; limit <= 3000000; limit += 1000000) {
		const struct sim_params p = { .seed = 7, .type = XLDUMP_GUEST_HVM, .pages = 500,
					      .compact = true,
					      .programs = SIM_RUN(SIM_DEVICE) | SIM_RUN(SIM_DIRTIER) };
		const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_PRECOPY,
						      .max_rounds = 3, .max_pause_ns = limit };
		_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
		struct sim_dump d;

		s->program[SIM_DEVICE].interval = 500;
		sim_dump_run(s, &cp, &d);
		assert_true(d.r == 0 || d.r == -EAGAIN || d.r == -ETIME);
		assert_true(d.r == 0 || d.x.err[0]);
		assert_false(s->log_on || s->dm_on || s->pauses_ours || s->mapped);
		sim_dump_deinit(&d);
	}
}

static struct xl_hv_ops unsettled_ops;

/* With each look at the log it has something new. */
static int unsettled_count(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	struct sim *s = sim_of(hv);

	if (s->pauses_ours)
		sim_scribble(s, s->data[20], true);
	return sim_hv_ops.logdirty_count(hv, domid, ret);
}

static void test_never_settles(void **state)
{
	(void)state;
	for (uint64_t limit = 0; limit <= 2000000; limit += 2000000) {
		const struct sim_params p = { .seed = 7, .type = XLDUMP_GUEST_PVH, .pages = 500,
					      .compact = true };
		const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_PRECOPY,
						      .max_rounds = 3, .max_pause_ns = limit };
		_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
		struct sim_dump d;

		unsettled_ops = sim_hv_ops;
		unsettled_ops.logdirty_count = unsettled_count;
		s->hv.ops = &unsettled_ops;
		assert_int_equal(judge(s, &cp, &d), 0);
		assert_int_equal(d.r, limit ? -ETIME : 0);
		assert_int_equal(d.warnings, limit ? 1 : 2); /* no kernel, and that */
		sim_dump_deinit(&d);
	}
}

/* A hypervisor that cannot log an auto-translated guest; and a limit on top of it. */
static void test_cannot_log(void **state)
{
	(void)state;
	for (int extend = 0; extend < 2; extend++) {
		const struct sim_params p = busy_guest();
		const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_AUTO,
						      .max_rounds = 3, .max_pause_ns = 60000,
						      .extend_pause = extend };
		_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
		struct sim_dump d;

		s->fault = (struct sim_fault){ .op = SIM_logdirty_start, .nth = 1,
					       .err = -EOPNOTSUPP };
		assert_int_equal(judge(s, &cp, &d), 0);
		assert_int_equal(d.r, extend ? 0 : -ETIME);
		assert_int_equal(d.cut.strategy, XLDUMP_STRATEGY_RESCAN);
		assert_non_null(strstr(d.cut.reason, "cannot log dirty pages of PVH guests"));
		if (extend)
			assert_non_null(strstr(d.cut.reason, "; the limit of"));
		else
			assert_non_null(strstr(d.x.err, "cannot log"));
		sim_dump_deinit(&d);
	}
}

/* Seconds are not 1e+03 ms. */
static void test_words_of_a_long_pause(void **state)
{
	struct xl_ctx x = { 0 };
	static struct xl_cut cut;
	struct xl_engine e = { .x = &x, .cut = &cut, .max_pause_ns = 50000000 };

	(void)state;
	assert_int_equal(xl_limit_fail(&e, "", 40540000000, XL_LIMIT_RESERVE), -ETIME);
	assert_non_null(strstr(x.err, "for about 40540 ms, but only 43.8 ms of the 50 ms"));
	assert_int_equal(xl_limit_fail(&e, "", 999700000, XL_LIMIT_RESERVE), -ETIME);
	assert_non_null(strstr(x.err, "for about 1000 ms"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_another_domain),
		cmocka_unit_test(test_no_vcpus),
		cmocka_unit_test(test_hopeless),
		cmocka_unit_test(test_extend),
		cmocka_unit_test(test_throttle),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_suspects),
		cmocka_unit_test(test_unsettled),
		cmocka_unit_test(test_never_settles),
		cmocka_unit_test(test_cannot_log),
		cmocka_unit_test(test_words_of_a_long_pause),
	};

	(void)guests;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
