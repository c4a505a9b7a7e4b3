/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the dumps of one guest are made: one row for each setting. */
#include "common/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "common/values.h"

static const char *const after_name[_XD_AFTER_MAX] = {
	[XD_AFTER_KEEP] = "keep",
	[XD_AFTER_DESTROY] = "destroy",
	[XD_AFTER_RESTART] = "restart",
};

const char *xd_after_name(enum xd_after after)
{
	return (unsigned)after < _XD_AFTER_MAX ? after_name[after] : "keep";
}

static int set_bool(const char *value, bool *ret)
{
	unsigned v;

	if (xd_parse_number(value, 0, 1, &v) < 0)
		return -EINVAL;
	*ret = v;
	return 0;
}

static int set_crash(struct xd_settings *s, const char *value)
{
	return set_bool(value, &s->crash);
}

static void get_crash(const struct xd_settings *s, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%d", s->crash);
}

static int set_panic(struct xd_settings *s, const char *value)
{
	return set_bool(value, &s->panic);
}

static void get_panic(const struct xd_settings *s, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%d", s->panic);
}

static int set_after(struct xd_settings *s, const char *value)
{
	for (unsigned i = 0; i < _XD_AFTER_MAX; i++) {
		if (!strcmp(value, after_name[i])) {
			s->after = (enum xd_after)i;
			return 0;
		}
	}
	return -EINVAL;
}

static void get_after(const struct xd_settings *s, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s", xd_after_name(s->after));
}

static int set_interval(struct xd_settings *s, const char *value)
{
	return xd_parse_number(value, 0, 30 * 86400, &s->min_interval);
}

static void get_interval(const struct xd_settings *s, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%u", s->min_interval);
}

static int set_strategy(struct xd_settings *s, const char *value)
{
	return xldump_strategy_parse(value, &s->strategy);
}

static void get_strategy(const struct xd_settings *s, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s", xldump_strategy_name(s->strategy));
}

static int set_format(struct xd_settings *s, const char *value)
{
	return xldump_format_parse(value, &s->format);
}

static void get_format(const struct xd_settings *s, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s", xldump_format_name(s->format));
}

static int set_compress(struct xd_settings *s, const char *value)
{
	if (!strcmp(value, "default")) {
		s->codec = XLDUMP_CODEC_DEFAULT;
		s->level = 0;
		return 0;
	}
	return xldump_codec_parse(value, &s->codec, &s->level);
}

static void get_compress(const struct xd_settings *s, char *buf, size_t size)
{
	if (s->codec == XLDUMP_CODEC_DEFAULT)
		(void)snprintf(buf, size, "default");
	else if (s->level)
		(void)snprintf(buf, size, "%s:%d", xldump_codec_name(s->codec), s->level);
	else
		(void)snprintf(buf, size, "%s", xldump_codec_name(s->codec));
}

static int set_dump_level(struct xd_settings *s, const char *value)
{
	return xd_parse_number(value, 0, XLDUMP_LEVEL_MAX, &s->dump_level);
}

static void get_dump_level(const struct xd_settings *s, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%u", s->dump_level);
}

static int set_max_pause(struct xd_settings *s, const char *value)
{
	if (!strcmp(value, "0")) {
		s->max_pause_ns = 0;
		return 0;
	}
	return xd_parse_time(value, &s->max_pause_ns);
}

static void get_max_pause(const struct xd_settings *s, char *buf, size_t size)
{
	if (s->max_pause_ns == 0)
		(void)snprintf(buf, size, "0");
	else
		(void)snprintf(buf, size, "%" PRIu64 "us", s->max_pause_ns / 1000 ? s->max_pause_ns / 1000 : 1);
}

static int set_on_overrun(struct xd_settings *s, const char *value)
{
	bool extend = !strcmp(value, "extend"), throttle = !strcmp(value, "throttle");

	if (!extend && !throttle && strcmp(value, "fail") != 0)
		return -EINVAL;
	s->extend = extend;
	s->throttle = throttle;
	return 0;
}

static void get_on_overrun(const struct xd_settings *s, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s", s->extend ? "extend" : s->throttle ? "throttle" : "fail");
}

static const struct {
	const char *key;
	int (*set)(struct xd_settings *s, const char *value);
	void (*get)(const struct xd_settings *s, char *buf, size_t size);
	const char *why;
} settings[] = {
	{ "crash", set_crash, get_crash, "is 0 or 1" },
	{ "panic", set_panic, get_panic, "is 0 or 1" },
	{ "after_crash", set_after, get_after, "is keep, destroy or restart" },
	{ "min_interval", set_interval, get_interval, "is a number of seconds, at most 30 days" },
	{ "strategy", set_strategy, get_strategy, "is auto, precopy, rescan, still or stop" },
	{ "format", set_format, get_format, "is elf, xencore, xencore-raw or kdump" },
	{ "compress", set_compress, get_compress,
	  "is zlib, lzo, snappy, zstd or none, with a level as zlib:1 to zlib:9 or zstd:1 to zstd:19" },
	{ "dump_level", set_dump_level, get_dump_level, "is a dump level from 0 to 31" },
	{ "max_pause", set_max_pause, get_max_pause, "is a time of 1 ns to 1 h, like 50ms or 1.5s" },
	{ "on_overrun", set_on_overrun, get_on_overrun, "is fail, throttle or extend" },
};

int xd_settings_set(struct xd_settings *s, const char *key, const char *value,
		    const char **ret_why)
{
	struct xd_settings out = *s;

	for (size_t i = 0; i < XL_ARRAY_SIZE(settings); i++) {
		if (strcmp(key, settings[i].key) != 0)
			continue;
		if (settings[i].set(&out, value) < 0) {
			*ret_why = settings[i].why;
			return -EINVAL;
		}
		*s = out;
		return 0;
	}
	return -ENOENT;
}

const char *xd_settings_conflict(const struct xd_settings *s)
{
	if (s->codec > XLDUMP_CODEC_NONE && s->format != XLDUMP_FORMAT_KDUMP)
		return "only pages of the format kdump can be compressed";
	if (s->dump_level && s->format == XLDUMP_FORMAT_XENCORE_RAW)
		return "pages cannot be left out of the format xencore-raw";
	return NULL;
}

const char *xd_settings_get(const struct xd_settings *s, size_t i, char *value, size_t size)
{
	if (i >= XL_ARRAY_SIZE(settings))
		return NULL;
	settings[i].get(s, value, size);
	return settings[i].key;
}
