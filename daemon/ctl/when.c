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

/* "HH:MM[:SS]" */
static bool clock_time(const char **p, struct tm *tm)
{
	long long v;

	if (!digits(p, 2, 2, &v) || v > 23)
		return false;
	tm->tm_hour = (int)v;
	return field(p, ':', 60, &tm->tm_min) && (**p != ':' || field(p, ':', 60, &tm->tm_sec));
}

/* "Z", "+HH:MM", "+HHMM", "+HH" or "-HH:MM": seconds that its clocks are before UTC. */
static bool zone(const char **p, long long *ret)
{
	long long sign = **p == '-' ? -1 : 1, hours, minutes = 0;

	*ret = 0;
	if (*(*p)++ == 'Z')
		return true;
	if (!digits(p, 2, 2, &hours) || hours > 23)
		return false;
	if (**p == '\0') {
		*ret = sign * hours * 3600;
		return true;
	}
	*p += **p == ':';
	if (!digits(p, 2, 2, &minutes) || minutes > 59)
		return false;
	*ret = sign * (hours * 3600 + minutes * 60);
	return true;
}

static int parse_date(const char *p, time_t *ret)
{
	struct tm tm = { 0 };
	long long year, before_utc;

	if (!digits(&p, 4, 4, &year) || !field(&p, '-', 13, &tm.tm_mon) ||
	    !field(&p, '-', 32, &tm.tm_mday))
		return -EINVAL;
	tm.tm_year = (int)year - 1900;
	tm.tm_mon--;
	if (!date_exists(&tm))
		return -EINVAL;
	if (!*p)
		return from_local(&tm, ret);
	if (*p != ' ' && *p != 'T')
		return -EINVAL;
	p++;
	if (!clock_time(&p, &tm))
		return -EINVAL;
	if (!*p)
		return from_local(&tm, ret);
	if (!strchr("Z+-", *p) || !zone(&p, &before_utc) || *p)
		return -EINVAL;
	*ret = timegm(&tm) - (time_t)before_utc;
	return 0;
}

/* Of today. */
static int parse_time(const char *p, time_t now, time_t *ret)
{
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return -EINVAL;
	tm.tm_sec = 0;
	if (!clock_time(&p, &tm) || *p)
		return -EINVAL;
	return from_local(&tm, ret);
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
	if (strlen(text) >= 5 && text[2] == ':')
		return parse_time(text, now, ret);
	return parse_date(text, ret);
}
