/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl verify: whether a file is whole. */
#include <stdio.h>

#include "ctl/cmd.h"
#include "ctl/dumps.h"
#include "image/image_verify.h"

struct output {
	const char *path;
	bool quiet;
};

static void print(void *data, enum xl_verify_level level, const char *line)
{
	static const char *const mark[] = {
		[XL_VERIFY_BROKEN] = "BROKEN", [XL_VERIFY_NOTE] = "note", [XL_VERIFY_DONE] = "checked",
	};
	const struct output *out = data;

	if (!out->quiet || level == XL_VERIFY_BROKEN)
		(void)printf("%s: %s: %s\n", out->path, mark[level], line);
}

/* *ret_broken: how many rules do not hold, also those that keep the file from being opened. */
static int verify(struct xl_ctx *x, const char *path, bool quick, bool quiet, uint64_t *ret_broken)
{
	_cleanup_(xl_image_closep) struct xl_image *img = NULL;
	struct output out = { path, quiet };
	struct xl_verify v = { .x = x, .quick = quick, .fn = print, .data = &out };
	int r;

	r = xl_image_open(x, path, &img);
	if (r < 0)
		return r;
	v.img = img;
	r = xl_image_verify(&v);
	*ret_broken = v.broken;
	return r < 0 ? xl_err(x, r, "%s", path) : 0;
}

static int run(struct xl_ctx *x, int argc, char **argv)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'Q' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "spool", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	_cleanup_free_ char *path = NULL;
	const char *spool = NULL;
	bool quick = false, quiet = false;
	uint64_t broken = 0;
	int c;

	while ((c = cmd_getopt(&cmd_verify, argc, argv, "qh", options)) != -1) {
		quick = quick || c == 'Q';
		quiet = quiet || c == 'q';
		if (c == 's')
			spool = optarg;
	}
	if (argc - optind != 1)
		return cmd_usage_error(&cmd_verify, "one file is needed");
	if (dumps_path(x, &cmd_verify, spool, argv[optind], &path) < 0 ||
	    verify(x, path, quick, quiet, &broken) < 0)
		return cmd_fail(&cmd_verify, x);
	if (broken)
		(void)printf("%s: %" PRIu64 " rule%s broken\n", path, broken,
			     broken == 1 ? " is" : "s are");
	else if (!quiet)
		(void)printf("%s: nothing is broken\n", path);
	if (!cmd_flush(&cmd_verify))
		return XLDUMP_CAUSE_OUTPUT;
	return broken ? CMD_BROKEN : 0;
}

const struct cmd cmd_verify = {
	.name = "verify",
	.summary = "check that a dump is whole",
	.usage =
	"usage: xldumpctl verify [OPTIONS] FILE|MATCH\n"
	"Check that a dump keeps the rules of its format, that it matches its digests if it\n"
	"has them, and that its page tables point only into the dump.  Each damaged page is\n"
	"named.\n"
	"\n"
	DUMPS_USAGE_MATCH
	"      --quick        check the headers and tables, but not each page\n"
	"  -q, --quiet        print only what is broken\n"
	DUMPS_USAGE_SPOOL
	"  -h, --help         this text\n"
	"\n"
	"Exit status: 0 if nothing is broken; 1 if something is, or if the file cannot be\n"
	"read.\n",
	.run = run,
};
