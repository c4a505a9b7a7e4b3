/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments of xl-livedump. */
#ifndef XL_CLI_ARGUMENTS_H
#define XL_CLI_ARGUMENTS_H

#include <stdio.h>

#include "common/client.h"
#include "xldump.h"

struct arguments {
	const char *domain, *file; /* NULL: there is none, with estimate */
	struct xd_settings set;
	struct xldump_options o; /* and the settings in it */
	bool json, quiet, verbose, estimate;
	FILE *result; /* standard output, unless the dump goes there */
	bool daemon;  /* xldumpd is to do it; there is no file */
	struct client_nodes nodes; /* what it is asked for, as it was typed */
	const char *not_for_daemon; /* an option that it does not have */
};

/* 0: go on.  1: all done (--help).  Negative: complained.  The caller sets ret->result to standard
 * output, all else to zero. */
int parse_arguments(int argc, char **argv, struct arguments *ret);

#endif
