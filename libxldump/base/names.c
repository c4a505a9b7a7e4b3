/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of the public enums, and the version. */
#include <errno.h>
#include <string.h>

#include "config.h"

#include "base/cleanup.h"
#include "xldump.h"

static const char *const strategy_name[_XLDUMP_STRATEGY_MAX] = {
	[XLDUMP_STRATEGY_AUTO] = "auto",
	[XLDUMP_STRATEGY_PRECOPY] = "precopy",
	[XLDUMP_STRATEGY_STILL] = "still",
	[XLDUMP_STRATEGY_STOP] = "stop",
	[XLDUMP_STRATEGY_RESCAN] = "rescan",
};

static const char *const format_name[_XLDUMP_FORMAT_MAX] = {
	[XLDUMP_FORMAT_ELF] = "elf",
	[XLDUMP_FORMAT_XENCORE] = "xencore",
	[XLDUMP_FORMAT_KDUMP] = "kdump",
	[XLDUMP_FORMAT_XENCORE_RAW] = "xencore-raw",
};

static const char *const type_name[] = {
	[XLDUMP_GUEST_PV] = "PV",
	[XLDUMP_GUEST_PVH] = "PVH",
	[XLDUMP_GUEST_HVM] = "HVM",
};

static const char *const cause_name[_XLDUMP_CAUSE_MAX] = {
	[XLDUMP_CAUSE_NONE] = "none",
	[XLDUMP_CAUSE_OTHER] = "other",
	[XLDUMP_CAUSE_USAGE] = "usage",
	[XLDUMP_CAUSE_NO_DOMAIN] = "no-domain",
	[XLDUMP_CAUSE_NO_XEN] = "no-xen",
	[XLDUMP_CAUSE_PERMISSION] = "permission",
	[XLDUMP_CAUSE_EXISTS] = "exists",
	[XLDUMP_CAUSE_OUTPUT] = "output",
	[XLDUMP_CAUSE_NO_SPACE] = "no-space",
	[XLDUMP_CAUSE_DOMAIN_GONE] = "domain-gone",
	[XLDUMP_CAUSE_BUSY] = "busy",
	[XLDUMP_CAUSE_PAUSE_LIMIT] = "pause-limit",
	[XLDUMP_CAUSE_UNSUPPORTED] = "unsupported",
	[XLDUMP_CAUSE_CANCELLED] = "cancelled",
	[XLDUMP_CAUSE_VERSION] = "version",
	[XLDUMP_CAUSE_STILL_PAUSED] = "still-paused",
	[XLDUMP_CAUSE_DIED] = "died",
};

static const char *const phase_name[] = {
	[XLDUMP_PHASE_PREPARE] = "prepare",
	[XLDUMP_PHASE_COPY] = "copy",
	[XLDUMP_PHASE_ROUND] = "round",
	[XLDUMP_PHASE_FINISH] = "finish",
	[XLDUMP_PHASE_SYNC] = "sync",
};

static const char *name_of(const char *const *names, size_t n, int value)
{
	return value >= 0 && (size_t)value < n ? names[value] : NULL;
}

static int value_of(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return (int)i;
	}
	return -EINVAL;
}

const char *xldump_strategy_name(enum xldump_strategy strategy)
{
	return name_of(strategy_name, XL_ARRAY_SIZE(strategy_name), (int)strategy);
}

const char *xldump_format_name(enum xldump_format format)
{
	return name_of(format_name, XL_ARRAY_SIZE(format_name), (int)format);
}

const char *xldump_guest_type_name(enum xldump_guest_type type)
{
	return name_of(type_name, XL_ARRAY_SIZE(type_name), (int)type);
}

const char *xldump_cause_name(enum xldump_cause cause)
{
	return name_of(cause_name, XL_ARRAY_SIZE(cause_name), (int)cause);
}

const char *xldump_phase_name(enum xldump_phase phase)
{
	return name_of(phase_name, XL_ARRAY_SIZE(phase_name), (int)phase);
}

int xldump_strategy_parse(const char *name, enum xldump_strategy *ret)
{
	int v = value_of(strategy_name, XL_ARRAY_SIZE(strategy_name), name);

	if (v < 0)
		return v;
	*ret = (enum xldump_strategy)v;
	return 0;
}

int xldump_format_parse(const char *name, enum xldump_format *ret)
{
	int v = value_of(format_name, XL_ARRAY_SIZE(format_name), name);

	if (v < 0)
		return v;
	*ret = (enum xldump_format)v;
	return 0;
}

const char *xldump_version(void)
{
	return PACKAGE_VERSION;
}
