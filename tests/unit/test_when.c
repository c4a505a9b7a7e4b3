/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moments as users type them: in a time zone of our own, at a time of our own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ctl/when.h"

/* 2026-03-29, Sunday, 12:34:56 CEST; that day has 23 hours. */
#define NOW 1774780496

static time_t at(const char *text)
{
	time_t t = 0;

	assert_int_equal(when_parse(text, NOW, &t), 0);
	return t;
}

static void test_dates(void **state)
{
	(void)state;
	/* As `TZ=Europe/Berlin date -d TEXT +%s' has them. */
	assert_int_equal(at("2026-03-28"), 1774652400);
	assert_int_equal(at("2026-03-29"), 1774738800);
	assert_int_equal(at("2026-03-30"), 1774821600);
	assert_int_equal(at("2026-11-21 17:25"), 1795278300);
	assert_int_equal(at("2026-11-21 17:25:07"), 1795278307);
	assert_int_equal(at("2026-07-01 00:00:00"), 1782856800);
	assert_int_equal(at("2028-02-29 23:59:59"), 1835477999);
	assert_int_equal(at("2000-02-29"), 951778800);
	/* Where -1 seconds are no failure. */
	assert_int_equal(at("1970-01-01 00:59:59"), -1);
	assert_int_equal(at("1969-12-31 23:00"), -7200);
}

static void test_iso(void **state)
{
	(void)state;
	assert_int_equal(at("2026-11-21T17:25"), 1795278300);
	assert_int_equal(at("2026-11-21T17:25:07"), 1795278307);
	assert_int_equal(at("2026-11-21T16:25:07Z"), 1795278307);
	assert_int_equal(at("2026-11-21T22:55:07+06:30"), 1795278307);
	assert_int_equal(at("2026-11-21T11:25:07-0500"), 1795278307);
	assert_int_equal(at("2026-11-21T18:25:07+02"), 1795278307);
	assert_int_equal(at("2026-11-21 16:25Z"), 1795278300);
	/* Of the day of NOW, which has 23 hours. */
	assert_int_equal(at("23:59"), 1774821540);
	assert_int_equal(at("00:00"), 1774738800);
	assert_int_equal(at("12:34:56"), NOW);
}

static void test_words(void **state)
{
	time_t t;

	(void)state;
	assert_int_equal(at("now"), NOW);
	assert_int_equal(at("today"), 1774738800);
	assert_int_equal(at("yesterday"), 1774652400);
	/* The first of a month and of a year, and the second before a day begins. */
	assert_int_equal(when_parse("yesterday", 1798761600, &t), 0); /* 2027-01-01 01:00 */
	assert_int_equal(t, 1798671600);
	assert_int_equal(when_parse("today", 1774738799, &t), 0);
	assert_int_equal(t, 1774652400);
	/* A day of 23 hours lies between. */
	assert_int_equal(when_parse("yesterday", 1774821600, &t), 0);
	assert_int_equal(t, 1774738800);
}

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(at("@0"), 0);
	assert_int_equal(at("@1795278300"), 1795278300);
	assert_int_equal(at("@999999999999"), 999999999999);
	assert_int_equal(at("-0s"), NOW);
	assert_int_equal(at("-1s"), NOW - 1);
	assert_int_equal(at("-90min"), NOW - 5400);
	assert_int_equal(at("-2h"), NOW - 7200);
	/* Of 24 hours, unlike yesterday. */
	assert_int_equal(at("-1d"), NOW - 86400);
	assert_int_equal(at("-4w"), NOW - 4 * 604800);
	assert_int_equal(at("-999999999w"), NOW - 604799999395200);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"", " ", "-", "@", "tomorrow", "Today", "today ", " now", "nowadays",
		/* dates that are none */
		"2026", "2026-11", "2026-11-2", "2026-1-21", "26-11-21", "02026-11-21", "2026/11/21",
		"2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32", "2026-02-29", "2026-04-31",
		"2028-04-31", "1900-02-29", "-2026-11-21", "+026-11-21", "2026-+1-21", "2026- 1-21",
		/* times that are none */
		"2026-11-21 ", "2026-11-21 17", "2026-11-21 17:", "2026-11-21 7:25", "2026-11-21  7:25",
		"2026-11-21 24:00", "2026-11-21 17:60", "2026-11-21 17:25:", "2026-11-21 17:25:60",
		"2026-11-21 17:25:5", "2026-11-21t17:25", "2026-11-21 17:25:07 ",
		"2026-11-21 17:25:07.5", "2026-11-21 17:25 UTC", "24:00", "7:25", "17:60", "17:25Z", "17:25 ", "2026-11-21Z",
		"2026-11-21T17:25+", "2026-11-21T17:25+2", "2026-11-21T17:25+24:00", "2026-11-21T17:25+02:60",
		"2026-11-21T17:25ZZ", "2026-11-21T17:25+02:", "2026-11-21T17:25+02:00:00",
		/* numbers that are none */
		"@-1", "@1.5", "@ 1", "@1s", "@0x10", "@1000000000000", "@99999999999999999999",
		"2h", "+2h", "--2h", "-h", "- 2h", "-2", "-2 h", "-2m", "-2H", "-2hours", "-2h ago",
		"-1.5h", "-1h30min", "-1000000000s", "-99999999999999999999s", "-2h\n", "\xc3\xbc",
	};

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(bad); i++) {
		time_t t = 4711;

		if (when_parse(bad[i], NOW, &t) != -EINVAL || t != 4711)
			fail_msg("`%s' is taken for %lld", bad[i], (long long)t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_iso),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_refused),
	};

	/* In full, so that no files of zones are needed. */
	(void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
