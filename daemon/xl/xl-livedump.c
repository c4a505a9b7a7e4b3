/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xl-livedump: dump the memory of a running guest into a file. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

#include "xl/arguments.h"
#include "base/cleanup.h"
#include "xl/guard.h"
#include "xl/livedump_daemon.h"
#include "xl/progress.h"
#include "common/report.h"
#include "common/stop.h"
#include "xldump.h"

/* What the log callback needs. */
struct output {
	struct progress progress;
	bool verbose;
};

static void on_log(void *data, enum xldump_log_level level, const char *line)
{
	struct output *out = data;

	if (level != XLDUMP_LOG_WARNING && !out->verbose)
		return;
	progress_clear(&out->progress);
	(void)fprintf(stderr, LIVEDUMP ": %s%s\n", level == XLDUMP_LOG_WARNING ? "warning: " : "",
		      line);
}

/* Let the guest go and leave no file behind when we are told to stop: the library does it, we only
 * tell it.  A second signal has no other effect: stopping takes a moment, and is under way. */
static const volatile int *catch_signals(void)
{
	(void)signal(SIGPIPE, SIG_IGN); /* a reader of our output who leaves is no reason to stop */
	return stop_catch();
}

static int fail(struct xldump *xl, const struct arguments *a)
{
	const char *text = xl ? xldump_error(xl) : strerror(ENOMEM);
	enum xldump_cause cause = xl ? xldump_error_cause(xl) : XLDUMP_CAUSE_OTHER;

	if (a->json)
		report_error_json(a->result, text, cause);
	(void)fprintf(stderr, LIVEDUMP ": %s\n", text);
	xldump_close(xl);
	return cause == XLDUMP_CAUSE_NONE ? XLDUMP_CAUSE_OTHER : (int)cause;
}

/* Errors are told by the caller. */
static int estimate(struct xldump *xl, const struct xldump_domain *domain,
		    const struct arguments *a)
{
	struct xldump_estimate e = { .sz = sizeof(e) };
	int r = xldump_estimate(xl, domain, &a->o, &e);

	if (r == 0 && a->json)
		report_estimate_json(a->result, &e, &a->o);
	else if (r == 0)
		report_estimate_text(a->result, &e, &a->o);
	return r;
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
	a->o.cancel = catch_signals();
	guard_ready();
	r = xldump_open(&xl, on_log, &out);
	if (r == 0)
		r = xldump_domain_find(xl, a->domain, &domain);
	if (r == 0 && a->estimate)
		r = estimate(xl, &domain, a);
	else if (r == 0)
		r = xldump_dump(xl, &domain, a->result == stderr ? NULL : a->file, &a->o, &result);
	progress_clear(&out.progress);
	if (r < 0)
		return fail(xl, a);
	xldump_close(xl);
	if (a->json && !a->estimate)
		report_json(a->result, &result, a->file, a->o.format);
	else if (!a->quiet && !a->estimate)
		report_text(a->result, &result);
	if (report_flush(a->result, LIVEDUMP))
		return 0;
	if (!a->estimate)
		(void)fprintf(stderr, LIVEDUMP ": the dump itself is complete: %s\n", a->file);
	return XLDUMP_CAUSE_OTHER;
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
			       "the dump was killed by signal %d (%s), and the guest could not be "
			       "restored (%.300s); check it with `xl list'",
			       sig, strsignal(sig), xl ? xldump_error(xl) : strerror(ENOMEM));
	else
		(void)snprintf(text, sizeof(text),
			       "the dump was killed by signal %d (%s); the guest is in its "
			       "previous state, and no unfinished file is left",
			       sig, strsignal(sig));
	xldump_close(xl);
	if (a->json)
		report_error_json(a->result, text, XLDUMP_CAUSE_DIED);
	(void)fprintf(stderr, LIVEDUMP ": %s\n", text);
	return XLDUMP_CAUSE_DIED;
}

/* What is opened next would be taken for a stream that is closed, and written to: the dump, or the
 * hypervisor. */
static bool streams_are_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (fd == STDOUT_FILENO) {
			(void)fputs(LIVEDUMP ": standard output is closed: use >/dev/null\n", stderr);
			return false;
		}
		if (open("/dev/null", O_RDWR) != fd)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct arguments a = { .result = stdout };
	char text[256];
	int r, sig;

	if (!streams_are_open())
		return XLDUMP_CAUSE_OTHER;
	(void)setlocale(LC_CTYPE, ""); /* what letters a terminal can show */
	r = parse_arguments(argc, argv, &a);
	if (r != 0)
		return r < 0 ? XLDUMP_CAUSE_USAGE : 0;
	if (a.daemon)
		return stop_status(livedump_by_daemon(&a, catch_signals()));
	r = guard_run(dump, dump_died, &a, &sig);
	if (r >= 0)
		return stop_status_by(r, sig);
	(void)snprintf(text, sizeof(text), "cannot start the process that dumps: %s",
		       strerror(errno));
	if (a.json)
		report_error_json(a.result, text, XLDUMP_CAUSE_OTHER);
	(void)fprintf(stderr, LIVEDUMP ": %s\n", text);
	return XLDUMP_CAUSE_OTHER;
}
