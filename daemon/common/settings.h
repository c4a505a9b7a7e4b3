/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the dumps of one guest are made, and what comes after. */
#ifndef XLDUMP_DAEMON_SETTINGS_H
#define XLDUMP_DAEMON_SETTINGS_H

#include <getopt.h>

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
	bool shrink; /* a crash that does not fit: rather a smaller dump than none */
	unsigned min_interval; /* s between two dumps of its crashes */
	enum xldump_strategy strategy;
	enum xldump_format format; /* kdump, if none was set, as soon as codec or dump_level need it */
	bool format_set;
	enum xldump_codec codec;
	int level;
	unsigned dump_level;
	uint64_t max_pause_ns;
	bool throttle, extend; /* on overrun of that */
};

#define XD_SETTINGS_DEFAULT                                                                        \
	{                                                                                          \
		.crash = true, .panic = true, .shrink = true, .min_interval = 60,                  \
		.format = XLDUMP_FORMAT_ELF                                                        \
	}

/* Set one by the name that it has in the configuration.
 *
 * @param ret_why  words, when it is -EINVAL; static
 * @return 0; -ENOENT: there is no such setting; -EINVAL */
int xd_settings_set(struct xd_settings *s, const char *key, const char *value,
		    const char **ret_why);

/* The same by the name of its node in a request, or as the option of a command that getopt_long() has
 * given as c.  An option has no word for "as if it were not given", as "0" of max_pause. */
int xd_settings_set_node(struct xd_settings *s, const char *node, const char *value,
			 const char **ret_why);
int xd_settings_set_option(struct xd_settings *s, int c, const char *value, const char **ret_why);

/* The name of that option, which is that of the node, too; NULL: c is none. */
const char *xd_settings_option(int c);

/* These options for getopt_long(), and their text for --help. */
#define XD_SETTINGS_OPTIONS 6
#define XD_SETTINGS_LETTERS "f:c:s:d:p:"
#define XD_SETTINGS_USAGE                                                                          \
	"  -f, --format=FORMAT    elf: for crash 9, drgn, gdb, makedumpfile, mdb (default)\n"       \
	"                         xencore: for crash 8 and mdb\n"                                   \
	"                         xencore-raw: PV guests only; page tables keep the frame\n"        \
	"                         numbers of the host; for crash\n"                                 \
	"                         kdump: compressed, for crash, drgn, makedumpfile\n"               \
	"                         (default with -c or -d)\n"                                        \
	"  -c, --compress=CODEC   how kdump is compressed: zlib, lzo, snappy, zstd or none; a\n"    \
	"                         level may follow, zlib:1 to zlib:9 or zstd:1 to zstd:19\n"        \
	"  -s, --strategy=HOW     auto, precopy, rescan, still or stop; see xl-livedump(1)\n"       \
	"  -d, --dump-level=N     leave out pages of a Linux guest: the sum of 1 (zeros), 2 and\n"  \
	"                         4 (page cache without and with private data), 8 (memory\n"        \
	"                         of processes), 16 (free memory), as in makedumpfile\n"            \
	"  -p, --max-pause=TIME   do not stop the guest longer than this, e.g. 50ms or 1.5s\n"      \
	"      --on-overrun=WHAT  if the guest dirties memory too fast for that: fail, throttle\n"  \
	"                         (slow the guest down) or extend (stop it longer)\n"
void xd_settings_options(struct option ret[XD_SETTINGS_OPTIONS]);

/* What they say of a dump, to the library. */
void xd_settings_apply(const struct xd_settings *s, struct xldump_options *o);

/* Whether they go together; else words. */
const char *xd_settings_conflict(const struct xd_settings *s);

const char *xd_after_name(enum xd_after after);

/* The i-th name and the value that s has for it, as xd_settings_set() would take them; NULL after
 * the last. */
const char *xd_settings_get(const struct xd_settings *s, size_t i, char *value, size_t size);

#endif
