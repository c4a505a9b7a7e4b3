/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl: look at dump files, and talk to the daemon. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "common/stop.h"
#include "ctl/cmd.h"

static const struct cmd *const commands[] = {
	&cmd_list,    &cmd_info,   &cmd_verify, &cmd_dmesg,  &cmd_debug,  &cmd_convert,
	&cmd_reassemble, &cmd_rm,  &cmd_request, &cmd_status, &cmd_watch, &cmd_cancel,
};

/* What the user should know of a file, although the command goes on. */
static void on_log(void *data, enum xldump_log_level level, const char *text)
{
	if (level <= XLDUMP_LOG_WARNING)
		(void)fprintf(stderr, "xldumpctl %s: warning: %s\n", (const char *)data, text);
}

static void usage(FILE *f)
{
	(void)fputs("usage: xldumpctl COMMAND [OPTIONS] ...\n"
		    "Inspect, convert and debug dumps of xl-livedump(1), `xl dump-core' and\n"
		    "makedumpfile(8), and control xldumpd(8).\n"
		    "\n", f);
	for (size_t i = 0; i < XL_ARRAY_SIZE(commands); i++)
		(void)fprintf(f, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	(void)fputs("\n"
		    "For the options of a command, see `xldumpctl COMMAND --help' and xldumpctl(1).\n"
		    "Exit status: 0 success; 1 the file is broken or cannot be read; 2 wrong usage; for\n"
		    "others see xldumpctl(1).\n", f);
}

int main(int argc, char **argv)
{
	struct xl_ctx x = { 0 };
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
		/* Unfinished output is removed when we are told to stop: the library does it. */
		x.cancel = stop_catch();
		x.log = on_log;
		x.log_data = (void *)(uintptr_t)name;
		return stop_status(commands[i]->run(&x, argc - 1, argv + 1));
	}
	if (name[0])
		(void)fprintf(stderr,
			      "xldumpctl: unknown command `%s' (see xldumpctl --help)\n", name);
	else
		usage(stderr);
	return XLDUMP_CAUSE_USAGE;
}
