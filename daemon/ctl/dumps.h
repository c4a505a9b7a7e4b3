/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding dumps that xldumpd has made. */
#ifndef XLDUMP_CLI_DUMPS_H
#define XLDUMP_CLI_DUMPS_H

#include <time.h>

#include "ctl/cmd.h"
#include "common/spool.h"

/* What is known of a dump, printable; "-": it is not. */
struct dump_row {
	char guest[4 * XLDUMP_NAME_MAX + 1], uuid[64], trigger[16], kernel[72];
};

void dumps_describe(const struct xd_dump *d, struct dump_row *ret);

struct dumps_wanted {
	/* Of which one must fit: a guest or a file, both also as a pattern, a uuid, a trigger. */
	char *const *match;
	int matches; /* 0: all dumps */
	const time_t *since, *until; /* both included; NULL: any */
	size_t newest; /* at most so many, of those that fit; 0: all */
};

/* The folder that was asked for, or else that of xldumpd.conf(5); in buf if need be. */
const char *dumps_spool(const char *asked, char *buf, size_t size);

/* Those of a folder, dumps_spool(), that are wanted, oldest first; free with xd_dumps_free(). */
int dumps_find(struct xl_ctx *x, const char *spool, const struct dumps_wanted *w,
	       struct xd_dump **ret, size_t *ret_n);

/* For --help of commands that ask dumps_path(). */
#define DUMPS_USAGE_MATCH                                                                          \
	"  MATCH              if there is no such file: the newest dump that `xldumpctl\n"           \
	"                     list MATCH' shows; the name of a guest finds its newest dump\n"
#define DUMPS_USAGE_SPOOL "      --spool=DIR    look for MATCH in this directory, not in that of xldumpd.conf\n"

/* The path that an argument means, to be freed: a file of that name; else, of a name without a
 * folder, the newest dump that it matches, and standard error says which. */
int dumps_path(struct xl_ctx *x, const struct cmd *cmd, const char *spool, char *arg, char **ret);

#endif
