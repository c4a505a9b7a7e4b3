/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl list and rm: the dumps that xldumpd has made. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/cmd.h"
#include "ctl/dumps.h"
#include "base/json.h"
#include "base/text.h"
#include "common/spool.h"
#include "common/text.h"
#include "common/values.h"
#include "ctl/when.h"

enum { OPT_JSON = 256, OPT_NO_LEGEND, OPT_SPOOL };

static const struct option list_options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "no-legend", no_argument, NULL, OPT_NO_LEGEND },
	{ "reverse", no_argument, NULL, 'r' },
	{ "since", required_argument, NULL, 'S' },
	{ "until", required_argument, NULL, 'U' },
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
	char when[32] = "-", size[32], name[XL_ESCAPED_MAX(NAME_MAX)];
	struct tm tm;

	if (localtime_r(&d->time, &tm))
		(void)strftime(when, sizeof(when), "%F %T", &tm);
	(void)printf("%-19s  %-16s  %-7s  %-24s  %10s  %s\n", when, row->guest, row->trigger, row->kernel,
		     text_size(d->disk_bytes, size, sizeof(size)),
		     xl_printable(d->name, strlen(d->name), name, sizeof(name)));
}

static struct json_object *row_json(const struct xd_dump *d)
{
	struct json_object *o = json_object_new_object();
	char name[XL_ESCAPED_MAX(NAME_MAX)];

	xl_json_put_text(o, "file", xl_escape(d->name, strlen(d->name), name, sizeof(name)));
	xl_json_put_u64(o, "file_bytes", d->bytes);
	xl_json_put_u64(o, "disk_bytes", d->disk_bytes);
	xl_json_put_u64(o, "time", (uint64_t)d->time);
	xl_json_put(o, "about", json_object_get(d->about));
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
	(void)printf("%s\n", xl_json_line(all));
}

struct list_arguments {
	const char *spool;
	bool json, no_legend, reverse;
	time_t now, since, until;
	struct dumps_wanted wanted;
};

/* One option.  0, or the exit status after it has been complained about. */
static int take_option(int c, struct list_arguments *a)
{
	time_t *when = c == 'S' ? &a->since : &a->until;
	unsigned n;

	switch (c) {
	case OPT_JSON: a->json = true; break;
	case OPT_NO_LEGEND: a->no_legend = true; break;
	case OPT_SPOOL: a->spool = optarg; break;
	case 'r': a->reverse = true; break;
	case '1': a->wanted.newest = 1; break;
	case 'n':
		if (xd_parse_number(optarg, 1, UINT_MAX, &n) < 0)
			return cmd_usage_error(&cmd_list,
					       "invalid number of dumps `%s': it must be 1 or more",
					       optarg);
		a->wanted.newest = n;
		break;
	case 'S':
	case 'U':
		if (when_parse(optarg, a->now, when) < 0)
			return cmd_usage_error(&cmd_list, "invalid time `%s': " WHEN_FORMS, optarg);
		*(c == 'S' ? &a->wanted.since : &a->wanted.until) = when;
		break;
	default: break;
	}
	return 0;
}

static int run_list(struct xl_ctx *x, int argc, char **argv)
{
	struct list_arguments a = { .now = time(NULL) };
	struct xd_dump *dump;
	size_t n;
	int c, status;

	while ((c = cmd_getopt(&cmd_list, argc, argv, "1hn:rS:U:", list_options)) != -1) {
		status = take_option(c, &a);
		if (status)
			return status;
	}
	if (a.wanted.since && a.wanted.until && a.since > a.until)
		return cmd_usage_error(&cmd_list, "--since is later than --until");
	a.wanted.match = argv + optind;
	a.wanted.matches = argc - optind;
	if (dumps_find(x, a.spool, &a.wanted, &dump, &n) < 0)
		return cmd_fail(&cmd_list, x);
	if (a.json)
		print_json(dump, n, a.reverse);
	else
		print_dumps(dump, n, a.reverse, !a.no_legend);
	xd_dumps_free(dump, n);
	return cmd_flush(&cmd_list) ? 0 : CMD_BROKEN;
}

static int run_rm(struct xl_ctx *x, int argc, char **argv)
{
	_cleanup_close_ int dirfd = -1;
	const char *spool = NULL;
	char buf[XD_PATH_MAX];
	int c, status = 0;

	while ((c = cmd_getopt(&cmd_rm, argc, argv, "h", rm_options)) != -1)
		if (c == OPT_SPOOL)
			spool = optarg;
	if (optind == argc)
		return cmd_usage_error(&cmd_rm,
				       "the name of a dump is needed; `xldumpctl list' shows them");
	spool = dumps_spool(spool, buf, sizeof(buf));
	if (xd_spool_look(x, spool, &dirfd) < 0)
		return cmd_fail(&cmd_rm, x);
	for (; optind < argc; optind++) {
		int r = xd_spool_remove(dirfd, argv[optind]);

		if (r == -ENOENT)
			(void)xl_fail(x, XLDUMP_CAUSE_USAGE, r,
				      "%s has no dump `%s'; `xldumpctl list' shows all dumps",
				      spool, argv[optind]);
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
	.summary = "list the dumps that xldumpd has made",
	.usage = "usage: xldumpctl list [OPTIONS] [MATCH...]\n"
		 "List the dumps that xldumpd has made, oldest first.\n"
		 "\n"
		 "  MATCH              the name of a guest or a file, or a shell pattern for either;\n"
		 "                     a uuid; or request, timer, crash or panic\n"
		 "  -S, --since=TIME   only dumps since then: YYYY-MM-DD, \"YYYY-MM-DD HH:MM[:SS]\", HH:MM,\n"
		 "                     YYYY-MM-DDTHH:MM:SSZ, today, yesterday, now, @SECONDS\n"
		 "                     since 1970, or -N and s, min, h, d or w, like -2h;\n"
		 "                     local time; a date means 00:00 of that day\n"
		 "  -U, --until=TIME   only dumps until then\n"
		 "  -n N               only the newest N\n"
		 "  -1                 only the newest\n"
		 "  -r, --reverse      newest first\n"
		 "      --no-legend    do not print the column titles\n"
		 "      --json         print a JSON array with all that is known of each dump\n"
		 "      --spool=DIR    list this directory, not that of xldumpd.conf\n"
		 "  -h, --help         this text\n",
	.run = run_list,
};

const struct cmd cmd_rm = {
	.name = "rm",
	.summary = "delete dumps that xldumpd has made",
	.usage = "usage: xldumpctl rm [--spool=DIR] FILE...\n"
		 "Delete dumps, by the names of files that `xldumpctl list' shows.\n",
	.run = run_rm,
};
