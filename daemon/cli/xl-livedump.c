/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xl-livedump: dump the memory of a running guest into a file. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "guard.h"
#include "progress.h"
#include "report.h"
#include "xldump.h"

struct arguments {
	const char *domain, *file;
	struct xldump_options o;
	bool json, quiet, verbose;
};

/* What the log callback needs. */
struct output {
	struct progress progress;
	bool verbose;
};

static volatile int cancelled; /* set by the signal handler, read by the library */

static void on_signal(int sig)
{
	(void)sig;
	cancelled = 1;
}

static const char usage_text[] =
	"usage: xl livedump [OPTIONS] <domain> <file>\n"
	"Write a consistent dump of a running guest's memory to a file.\n"
	"\n"
	"  <domain>               name, id or uuid of `xl list'\n"
	"  -f, --format=FORMAT    elf (default): for crash 9, drgn, gdb, makedumpfile, mdb\n"
	"                         xencore: for crash 8 and mdb\n"
	"  -s, --strategy=HOW     auto (default), precopy, rescan, still or stop: see\n"
	"                         xl-livedump(1)\n"
	"  -p, --max-pause=TIME   fail rather than stop the guest longer, e.g. 50ms or 1.5s\n"
	"      --on-overrun=WHAT  what to do if that cannot be kept: fail (default),\n"
	"                         throttle (slow the guest) or extend (stop it longer)\n"
	"      --max-rounds=N     copying rounds before the pause (default 8)\n"
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
	OPT_FORCE,
	OPT_JSON,
};

static const struct option long_options[] = {
	{ "format", required_argument, NULL, 'f' },
	{ "strategy", required_argument, NULL, 's' },
	{ "max-pause", required_argument, NULL, 'p' },
	{ "max-rounds", required_argument, NULL, OPT_MAX_ROUNDS },
	{ "on-overrun", required_argument, NULL, OPT_ON_OVERRUN },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "json", no_argument, NULL, OPT_JSON },
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
		report_error_json(text, XLDUMP_CAUSE_USAGE);
	(void)fprintf(stderr, "xl livedump: %s (see xl livedump --help)\n", text);
	return -EINVAL;
}

/* "50ms", "1.5s", "800us"; a bare number is milliseconds. */
static int parse_time(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "", 1e6 }, { "ms", 1e6 }, { "s", 1e9 }, { "us", 1e3 } };
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	if (errno || end == text || !isfinite(v) || v <= 0)
		return -EINVAL;
	for (size_t i = 0; i < XL_ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		v *= units[i].ns;
		if (v < 1 || v > 3600e9)
			return -ERANGE;
		*ret_ns = (uint64_t)v;
		return 0;
	}
	return -EINVAL;
}

static int parse_count(const char *text, unsigned *ret)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || v == 0 || v > 56)
		return -EINVAL;
	*ret = (unsigned)v;
	return 0;
}

/* One option.  0, or a negative errno after it has been complained about. */
static int take_option(int c, struct arguments *a)
{
	switch (c) {
	case 'f':
		if (xldump_format_parse(optarg, &a->o.format) == 0)
			return 0;
		return usage_error(a, "format `%s' is neither elf nor xencore", optarg);
	case 's':
		if (xldump_strategy_parse(optarg, &a->o.strategy) == 0)
			return 0;
		return usage_error(a, "strategy `%s' is none of auto, precopy, rescan, still, stop", optarg);
	case 'p':
		if (parse_time(optarg, &a->o.max_pause_ns) == 0)
			return 0;
		return usage_error(a, "`%s' is no time of 1 ns to 1 h, like 50ms or 1.5s", optarg);
	case OPT_MAX_ROUNDS:
		if (parse_count(optarg, &a->o.max_rounds) == 0)
			return 0;
		return usage_error(a, "`%s' is no number of rounds from 1 to 56", optarg);
	case OPT_ON_OVERRUN:
		a->o.extend_pause = strcmp(optarg, "extend") == 0;
		a->o.throttle = strcmp(optarg, "throttle") == 0;
		if (a->o.extend_pause || a->o.throttle || strcmp(optarg, "fail") == 0)
			return 0;
		return usage_error(a, "`%s' is none of fail, throttle, extend", optarg);
	case OPT_FORCE:
		a->o.overwrite = true;
		return 0;
	case OPT_JSON:
		a->json = true;
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

/* 0: go on.  1: all done (--help).  Negative: complained. */
static int parse_arguments(int argc, char **argv, struct arguments *a)
{
	int c;

	a->o.sz = sizeof(a->o);
	while ((c = getopt_long(argc, argv, "f:s:p:qvhV", long_options, NULL)) != -1) {
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
	}
	if (argc - optind < 2)
		return usage_error(a, "a domain and a file are needed");
	if (argc - optind > 2)
		return usage_error(a, "one domain and one file, not more");
	a->domain = argv[optind];
	a->file = argv[optind + 1];
	return 0;
}

static void on_log(void *data, enum xldump_log_level level, const char *line)
{
	struct output *out = data;

	if (level != XLDUMP_LOG_WARNING && !out->verbose)
		return;
	progress_clear(&out->progress);
	(void)fprintf(stderr, "xl livedump: %s%s\n", level == XLDUMP_LOG_WARNING ? "warning: " : "",
		      line);
}

/* Let the guest go and leave no file behind when we are told to stop: the library does it, we only
 * tell it.  A second signal has no other effect: stopping takes a moment, and is under way. */
static void catch_signals(void)
{
	static const int sig[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction a = { .sa_handler = on_signal };

	(void)sigemptyset(&a.sa_mask);
	for (size_t i = 0; i < XL_ARRAY_SIZE(sig); i++)
		(void)sigaction(sig[i], &a, NULL);
	a.sa_handler = SIG_IGN; /* a reader of our output who leaves is no reason to stop */
	(void)sigaction(SIGPIPE, &a, NULL);
	(void)sigaction(SIGXFSZ, &a, NULL); /* a limit on file sizes is an error like a full disk */
}

static int fail(struct xldump *xl, const struct arguments *a)
{
	const char *text = xl ? xldump_error(xl) : strerror(ENOMEM);
	enum xldump_cause cause = xl ? xldump_error_cause(xl) : XLDUMP_CAUSE_OTHER;

	if (a->json)
		report_error_json(text, cause);
	(void)fprintf(stderr, "xl livedump: %s\n", text);
	xldump_close(xl);
	return cause == XLDUMP_CAUSE_NONE ? XLDUMP_CAUSE_OTHER : (int)cause;
}

static int dump(void *data)
{
	struct arguments *a = data;
	struct output out = { .verbose = a->verbose };
	struct xldump_domain domain = { .sz = sizeof(domain) };
	struct xldump_result result = { .sz = sizeof(result) };
	struct xldump *xl;
	int r;

	progress_init(&out.progress, a->quiet || a->json);
	a->o.progress = progress_update;
	a->o.progress_data = &out.progress;
	a->o.cancel = &cancelled;
	catch_signals();
	guard_ready();
	r = xldump_open(&xl, on_log, &out);
	if (r == 0)
		r = xldump_domain_find(xl, a->domain, &domain);
	if (r == 0)
		r = xldump_dump(xl, &domain, a->file, &a->o, &result);
	progress_clear(&out.progress);
	if (r < 0)
		return fail(xl, a);
	xldump_close(xl);
	if (a->json)
		report_json(&result, a->file, a->o.format);
	else if (!a->quiet)
		report_text(&result);
	return fflush(stdout) == 0 ? 0 : XLDUMP_CAUSE_OTHER;
}

/* The process that dumped has been killed: do what it can no longer do.  Opening does it; what
 * was undone is told by on_log(). */
static int dump_died(void *data, int sig)
{
	const struct arguments *a = data;
	struct output out = { .verbose = a->verbose };
	struct xldump *xl;
	char text[512];
	int r;

	if (isatty(STDERR_FILENO))
		(void)fputs("\r\033[K", stderr); /* its progress bar */
	r = xldump_open(&xl, on_log, &out);
	if (r == 0)
		r = xldump_recover(xl, NULL); /* whether all is well now */
	if (r < 0)
		(void)snprintf(text, sizeof(text),
			       "the dump was killed by signal %d (%s), and it cannot be seen to it "
			       "that the guest runs (%.300s): look at `xl list'",
			       sig, strsignal(sig), xl ? xldump_error(xl) : strerror(ENOMEM));
	else
		(void)snprintf(text, sizeof(text),
			       "the dump was killed by signal %d (%s); the guest is as it was, and "
			       "no unfinished file is left",
			       sig, strsignal(sig));
	xldump_close(xl);
	if (a->json)
		report_error_json(text, XLDUMP_CAUSE_DIED);
	(void)fprintf(stderr, "xl livedump: %s\n", text);
	return XLDUMP_CAUSE_DIED;
}

int main(int argc, char **argv)
{
	struct arguments a = { 0 };
	char text[256];
	int r = parse_arguments(argc, argv, &a);

	if (r != 0)
		return r < 0 ? XLDUMP_CAUSE_USAGE : 0;
	r = guard_run(dump, dump_died, &a);
	if (r >= 0)
		return r;
	(void)snprintf(text, sizeof(text), "cannot start the process that dumps: %s",
		       strerror(errno));
	if (a.json)
		report_error_json(text, XLDUMP_CAUSE_OTHER);
	(void)fprintf(stderr, "xl livedump: %s\n", text);
	return XLDUMP_CAUSE_OTHER;
}
