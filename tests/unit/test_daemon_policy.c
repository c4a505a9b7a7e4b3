/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's policy: a table of what is known and what is decided. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

#define MIB ((uint64_t)1 << 20)

/* A crash of a guest that fits, of one that was not dumped before. */
static const struct xd_settings settings = XD_SETTINGS_DEFAULT;
static const struct xd_policy_in fine = {
	.trigger = XD_TRIGGER_CRASH,
	.set = &settings,
	.found = true,
	.domid = 3,
	.action = XD_ACTION_PRESERVE,
	.max_waiting = 2,
	.now = 10000,
	.asked_at = 10000,
	.need = { 512 * MIB },
	.needs = 1,
	.room = 2048 * MIB,
	.keep_free = 1024 * MIB,
};

static struct xd_verdict judge(struct xd_policy_in in)
{
	return xd_policy(&in);
}

#define WITH(...)                                     \
	({                                            \
		struct xd_policy_in in_ = fine;       \
		struct xd_policy_in *in = &in_;       \
		(void)in;                             \
		__VA_ARGS__;                          \
		judge(in_);                           \
	})

static void admitted(struct xd_verdict v)
{
	assert_int_equal(v.what, XD_ADMIT);
}

static void refused(struct xd_verdict v, enum xd_refusal why)
{
	assert_int_equal(v.what, XD_REFUSE);
	assert_string_equal(xd_refusal_name(v.why), xd_refusal_name(why));
}

static void test_domain(void **state)
{
	(void)state;
	admitted(WITH());
	refused(WITH(in->found = false), XD_REFUSED_NO_DOMAIN);
	refused(WITH(in->domid = 0), XD_REFUSED_DOMAIN0);
	refused(WITH(in->same_waits = true), XD_REFUSED_DUPLICATE);
	refused(WITH(in->same_waits = true, in->trigger = XD_TRIGGER_REQUEST), XD_REFUSED_DUPLICATE);
	assert_int_equal(WITH(in->other_first = true).what, XD_DEFER);
	/* Whoever ends it looks again. */
	assert_int_equal(WITH(in->other_first = true).until, XD_NOT_TIMED);
}

static void test_action(void **state)
{
	(void)state;
	for (int a = 0; a < _XD_ACTION_MAX; a++) {
		if (a == XD_ACTION_COREDUMP_DESTROY || a == XD_ACTION_COREDUMP_RESTART)
			refused(WITH(in->action = (enum xd_action)a), XD_REFUSED_COREDUMP);
		else
			admitted(WITH(in->action = (enum xd_action)a));
		/* Who asks for a dump of it gets one. */
		admitted(WITH(in->action = (enum xd_action)a, in->trigger = XD_TRIGGER_REQUEST));
	}
}

static void test_disabled(void **state)
{
	struct xd_settings s = settings;

	(void)state;
	s.panic = false;
	admitted(WITH(in->set = &s));
	refused(WITH(in->set = &s, in->trigger = XD_TRIGGER_PANIC), XD_REFUSED_DISABLED);
	s.panic = true;
	s.crash = false;
	refused(WITH(in->set = &s), XD_REFUSED_DISABLED);
	refused(WITH(in->set = &s, in->trigger = XD_TRIGGER_PANIC), XD_REFUSED_DISABLED);
	admitted(WITH(in->set = &s, in->trigger = XD_TRIGGER_TIMER));
}

static void test_interval(void **state)
{
	(void)state;
	refused(WITH(in->dumped = true, in->last_dump = 10000 - 59), XD_REFUSED_TOO_SOON);
	admitted(WITH(in->dumped = true, in->last_dump = 10000 - 60));
	admitted(WITH(in->dumped = false, in->last_dump = 9999));
	admitted(WITH(in->dumped = true, in->last_dump = 9999, in->trigger = XD_TRIGGER_REQUEST));
}

static void test_queue(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 4; n++) {
		admitted(WITH(in->waiting = n)); /* crashes are one for each domain */
		if (n < 2)
			admitted(WITH(in->waiting = n, in->trigger = XD_TRIGGER_REQUEST));
		else
			refused(WITH(in->waiting = n, in->trigger = XD_TRIGGER_REQUEST),
				XD_REFUSED_QUEUE_FULL);
	}
}

static void test_room(void **state)
{
	struct xd_verdict v;

	(void)state;
	admitted(WITH(in->room = 1536 * MIB));
	v = WITH(in->room = 1536 * MIB - 1);
	assert_int_equal(v.what, XD_DEFER);
	assert_int_equal(v.why, XD_REFUSED_NO_SPACE);
	assert_int_equal(v.until, 10000 + XD_LOOK_FOR_ROOM);
	v = WITH(in->room = 0, in->asked_at = 10000 - XD_WAIT_FOR_ROOM + 1);
	assert_int_equal(v.what, XD_DEFER);
	refused(WITH(in->room = 0, in->asked_at = 10000 - XD_WAIT_FOR_ROOM), XD_REFUSED_NO_SPACE);
	/* xl waits for it: it waits for nothing but those that run. */
	refused(WITH(in->room = 0, in->held = true), XD_REFUSED_NO_SPACE);
	v = WITH(in->room = 0, in->held = true, in->others = true, in->asked_at = 0);
	assert_int_equal(v.what, XD_DEFER);
	assert_int_equal(v.why, XD_REFUSED_NO_SPACE);
	/* What is reckoned is rarely needed. */
	admitted(WITH(in->room = 1152 * MIB, in->held = true));
	refused(WITH(in->room = 1152 * MIB - 1, in->held = true), XD_REFUSED_NO_SPACE);
	/* Sums that are larger than a number. */
	v = WITH(in->keep_free = UINT64_MAX, in->need[0] = UINT64_MAX);
	assert_int_equal(v.what, XD_DEFER);
}

/* What is tried in the place of what does not fit. */
static void test_ladder(void **state)
{
#define LADDER in->need[1] = 256 * MIB, in->need[2] = 64 * MIB, in->needs = 3
	(void)state;
	assert_int_equal(WITH(LADDER, in->held = true).smaller, 0);
	for (unsigned room = 0; room < 600; room++) {
		struct xd_verdict v = WITH(LADDER, in->held = true, in->room = (1024 + room) * MIB);
		unsigned want = room >= 512 ? 0 : room >= 256 ? 1 : 2;

		if (room < 16) {
			refused(v, XD_REFUSED_NO_SPACE);
			continue;
		}
		admitted(v);
		assert_int_equal(v.smaller, want);
		/* First the others are waited for; and who can wait waits. */
		if (want) {
			assert_int_equal(WITH(LADDER, in->held = true, in->others = true,
					      in->room = (1024 + room) * MIB).what, XD_DEFER);
			assert_int_equal(WITH(LADDER, in->room = (1024 + room) * MIB).what, XD_DEFER);
		}
	}
}

static void test_size(void **state)
{
	struct xd_settings s = XD_SETTINGS_DEFAULT;
	uint64_t memory = (uint64_t)256 << 30, elf = xd_size_of(&s, memory), last = elf;
	unsigned steps = 0;

	(void)state;
	assert_true(elf > memory);
	while (xd_size_smaller(&s)) {
		assert_null(xd_settings_conflict(&s));
		assert_true(xd_size_of(&s, memory) < last);
		last = xd_size_of(&s, memory);
		steps++;
	}
	assert_int_equal(steps, XD_SIZE_STEPS);
	assert_int_equal(s.format, XLDUMP_FORMAT_KDUMP);
	assert_int_equal(s.dump_level, 31);
	/* A host with 100 GiB free. */
	assert_true(last < (uint64_t)100 << 30);
	s = (struct xd_settings)XD_SETTINGS_DEFAULT;
	s.shrink = false;
	assert_false(xd_size_smaller(&s));
	assert_int_equal(s.format, XLDUMP_FORMAT_ELF);
}

static void test_time(void **state)
{
	struct xd_verdict v = WITH(in->not_before = 10001);

	(void)state;
	assert_int_equal(v.what, XD_DEFER);
	assert_int_equal(v.why, XD_OK);
	assert_int_equal(v.until, 10001);
	admitted(WITH(in->not_before = 10000));
}

static void test_retry(void **state)
{
	(void)state;
	for (int c = 0; c < _XLDUMP_CAUSE_MAX; c++) {
		bool passes = c == XLDUMP_CAUSE_BUSY || c == XLDUMP_CAUSE_NO_SPACE ||
			      c == XLDUMP_CAUSE_DIED;

		assert_int_equal(xd_policy_retry((enum xldump_cause)c, 1, false, false) > 0, passes);
		assert_int_equal(xd_policy_retry((enum xldump_cause)c, XD_MAX_ATTEMPTS, true, false), 0);
	}
	assert_int_equal(xd_policy_retry(XLDUMP_CAUSE_DIED, 2, false, false), 0);
	/* A guest that is held is there only once. */
	assert_in_range(xd_policy_retry(XLDUMP_CAUSE_NO_SPACE, 1, true, true), 1, 10);
	assert_true(xd_policy_retry(XLDUMP_CAUSE_OTHER, 1, true, true) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_action),
		cmocka_unit_test(test_disabled),
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_ladder),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_retry),
	};

	return cmocka_run_group_tests_name("daemon policy", tests, NULL, NULL);
}
