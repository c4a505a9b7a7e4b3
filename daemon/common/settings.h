/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the dumps of one guest are made, and what comes after. */
#ifndef XLDUMP_DAEMON_SETTINGS_H
#define XLDUMP_DAEMON_SETTINGS_H

#include "xldump.h"

/* What is done to a guest that was kept for us (on_crash="preserve") when its dump is there. */
enum xd_after {
	XD_AFTER_KEEP,
	XD_AFTER_DESTROY,
	XD_AFTER_RESTART, /* destroy it, and `xl create` it again */
	_XD_AFTER_MAX
};

struct xd_settings {
	bool crash;  /* dump it when it crashes */
	bool panic;  /* and when its kernel panics and then reboots or powers off */
	enum xd_after after;
	unsigned min_interval; /* s between two dumps of its crashes */
	enum xldump_strategy strategy;
	enum xldump_format format;
	enum xldump_codec codec;
	int level;
	unsigned dump_level;
	uint64_t max_pause_ns;
	bool throttle, extend; /* on overrun of that */
};

#define XD_SETTINGS_DEFAULT                                                                        \
	{                                                                                          \
		.crash = true, .panic = true, .min_interval = 60, .format = XLDUMP_FORMAT_ELF      \
	}

/* Set one by the name that it has in the configuration.
 *
 * @param ret_why  words, when it is -EINVAL; static
 * @return 0; -ENOENT: there is no such setting; -EINVAL */
int xd_settings_set(struct xd_settings *s, const char *key, const char *value,
		    const char **ret_why);

/* Whether they go together; else words. */
const char *xd_settings_conflict(const struct xd_settings *s);

const char *xd_after_name(enum xd_after after);

/* The i-th name and the value that s has for it, as xd_settings_set() would take them; NULL after
 * the last. */
const char *xd_settings_get(const struct xd_settings *s, size_t i, char *value, size_t size);

#endif
