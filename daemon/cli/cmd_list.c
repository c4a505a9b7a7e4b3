/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl list and rm: the dumps that xldumpd has made. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "dumps.h"
#include "json.h"
#include "spool.h"
#include "text.h"
#include "values.h"

enum { OPT_JSON = 256, OPT_NO_LEGEND, OPT_SPOOL };

static const struct option list_options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "no-legend", no_argument, NULL, OPT_NO_LEGEND },
	{ "reverse", no_argument, NULL, 'r' },
	{ "spool", required_argument, NULL, OPT_SPOOL },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const struct option rm_options[] = {
	{ "spool", required_argument, NULL, OPT_SPOOL },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void print_row(const struct xd_dump *d, const struct dump_row *row)
{
	char when[32] = "-", size[32], name[NAME_MAX + 1];
	struct tm tm;

	if (localtime_r(&d->time, &tm))
		(void)strftime(when, sizeof(when), "%F %T", &tm);
	(void)printf("%-19s  %-16s  %-7s  %-24s  %10s  %s\n", when, row->guest, row->trigger, row->kernel,
		     text_size(d->disk_bytes, size, sizeof(size)),
		     xd_printable(d->name, name, sizeof(name)));
}

static struct json_object *row_json(const struct xd_dump *d)
{
	struct json_object *o = json_object_new_object();
	char name[NAME_MAX + 1];

	xd_json_put_text(o, "file", xd_printable(d->name, name, sizeof(name)));
	xd_json_put_u64(o, "file_bytes", d->bytes);
	xd_json_put_u64(o, "disk_bytes", d->disk_bytes);
	xd_json_put_u64(o, "time", (uint64_t)d->time);
	xd_json_put(o, "about", json_object_get(d->about));
	return o;
}

static void print_dumps(const struct xd_dump *dump, size_t n, bool reverse, bool legend)
{
	if (legend && n)
		(void)printf("%-19s  %-16s  %-7s  %-24s  %10s  %s\n", "TIME", "GUEST", "TRIGGER", "KERNEL",
			     "SIZE", "FILE");
	for (size_t i = 0; i < n; i++) {
		const struct xd_dump *d = &dump[reverse ? n - 1 - i : i];
		struct dump_row row;

		dumps_describe(d, &row);
		print_row(d, &row);
	}
}

static void print_json(const struct xd_dump *dump, size_t n, bool reverse)
{
	_cleanup_json_ struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		(void)json_object_array_add(all, row_json(&dump[reverse ? n - 1 - i : i]));
	(void)printf("%s\n", xd_json_line(all));
}

static int run_list(struct xl_ctx *x, int argc, char **argv)
{
	const char *spool = XD_SPOOL_DIR;
	bool json = false, legend = true, reverse = false;
	struct dumps_wanted wanted = { 0 };
	struct xd_dump *dump;
	size_t n;
	int c;

	while ((c = cmd_getopt(&cmd_list, argc, argv, "rh", list_options)) != -1) {
		json |= c == OPT_JSON;
		legend &= c != OPT_NO_LEGEND;
		reverse |= c == 'r';
		if (c == OPT_SPOOL)
			spool = optarg;
	}
	wanted.match = argv + optind;
	wanted.matches = argc - optind;
	if (dumps_find(x, spool, &wanted, &dump, &n) < 0)
		return cmd_fail(&cmd_list, x);
	if (json)
		print_json(dump, n, reverse);
	else
		print_dumps(dump, n, reverse, legend);
	xd_dumps_free(dump, n);
	return cmd_flush(&cmd_list) ? 0 : CMD_BROKEN;
}

static int run_rm(struct xl_ctx *x, int argc, char **argv)
{
	_cleanup_close_ int dirfd = -1;
	const char *spool = XD_SPOOL_DIR;
	int c, status = 0;

	while ((c = cmd_getopt(&cmd_rm, argc, argv, "h", rm_options)) != -1)
		if (c == OPT_SPOOL)
			spool = optarg;
	if (optind == argc)
		return cmd_usage_error(&cmd_rm, "a dump of `xldumpctl list' is needed");
	if (xd_spool_look(x, spool, &dirfd) < 0)
		return cmd_fail(&cmd_rm, x);
	for (; optind < argc; optind++) {
		int r = xd_spool_remove(dirfd, argv[optind]);

		if (r == -ENOENT)
			(void)xl_fail(x, XLDUMP_CAUSE_USAGE, r,
				      "%s has no dump `%s': see xldumpctl list", spool, argv[optind]);
		else if (r < 0)
			(void)xl_err(x, r, "remove %s/%s", spool, argv[optind]);
		if (r < 0) {
			status = cmd_fail(&cmd_rm, x);
			xl_err_clear(x);
		}
	}
	return status;
}

const struct cmd cmd_list = {
	.name = "list",
	.summary = "the dumps that xldumpd has made",
	.usage = "usage: xldumpctl list [OPTIONS] [MATCH...]\n"
		 "List the dumps that xldumpd has made, oldest first.\n"
		 "\n"
		 "  MATCH              name of a guest or of a file, both also as a pattern; a uuid;\n"
		 "                     request, timer, crash or panic\n"
		 "  -r, --reverse      newest first\n"
		 "      --no-legend    without the line of titles\n"
		 "      --json         a JSON array, with all that is known of each\n"
		 "      --spool=DIR    instead of " XD_SPOOL_DIR "\n",
	.run = run_list,
};

const struct cmd cmd_rm = {
	.name = "rm",
	.summary = "delete dumps that xldumpd has made",
	.usage = "usage: xldumpctl rm [--spool=DIR] FILE...\n"
		 "Delete dumps, by the names of files that `xldumpctl list' shows.\n",
	.run = run_rm,
};
