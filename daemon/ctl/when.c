/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moments as users type them. */
#include "ctl/when.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

/* Digits at *p, from min to max of them; *p moves on. */
static bool digits(const char **p, unsigned min, unsigned max, long long *ret)
{
	unsigned n = 0;

	for (*ret = 0; n < max && isdigit((unsigned char)**p); n++)
		*ret = *ret * 10 + (*(*p)++ - '0');
	return n >= min;
}

/* A separator, and two digits of a value below `end`. */
static bool field(const char **p, char separator, int end, int *ret)
{
	long long v;

	if (**p != separator)
		return false;
	(*p)++;
	if (!digits(p, 2, 2, &v) || v >= end)
		return false;
	*ret = (int)v;
	return true;
}

static bool date_exists(const struct tm *tm)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = tm->tm_year + 1900;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return tm->tm_mon >= 0 && tm->tm_mday >= 1 &&
	       tm->tm_mday <= days[tm->tm_mon] + (tm->tm_mon == 1 && leap);
}

static int from_local(struct tm *tm, time_t *ret)
{
	time_t t;

	tm->tm_isdst = -1;
	tm->tm_wday = -1; /* stays so if it fails: -1 is a moment as well */
	t = mktime(tm);
	if (tm->tm_wday < 0)
		return -EINVAL;
	*ret = t;
	return 0;
}

static int parse_date(const char *p, time_t *ret)
{
	struct tm tm = { 0 };
	long long year;

	if (!digits(&p, 4, 4, &year) || !field(&p, '-', 13, &tm.tm_mon) ||
	    !field(&p, '-', 32, &tm.tm_mday))
		return -EINVAL;
	tm.tm_year = (int)year - 1900;
	tm.tm_mon--;
	if (!date_exists(&tm))
		return -EINVAL;
	if (*p && (!field(&p, ' ', 24, &tm.tm_hour) || !field(&p, ':', 60, &tm.tm_min)))
		return -EINVAL;
	if (*p && !field(&p, ':', 60, &tm.tm_sec))
		return -EINVAL;
	return *p ? -EINVAL : from_local(&tm, ret);
}

static int parse_ago(const char *p, time_t now, time_t *ret)
{
	static const struct {
		const char *unit;
		long long seconds;
	} units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 } };
	long long n;

	if (!digits(&p, 1, 9, &n))
		return -EINVAL;
	for (size_t i = 0; i < XL_ARRAY_SIZE(units); i++) {
		if (strcmp(p, units[i].unit) != 0)
			continue;
		*ret = now - (time_t)(n * units[i].seconds);
		return 0;
	}
	return -EINVAL;
}

static int parse_seconds(const char *p, time_t *ret)
{
	long long n;

	if (!digits(&p, 1, 12, &n) || *p)
		return -EINVAL;
	*ret = (time_t)n;
	return 0;
}

static int midnight(time_t now, int days, time_t *ret)
{
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return -EINVAL;
	tm.tm_mday += days;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	return from_local(&tm, ret);
}

int when_parse(const char *text, time_t now, time_t *ret)
{
	if (!strcmp(text, "now")) {
		*ret = now;
		return 0;
	}
	if (!strcmp(text, "today"))
		return midnight(now, 0, ret);
	if (!strcmp(text, "yesterday"))
		return midnight(now, -1, ret);
	if (text[0] == '@')
		return parse_seconds(text + 1, ret);
	if (text[0] == '-')
		return parse_ago(text + 1, now, ret);
	return parse_date(text, ret);
}
