/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy is a pure function: tables of what it is told and what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "capture/policy.h"

#define MS 1000000ULL

/* Numbers of dirty pages, round after round, and after which of them the guest is stopped. */
struct course {
	const char *name;
	uint64_t dirty[12];
	unsigned n;
	uint64_t max_pause_ns;
	enum xl_policy_decision end;
	unsigned rounds;
};

static const struct course course[] = {
	{ "idle", { 0 }, 1, 0, XL_POLICY_STOP, 1 },
	{ "few from the start", { 64 }, 1, 0, XL_POLICY_STOP, 1 },
	{ "converging", { 10000, 2000, 400, 80, 16 }, 5, 0, XL_POLICY_STOP, 5 },
	{ "diverging", { 1000, 2000, 4000 }, 3, 0, XL_POLICY_STOP, 2 },
	{ "steady", { 5000, 5000 }, 2, 0, XL_POLICY_STOP, 2 },
	{ "shrinking by less than a quarter", { 1000, 760 }, 2, 0, XL_POLICY_STOP, 2 },
	{ "shrinking by more", { 1000, 740, 700 }, 3, 0, XL_POLICY_STOP, 3 },
	{ "a burst after convergence", { 10000, 900, 9000 }, 3, 0, XL_POLICY_STOP, 3 },
	{ "slowly, until the rounds are used up",
	  { 60000, 40000, 27000, 18000, 12000, 8000 }, 6, 0, XL_POLICY_STOP, 5 },
	/* 1 us a page, 1 ms besides: 10 ms allow (7.5 - 1) * 1000 pages. */
	{ "within the limit at once", { 50 }, 1, 10 * MS, XL_POLICY_STOP, 1 },
	{ "a limit makes it go on where it does not converge",
	  { 9000, 9000, 9000, 9000, 9000 }, 5, 10 * MS, XL_POLICY_OVERRUN, 5 },
	{ "a lull within the limit", { 9000, 9000, 6000, 6000 }, 4, 10 * MS, XL_POLICY_STOP, 4 },
	{ "the very last that is allowed", { 6500, 6500 }, 2, 10 * MS, XL_POLICY_STOP, 2 },
	{ "one more than is allowed",
	  { 6501, 6501, 6501, 6501, 6501 }, 5, 10 * MS, XL_POLICY_OVERRUN, 5 },
	{ "a limit below what any pause costs",
	  { 0, 0, 0, 0, 0 }, 5, MS, XL_POLICY_OVERRUN, 5 },
};

static void test_courses(void **state)
{
	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(course); i++) {
		const struct course *c = &course[i];
		struct xl_policy_stats st = {
			.max_rounds = 4, .page_ns = 1000, .fixed_ns = MS,
			.max_pause_ns = c->max_pause_ns,
		};
		enum xl_policy_decision d = XL_POLICY_CONTINUE;

		for (unsigned k = 0; k < c->n && d == XL_POLICY_CONTINUE; k++) {
			st.round = k + 1;
			st.dirty_before = st.dirty;
			st.dirty = c->dirty[k];
			d = xl_policy_decide(st);
		}
		if (d != c->end || st.round != c->rounds)
			fail_msg("%s: %d after %u rounds, not %d after %u", c->name, (int)d,
				 st.round, (int)c->end, c->rounds);
	}
}

static void test_always_ends(void **state)
{
	(void)state;
	/* Whatever the numbers are, the rounds end. */
	for (uint64_t dirty = 0; dirty < 100000; dirty = dirty * 3 + 1) {
		for (uint64_t limit = 0; limit < 1000 * MS; limit = limit * 10 + 1) {
			const struct xl_policy_stats st = {
				.round = 9, .max_rounds = 8, .dirty = dirty,
				.dirty_before = dirty * 10, .page_ns = 700, .fixed_ns = 400000,
				.max_pause_ns = limit,
			};
			enum xl_policy_decision d = xl_policy_decide(st);

			assert_int_not_equal(d, XL_POLICY_CONTINUE);
			if (limit && xl_policy_predict(&st) > limit)
				assert_int_equal(d, XL_POLICY_OVERRUN);
		}
	}
}

static void test_prediction(void **state)
{
	const struct xl_policy_stats st = { .dirty = 300, .page_ns = 20, .fixed_ns = 7 };

	(void)state;
	assert_int_equal(xl_policy_predict(&st), 6007);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_courses),
		cmocka_unit_test(test_always_ends),
		cmocka_unit_test(test_prediction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
