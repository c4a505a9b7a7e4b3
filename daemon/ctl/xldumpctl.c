/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl: look at dump files, and talk to the daemon. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd.h"

static const struct cmd *const commands[] = {
	&cmd_list,    &cmd_info,   &cmd_verify, &cmd_dmesg,  &cmd_debug,  &cmd_convert,
	&cmd_reassemble, &cmd_rm,  &cmd_request, &cmd_status, &cmd_watch, &cmd_cancel,
};

static volatile int cancelled; /* set by the signal handler, read by the library */

static void on_signal(int sig)
{
	(void)sig;
	cancelled = 1;
}

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
		exit(cmd_usage_error(cmd, "option `%s' is not known, or lacks its value",
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

static void usage(FILE *f)
{
	(void)fputs("usage: xldumpctl COMMAND [OPTIONS] ...\n"
		    "Look at dump files of xl-livedump(1), of `xl dump-core' and of makedumpfile(8), and\n"
		    "talk to xldumpd(8).\n"
		    "\n", f);
	for (size_t i = 0; i < XL_ARRAY_SIZE(commands); i++)
		(void)fprintf(f, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	(void)fputs("\n"
		    "`xldumpctl COMMAND --help' says more, xldumpctl(1) all.\n"
		    "Exit status: 0 fine; 1 the file is broken, or cannot be read; 2 usage;\n"
		    "others in xldumpctl(1).\n", f);
}

/* Unfinished output is removed when we are told to stop: the library does it, we only tell it. */
static void catch_signals(void)
{
	static const int sig[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction a = { .sa_handler = on_signal };

	(void)sigemptyset(&a.sa_mask);
	for (size_t i = 0; i < XL_ARRAY_SIZE(sig); i++)
		(void)sigaction(sig[i], &a, NULL);
	a.sa_handler = SIG_IGN; /* a limit on file sizes is an error like a full disk */
	(void)sigaction(SIGXFSZ, &a, NULL);
}

int main(int argc, char **argv)
{
	struct xl_ctx x = { .cancel = &cancelled };
	const char *name = argc > 1 ? argv[1] : "";

	(void)setlocale(LC_CTYPE, ""); /* what letters a terminal can show */
	if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		(void)printf("xldump %s\n", xldump_version());
		return 0;
	}
	for (size_t i = 0; i < XL_ARRAY_SIZE(commands); i++) {
		if (strcmp(name, commands[i]->name) != 0)
			continue;
		catch_signals();
		return commands[i]->run(&x, argc - 1, argv + 1);
	}
	if (name[0])
		(void)fprintf(stderr, "xldumpctl: `%s' is no command (see xldumpctl --help)\n", name);
	else
		usage(stderr);
	return XLDUMP_CAUSE_USAGE;
}
