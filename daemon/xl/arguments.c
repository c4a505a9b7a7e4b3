/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments of xl-livedump. */
#include "xl/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "common/report.h"
#include "common/values.h"
#include "xldump_schema.h"

static const char usage_text[] =
	"usage: " LIVEDUMP " [OPTIONS] <domain> <file>\n"
	"       " LIVEDUMP " --estimate [OPTIONS] <domain>\n"
	"       " LIVEDUMP " --daemon [OPTIONS] <domain>\n"
	"Write a consistent dump of a running guest's memory to a file.\n"
	"\n"
	"  <domain>               name, id or uuid of `xl list'\n"
	"  <file>                 a new file; `-' is standard output, in the flattened form\n"
	"                         that `makedumpfile -R' reads\n"
	XD_SETTINGS_USAGE
	"  -j, --threads=N        compress with 0 to 256 threads; 0 means one for each CPU\n"
	"                         (default: half the CPUs, at most 4)\n"
	"      --max-rounds=N     copying rounds before the pause (default 8)\n"
	"      --estimate         do not dump; print the expected size, rounds and pause\n"
	"      --symbols=FILE     System.map or vmlinux of the guest's kernel; needed only if\n"
	"                         the guest's memory does not tell where its symbols are\n"
	"      --daemon           ask xldumpd to dump into its directory, and print the name\n"
	"                         of the file\n"
	"      --force            replace an existing file\n"
	"      --json             print the result or the error as one JSON object\n"
	"  -q, --quiet            print only errors and warnings\n"
	"  -v, --verbose          print more on standard error\n"
	"  -h, --help             this text\n"
	"  -V, --version          version of xldump\n"
	"\n"
	"Defaults: elf, or kdump with -c, -d or `-'; zlib for kdump; strategy auto; all pages;\n"
	"no limit for the pause.\n"
	"The file is created with mode 0600 and appears when it is complete.\n"
	"Exit status: 0 success; 2 wrong usage; 3 no such domain; for others see\n"
	"xl-livedump(1).\n";

enum {
	OPT_MAX_ROUNDS = 256,
	OPT_ESTIMATE,
	OPT_SYMBOLS,
	OPT_FORCE,
	OPT_JSON,
	OPT_DAEMON,
};

/* Besides the settings of a dump, xd_settings_options(). */
static const struct option own_options[] = {
	{ "threads", required_argument, NULL, 'j' },
	{ "max-rounds", required_argument, NULL, OPT_MAX_ROUNDS },
	{ "estimate", no_argument, NULL, OPT_ESTIMATE },
	{ "symbols", required_argument, NULL, OPT_SYMBOLS },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "daemon", no_argument, NULL, OPT_DAEMON },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

_printf_(2, 3) static int usage_error(const struct arguments *a, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (a->json)
		report_error_json(a->result, text, XLDUMP_CAUSE_USAGE);
	(void)fprintf(stderr, LIVEDUMP ": %s (see " LIVEDUMP " --help)\n", text);
	return -EINVAL;
}

static int parse_threads(const char *text, unsigned *ret)
{
	if (xd_parse_number(text, 0, 256, ret) < 0)
		return -EINVAL;
	if (*ret == 0)
		*ret = XLDUMP_THREADS_ALL;
	return 0;
}

/* xldumpd would be asked for the same, and judges once more. */
static int take_setting(int c, struct arguments *a)
{
	const char *name = xd_settings_option(c), *why;

	if (xd_settings_set_option(&a->set, c, optarg, &why) < 0)
		return usage_error(a, "--%s %s, not `%s'", name, why, optarg);
	client_nodes_set(&a->nodes, name, optarg);
	return 0;
}

/* Those that xldumpd does not have. */
static int take_own(int c, struct arguments *a)
{
	switch (c) {
	case 'j':
		if (parse_threads(optarg, &a->o.threads) < 0)
			return usage_error(a,
					   "--threads must be a number from 0 to 256, not `%s'",
					   optarg);
		break;
	case OPT_MAX_ROUNDS:
		if (xd_parse_number(optarg, 1, 56, &a->o.max_rounds) < 0)
			return usage_error(a,
					   "--max-rounds must be a number from 1 to 56, not `%s'",
					   optarg);
		break;
	case OPT_ESTIMATE: a->estimate = true; break;
	case OPT_SYMBOLS: a->o.symbols = optarg; break;
	case OPT_FORCE: a->o.overwrite = true; break;
	default: return usage_error(a, "unknown option, or its value is missing");
	}
	for (const struct option *o = own_options; o->name; o++)
		if (o->val == c)
			a->not_for_daemon = o->name;
	return 0;
}

/* One option.  0, or a negative errno after it has been complained about. */
static int take_option(int c, struct arguments *a)
{
	if (xd_settings_option(c))
		return take_setting(c, a);
	switch (c) {
	case OPT_JSON: a->json = true; return 0;
	case OPT_DAEMON: a->daemon = true; return 0;
	case 'q': a->quiet = true; return 0;
	case 'v': a->verbose = true; return 0;
	default: return take_own(c, a);
	}
}

/* The dump takes standard output for itself.  Pages of an ELF file have their places before their
 * number is known, so it is kdump that suits a pipe. */
static void to_standard_output(struct arguments *a)
{
	if (!a->estimate)
		a->result = stderr;
	a->o.fd = STDOUT_FILENO;
	if (!a->set.format_set)
		a->set.format = XLDUMP_FORMAT_KDUMP;
}

/* What is left after the options: a domain, and where its dump is to go. */
static int take_names(int n, char **name, struct arguments *a)
{
	if (a->daemon && n != 1)
		return usage_error(a, "--daemon needs a domain and no file");
	if (a->daemon && a->not_for_daemon)
		return usage_error(a, "--%s cannot be used with --daemon", a->not_for_daemon);
	if (n < (a->estimate || a->daemon ? 1 : 2))
		return usage_error(a, a->estimate ? "a domain is needed" :
						    "a domain and a file are needed");
	if (n > 2)
		return usage_error(a, "too many arguments: a domain and a file are needed");
	(void)xl_unescape(name[0]); /* as list and status of xldumpctl show it */
	a->domain = name[0];
	a->file = n == 2 ? name[1] : NULL;
	if (a->file && strcmp(a->file, "-") == 0)
		to_standard_output(a);
	return 0;
}

int parse_arguments(int argc, char **argv, struct arguments *a)
{
	struct option options[XD_SETTINGS_OPTIONS + XL_ARRAY_SIZE(own_options)];
	const char *conflict;
	int c, r;

	a->o.sz = sizeof(a->o);
	a->set = (struct xd_settings)XD_SETTINGS_DEFAULT;
	xd_settings_options(options);
	memcpy(options + XD_SETTINGS_OPTIONS, own_options, sizeof(own_options));
	while ((c = getopt_long(argc, argv, XD_SETTINGS_LETTERS "j:qvhV", options, NULL)) != -1) {
		if (c == 'h' || c == 'V') {
			if (c == 'h')
				(void)fputs(usage_text, stdout);
			else
				(void)printf("xldump %s\n", xldump_version());
			return 1;
		}
		r = take_option(c, a);
		if (r < 0)
			return r;
	}
	r = take_names(argc - optind, argv + optind, a);
	conflict = r < 0 || a->daemon ? NULL : xd_settings_conflict(&a->set);
	if (conflict)
		return usage_error(a, "%s", conflict);
	xd_settings_apply(&a->set, &a->o);
	return r;
}
