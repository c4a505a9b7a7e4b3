/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sub-commands of xldumpctl: one file each, one row each in xldumpctl.c. */
#ifndef XLDUMP_CLI_CMD_H
#define XLDUMP_CLI_CMD_H

#include <getopt.h>

#include "base/ctx.h"

struct cmd {
	const char *name;
	const char *summary; /* half a line */
	const char *usage;   /* what --help prints */

	/* argv[0] is the command's name.  Returns the exit status. */
	int (*run)(struct xl_ctx *x, int argc, char **argv);
};

extern const struct cmd cmd_cancel, cmd_convert, cmd_debug, cmd_dmesg, cmd_info, cmd_list, cmd_reassemble,
	cmd_request, cmd_rm, cmd_status, cmd_verify, cmd_watch;

/* Exit status of a file that cannot be read, or is broken, or keeps no rule; others are those of
 * enum xldump_cause. */
#define CMD_BROKEN XLDUMP_CAUSE_OTHER

/* Print the chain of x; the exit status that its cause has. */
int cmd_fail(const struct cmd *cmd, const struct xl_ctx *x);

/* Complain about the arguments; the exit status for that. */
_printf_(2, 3) int cmd_usage_error(const struct cmd *cmd, const char *fmt, ...);

/* The next option, as getopt_long(), which adds --help; -1 when there is none.  For one that is
 * wrong, or for --help, the program ends here. */
int cmd_getopt(const struct cmd *cmd, int argc, char **argv, const char *letters,
	       const struct option *options);

/* Whether all of standard output was written; else it has been complained about. */
bool cmd_flush(const struct cmd *cmd);

/* For the usage of what is about the kernel in a dump. */
#define CMD_USAGE_KERNEL \
	"      --kernel=N|RELEASE\n" \
	"                     of several kernels in memory, this one; info shows them with\n" \
	"                     their numbers\n"

#endif
