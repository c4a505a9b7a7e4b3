/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments of xl-livedump. */
#include "xl/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "common/report.h"
#include "common/values.h"
#include "xldump_schema.h"

static const char usage_text[] =
	"usage: xl livedump [OPTIONS] <domain> <file>\n"
	"       xl livedump --estimate [OPTIONS] <domain>\n"
	"       xl livedump --daemon [OPTIONS] <domain>\n"
	"Write a consistent dump of a running guest's memory to a file.\n"
	"\n"
	"  <domain>               name, id or uuid of `xl list'\n"
	"  <file>                 `-' is standard output, a pipe: the flattened form, for\n"
	"                         makedumpfile -R\n"
	"  -f, --format=FORMAT    elf (default): for crash 9, drgn, gdb, makedumpfile, mdb\n"
	"                         xencore: for crash 8 and mdb\n"
	"                         xencore-raw: of PV guests, as they are: page tables with\n"
	"                         frames of the host; for crash\n"
	"                         kdump (default for `-'): compressed, for crash, drgn,\n"
	"                         makedumpfile\n"
	"  -c, --compress=CODEC   of kdump: zlib (default), lzo, snappy, zstd or none; with a\n"
	"                         level, zlib:1 to zlib:9 or zstd:1 to zstd:19 (default 1)\n"
	"  -j, --threads=N        that compress; 0: one for each CPU (default: for half of\n"
	"                         them, at most 4)\n"
	"  -s, --strategy=HOW     auto (default), precopy, rescan, still or stop: see\n"
	"                         xl-livedump(1)\n"
	"  -d, --dump-level=N     leave out pages of a Linux guest, by their use: the sum of\n"
	"                         1 zeros, 2 and 4 page cache (with private data), 8 memory\n"
	"                         of processes, 16 free; as makedumpfile (default 0: none)\n"
	"  -p, --max-pause=TIME   fail rather than stop the guest longer, e.g. 50ms or 1.5s\n"
	"      --on-overrun=WHAT  what to do if that cannot be kept: fail (default),\n"
	"                         throttle (slow the guest) or extend (stop it longer)\n"
	"      --max-rounds=N     copying rounds before the pause (default 8)\n"
	"      --estimate         write nothing, and say what the dump would take: size,\n"
	"                         rounds and pause; the file need not be named\n"
	"      --symbols=FILE     System.map or vmlinux of the guest's kernel, where it does\n"
	"                         not say itself where its symbols are\n"
	"      --daemon           have xldumpd do it, into its folder: without a file; the name\n"
	"                         of the file is the result\n"
	"      --force            replace an existing file\n"
	"      --json             result, or error, as one JSON object on standard output\n"
	"  -q, --quiet            no progress, no result: errors and warnings only\n"
	"  -v, --verbose          say more on standard error\n"
	"  -h, --help             this text\n"
	"  -V, --version          version of xldump\n"
	"\n"
	"The file is created with mode 0600 and appears when it is complete.\n"
	"Exit status: 0 done; 2 usage; 3 no such domain; others in xl-livedump(1).\n";

enum {
	OPT_MAX_ROUNDS = 256,
	OPT_ON_OVERRUN,
	OPT_ESTIMATE,
	OPT_SYMBOLS,
	OPT_FORCE,
	OPT_JSON,
	OPT_DAEMON,
};

static const struct option long_options[] = {
	{ "format", required_argument, NULL, 'f' },
	{ "compress", required_argument, NULL, 'c' },
	{ "threads", required_argument, NULL, 'j' },
	{ "strategy", required_argument, NULL, 's' },
	{ "dump-level", required_argument, NULL, 'd' },
	{ "max-pause", required_argument, NULL, 'p' },
	{ "max-rounds", required_argument, NULL, OPT_MAX_ROUNDS },
	{ "on-overrun", required_argument, NULL, OPT_ON_OVERRUN },
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
	(void)fprintf(stderr, "xl livedump: %s (see xl livedump --help)\n", text);
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

/* What xldumpd would be asked for.  It judges once more, by its own options. */
static void note_for_daemon(int c, struct arguments *a)
{
	const char *node = NULL;

	switch (c) {
	case 'f': node = XD_NODE_FORMAT; break;
	case 'c': node = XD_NODE_COMPRESS; break;
	case 's': node = XD_NODE_STRATEGY; break;
	case 'd': node = XD_NODE_DUMP_LEVEL; break;
	case 'p': node = XD_NODE_MAX_PAUSE; break;
	case OPT_ON_OVERRUN: node = XD_NODE_ON_OVERRUN; break;
	case 'j': a->not_for_daemon = "--threads"; break;
	case OPT_MAX_ROUNDS: a->not_for_daemon = "--max-rounds"; break;
	case OPT_FORCE: a->not_for_daemon = "--force"; break;
	case OPT_SYMBOLS: a->not_for_daemon = "--symbols"; break;
	case OPT_ESTIMATE: a->not_for_daemon = "--estimate"; break;
	default: break;
	}
	for (size_t i = 0; node && i < a->nodes; i++) {
		if (!strcmp(a->node[i].node, node)) {
			a->node[i].value = optarg; /* the last one counts */
			return;
		}
	}
	if (node)
		a->node[a->nodes++] = (struct client_node){ node, optarg };
}

/* One option.  0, or a negative errno after it has been complained about. */
static int take_option(int c, struct arguments *a)
{
	int r;

	switch (c) {
	case 'f':
		a->format_given = true;
		if (xldump_format_parse(optarg, &a->o.format) == 0)
			return 0;
		return usage_error(a, "format `%s' is none of elf, xencore, xencore-raw, kdump", optarg);
	case 'c':
		r = xldump_codec_parse(optarg, &a->o.codec, &a->o.level);
		if (r == 0)
			return 0;
		if (r == -ERANGE)
			return usage_error(a, "`%s': levels are zlib:1 to zlib:9 and zstd:1 to zstd:19, and no other codec has one", optarg);
		return usage_error(a, "compression `%s' is none of zlib, lzo, snappy, zstd, none", optarg);
	case 'j':
		if (parse_threads(optarg, &a->o.threads) == 0)
			return 0;
		return usage_error(a, "`%s' is no number of threads from 0 to 256", optarg);
	case 's':
		if (xldump_strategy_parse(optarg, &a->o.strategy) == 0)
			return 0;
		return usage_error(a, "strategy `%s' is none of auto, precopy, rescan, still, stop", optarg);
	case 'd':
		if (xd_parse_number(optarg, 0, XLDUMP_LEVEL_MAX, &a->o.dump_level) == 0)
			return 0;
		return usage_error(a, "`%s' is no dump level from 0 to 31", optarg);
	case 'p':
		if (xd_parse_time(optarg, &a->o.max_pause_ns) == 0)
			return 0;
		return usage_error(a, "`%s' is no time of 1 ns to 1 h, like 50ms or 1.5s", optarg);
	case OPT_MAX_ROUNDS:
		if (xd_parse_number(optarg, 1, 56, &a->o.max_rounds) == 0)
			return 0;
		return usage_error(a, "`%s' is no number of rounds from 1 to 56", optarg);
	case OPT_ON_OVERRUN:
		a->o.extend_pause = strcmp(optarg, "extend") == 0;
		a->o.throttle = strcmp(optarg, "throttle") == 0;
		if (a->o.extend_pause || a->o.throttle || strcmp(optarg, "fail") == 0)
			return 0;
		return usage_error(a, "`%s' is none of fail, throttle, extend", optarg);
	case OPT_ESTIMATE:
		a->estimate = true;
		return 0;
	case OPT_SYMBOLS:
		a->o.symbols = optarg;
		return 0;
	case OPT_FORCE:
		a->o.overwrite = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_DAEMON:
		a->daemon = true;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case 'v':
		a->verbose = true;
		return 0;
	default:
		return usage_error(a, "that option is not known, or lacks its value");
	}
}

/* The dump takes standard output for itself.  Pages of an ELF file have their places before their
 * number is known, so it is kdump that suits a pipe. */
static void to_standard_output(struct arguments *a)
{
	if (!a->estimate)
		a->result = stderr;
	a->o.fd = STDOUT_FILENO;
	if (!a->format_given)
		a->o.format = XLDUMP_FORMAT_KDUMP;
}

int parse_arguments(int argc, char **argv, struct arguments *a)
{
	int c;

	a->o.sz = sizeof(a->o);
	while ((c = getopt_long(argc, argv, "f:c:j:s:d:p:qvhV", long_options, NULL)) != -1) {
		int r;

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
		note_for_daemon(c, a);
	}
	if (a->daemon && argc - optind != 1)
		return usage_error(a, "with --daemon a domain is needed, and no file");
	if (a->daemon && a->not_for_daemon)
		return usage_error(a, "%s does not go with --daemon", a->not_for_daemon);
	if (a->daemon) {
		a->domain = argv[optind];
		return 0;
	}
	if (argc - optind < (a->estimate ? 1 : 2))
		return usage_error(a, a->estimate ? "a domain is needed" :
						    "a domain and a file are needed");
	if (argc - optind > 2)
		return usage_error(a, "one domain and one file, not more");
	a->domain = argv[optind];
	a->file = argv[optind + 1];
	if (a->file && strcmp(a->file, "-") == 0)
		to_standard_output(a);
	if (a->o.codec > XLDUMP_CODEC_NONE && a->o.format != XLDUMP_FORMAT_KDUMP)
		return usage_error(a, "pages of the format %s cannot be compressed; add --format=kdump",
				   xldump_format_name(a->o.format));
	if (a->o.dump_level && a->o.format == XLDUMP_FORMAT_XENCORE_RAW)
		return usage_error(a, "pages cannot be left out of the format xencore-raw; without "
				   "--dump-level, or with another --format");
	return 0;
}
