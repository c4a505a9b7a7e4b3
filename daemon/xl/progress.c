/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Progress on standard error. */
#include "xl/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 30
#define BAR_EVERY_NS 100000000ULL   /* smooth to the eye, nothing to a serial console */
#define LINE_EVERY_NS 5000000000ULL /* in a log, a sign of life is enough */

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void progress_init(struct progress *p, bool quiet)
{
	*p = (struct progress){
		.quiet = quiet, .terminal = isatty(STDERR_FILENO), .last_phase = -1
	};
}

void progress_clear(struct progress *p)
{
	if (!p->bar_shown)
		return;
	(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
	p->bar_shown = false;
}

static void describe(const struct xldump_progress *now, char *ret, size_t size)
{
	switch (now->phase) {
	case XLDUMP_PHASE_PREPARE:
		(void)snprintf(ret, size, "reading the memory layout");
		break;
	case XLDUMP_PHASE_COPY:
		(void)snprintf(ret, size, "copying all pages%s",
			       now->guest_stopped ? ", guest stopped" : "");
		break;
	case XLDUMP_PHASE_ROUND:
		(void)snprintf(ret, size, "round %u, dirtied pages", now->round);
		break;
	case XLDUMP_PHASE_FINISH:
		(void)snprintf(ret, size, now->guest_stopped ? "guest stopped, reading it once more" :
							       "guest runs, writing the rest");
		break;
	case XLDUMP_PHASE_SYNC:
		(void)snprintf(ret, size, "waiting for the disk");
		break;
	}
}

static void draw_bar(struct progress *p, const struct xldump_progress *now, const char *what)
{
	char bar[BAR_WIDTH + 1];
	uint64_t total = now->pages_total ? now->pages_total : 1;
	size_t full = (size_t)(now->pages_done * BAR_WIDTH / total);

	if (full > BAR_WIDTH)
		full = BAR_WIDTH;
	memset(bar, '#', full);
	memset(bar + full, '.', BAR_WIDTH - full);
	bar[BAR_WIDTH] = '\0';
	if (now->pages_total)
		(void)fprintf(stderr, "\r\033[K[%s] %3" PRIu64 "%%  %s", bar,
			      now->pages_done * 100 / total, what);
	else
		(void)fprintf(stderr, "\r\033[K%s", what);
	(void)fflush(stderr);
	p->bar_shown = true;
}

static void print_line(const struct xldump_progress *now, const char *what)
{
	if (now->pages_total)
		(void)fprintf(stderr, "%s: %" PRIu64 " of %" PRIu64 "\n", what, now->pages_done,
			      now->pages_total);
	else
		(void)fprintf(stderr, "%s\n", what);
}

void progress_update(void *data, const struct xldump_progress *now)
{
	struct progress *p = data;
	uint64_t t = now_ns();
	bool new_phase = (int)now->phase != p->last_phase || now->round != p->last_round;
	char what[64];

	if (p->quiet)
		return;
	if (!new_phase && t - p->last_ns < (p->terminal ? BAR_EVERY_NS : LINE_EVERY_NS))
		return;
	p->last_phase = (int)now->phase;
	p->last_round = now->round;
	p->last_ns = t;
	describe(now, what, sizeof(what));
	if (p->terminal)
		draw_bar(p, now, what);
	else
		print_line(now, what);
}
