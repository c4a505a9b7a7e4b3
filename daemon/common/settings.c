/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the dumps of one guest are made: one row for each setting. */
#include "common/settings.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "common/values.h"
#include "xldump_schema.h"

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

static int set_shrink(struct xd_settings *s, const char *value)
{
	return set_bool(value, &s->shrink);
}

static void get_shrink(const struct xd_settings *s, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%d", s->shrink);
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
	int r = xldump_format_parse(value, &s->format);

	s->format_set = s->format_set || r == 0;
	return r;
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

/* An option of the commands is a node of a request, too, and has its name. */
#define NO_LETTER 1000

static const struct row {
	const char *key;    /* in the configuration */
	const char *option; /* NULL: it is none */
	int letter;         /* of the option; from NO_LETTER on: it has none */
	const char *unset;  /* as if it were not given; of the configuration and of nodes alone */
	int (*set)(struct xd_settings *s, const char *value);
	void (*get)(const struct xd_settings *s, char *buf, size_t size);
	const char *why;
} settings[] = {
	{ "crash", NULL, 0, NULL, set_crash, get_crash, "must be 0 or 1" },
	{ "panic", NULL, 0, NULL, set_panic, get_panic, "must be 0 or 1" },
	{ "shrink", NULL, 0, NULL, set_shrink, get_shrink, "must be 0 or 1" },
	{ "after_crash", NULL, 0, NULL, set_after, get_after, "must be keep, destroy or restart" },
	{ "min_interval", NULL, 0, NULL, set_interval, get_interval,
	  "must be a number of seconds, at most 30 days" },
	{ "strategy", XD_NODE_STRATEGY, 's', NULL, set_strategy, get_strategy,
	  "must be auto, precopy, rescan, still or stop" },
	{ "format", XD_NODE_FORMAT, 'f', NULL, set_format, get_format,
	  "must be elf, xencore, xencore-raw or kdump" },
	{ "compress", XD_NODE_COMPRESS, 'c', "default", set_compress, get_compress,
	  "must be zlib, lzo, snappy, zstd or none, with a level such as zlib:1 to zlib:9 or "
	  "zstd:1 to zstd:19" },
	{ "dump_level", XD_NODE_DUMP_LEVEL, 'd', NULL, set_dump_level, get_dump_level,
	  "must be a number from 0 to 31" },
	{ "max_pause", XD_NODE_MAX_PAUSE, 'p', "0", set_max_pause, get_max_pause,
	  "must be a number with us, ms or s, at most 1 h, such as 50ms or 1.5s" },
	{ "on_overrun", XD_NODE_ON_OVERRUN, NO_LETTER, NULL, set_on_overrun, get_on_overrun,
	  "must be fail, throttle or extend" },
};

/* Of the formats only kdump is compressed, and says which pages were left out: others show zeros. */
static void choose_format(struct xd_settings *s)
{
	bool kdump = s->dump_level || s->codec > XLDUMP_CODEC_NONE;

	if (!s->format_set)
		s->format = kdump ? XLDUMP_FORMAT_KDUMP : XLDUMP_FORMAT_ELF;
}

static int set(struct xd_settings *s, const struct row *row, const char *value, const char **ret_why)
{
	struct xd_settings out = *s;

	if (row->set(&out, value) < 0) {
		*ret_why = row->why;
		return -EINVAL;
	}
	choose_format(&out);
	*s = out;
	return 0;
}

static const struct row *row_of(int c)
{
	for (size_t i = 0; i < XL_ARRAY_SIZE(settings); i++)
		if (settings[i].option && settings[i].letter == c)
			return &settings[i];
	return NULL;
}

int xd_settings_set(struct xd_settings *s, const char *key, const char *value,
		    const char **ret_why)
{
	for (size_t i = 0; i < XL_ARRAY_SIZE(settings); i++)
		if (!strcmp(key, settings[i].key))
			return set(s, &settings[i], value, ret_why);
	return -ENOENT;
}

int xd_settings_set_node(struct xd_settings *s, const char *node, const char *value,
			 const char **ret_why)
{
	for (size_t i = 0; i < XL_ARRAY_SIZE(settings); i++)
		if (settings[i].option && !strcmp(node, settings[i].option))
			return set(s, &settings[i], value, ret_why);
	return -ENOENT;
}

int xd_settings_set_option(struct xd_settings *s, int c, const char *value, const char **ret_why)
{
	const struct row *row = row_of(c);

	if (!row)
		return -ENOENT;
	if (row->unset && !strcmp(value, row->unset)) {
		*ret_why = row->why;
		return -EINVAL;
	}
	return set(s, row, value, ret_why);
}

const char *xd_settings_option(int c)
{
	const struct row *row = row_of(c);

	return row ? row->option : NULL;
}

void xd_settings_options(struct option ret[XD_SETTINGS_OPTIONS])
{
	size_t n = 0;

	for (size_t i = 0; i < XL_ARRAY_SIZE(settings); i++) {
		if (!settings[i].option)
			continue;
		assert(n < XD_SETTINGS_OPTIONS);
		ret[n++] = (struct option){ settings[i].option, required_argument, NULL,
					    settings[i].letter };
	}
	assert(n == XD_SETTINGS_OPTIONS);
}

void xd_settings_apply(const struct xd_settings *s, struct xldump_options *o)
{
	o->strategy = s->strategy;
	o->format = s->format;
	o->codec = s->codec;
	o->level = s->level;
	o->dump_level = s->dump_level;
	o->max_pause_ns = s->max_pause_ns;
	o->throttle = s->throttle;
	o->extend_pause = s->extend;
}

const char *xd_settings_conflict(const struct xd_settings *s)
{
	return xl_options_conflict(s->format, s->codec, s->dump_level);
}

const char *xd_settings_get(const struct xd_settings *s, size_t i, char *value, size_t size)
{
	if (i >= XL_ARRAY_SIZE(settings))
		return NULL;
	settings[i].get(s, value, size);
	return settings[i].key;
}
