/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sub-commands share: complaints, options, and the end of the output. */
#include "ctl/cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cmd_fail(const struct cmd *cmd, const struct xl_ctx *x)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "xldumpctl %s: %s\n", cmd->name, x->err);
	return x->cause == XLDUMP_CAUSE_NONE ? XLDUMP_CAUSE_OTHER : (int)x->cause;
}

int cmd_usage_error(const struct cmd *cmd, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "xldumpctl %s: %s (see xldumpctl %s --help)\n", cmd->name, text,
		      cmd->name);
	return XLDUMP_CAUSE_USAGE;
}

int cmd_getopt(const struct cmd *cmd, int argc, char **argv, const char *letters,
	       const struct option *options)
{
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, letters, options, NULL);
	if (c == 'h') {
		(void)fputs(cmd->usage, stdout);
		exit(0);
	}
	if (c == '?' || c == ':')
		exit(cmd_usage_error(cmd, "unknown option `%s', or its value is missing",
				     argv[optind - 1]));
	return c;
}

bool cmd_flush(const struct cmd *cmd)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	(void)fprintf(stderr, "xldumpctl %s: cannot write the output: %s\n", cmd->name,
		      strerror(errno));
	return false;
}
