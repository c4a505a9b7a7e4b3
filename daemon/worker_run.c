/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's side of a worker: one process for each dump.
 *
 * It is the daemon's own program, run with --worker: a new program has no memory, no threads and no
 * descriptors of ours.  It gets the job as one line of JSON on standard input and says how it goes on
 * standard output, a line of JSON each; the last one is the result.  What it says is not believed
 * more than it needs to be: it has read what a guest wrote. */
#include "worker_run.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/json.h"
#include "child.h"
#include "common/log.h"
#include "publish.h"

#define LINE_MAX_OURS 8192

/* Reads until the pipe of a dead worker is empty: it holds 64 KiB, in pieces of any size. */
#define PIPE_READS 64

/* From asking a worker to end until it is killed. */
#define GRACE_USEC (30 * 1000000ULL)

struct xd_worker {
	struct xd_worker *next;
	struct xd_daemon *d;
	struct xd_job *job;
	const struct xd_worker_events *events;
	pid_t pid;
	int out;
	char line[LINE_MAX_OURS];
	size_t len;
	struct json_object *last;
	sd_event_source *io, *child, *timer;
	bool asked; /* to end */
};

unsigned xd_worker_count(const struct xd_daemon *d)
{
	unsigned n = 0;

	for (const struct xd_worker *w = d->workers; w; w = w->next)
		n++;
	return n;
}

static void worker_free(struct xd_worker *w)
{
	for (struct xd_worker **p = &w->d->workers; *p; p = &(*p)->next) {
		if (*p == w) {
			*p = w->next;
			break;
		}
	}
	w->io = sd_event_source_disable_unref(w->io);
	w->child = sd_event_source_disable_unref(w->child);
	w->timer = sd_event_source_disable_unref(w->timer);
	xl_closep(&w->out);
	(void)json_object_put(w->last);
	free(w);
}

/* ---- what it says ---- */

static void take_progress(struct xd_worker *w, struct json_object *p)
{
	char phase[16], text[96];
	uint64_t round = 0, done = 0, total = 0;

	if (!xl_json_text(p, "phase", phase, sizeof(phase)))
		return;
	(void)xl_json_u64(p, "round", &round);
	(void)xl_json_u64(p, "done", &done);
	(void)xl_json_u64(p, "total", &total);
	(void)snprintf(text, sizeof(text), "%s %" PRIu64 " %" PRIu64 " %" PRIu64, phase, round, done,
		       total);
	xd_publish_progress(w->d, w->job, text);
	w->events->progress(w->job, phase, done, total);
	if (xl_json_true(p, "captured"))
		w->events->captured(w->d, w->job);
}

static void take_line(struct xd_worker *w)
{
	_cleanup_json_ struct json_object *o = json_tokener_parse(w->line);
	struct json_object *p = xl_json_get(o, "progress");

	if (p) {
		take_progress(w, p);
	} else if (json_object_is_type(o, json_type_object)) {
		(void)json_object_put(w->last);
		w->last = XL_TAKE_PTR(o);
	}
}

/* One read, so that one that writes for ever keeps us from nothing else: 1; 0: there is none now;
 * negative: there will be none. */
static int take_output(struct xd_worker *w)
{
	char buf[4096];
	ssize_t n = read(w->out, buf, sizeof(buf));

	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n') {
			w->line[w->len] = '\0';
			take_line(w);
			w->len = 0;
		} else if (w->len + 1 < sizeof(w->line)) {
			w->line[w->len++] = buf[i];
		}
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n > 0 ? 1 : -1;
}

/* What it wrote before it died.  A pipe holds no more than this; what comes after is not its. */
static void take_rest(struct xd_worker *w)
{
	for (unsigned i = 0; i < PIPE_READS && take_output(w) > 0; i++)
		;
}

static int on_output(sd_event_source *s, int fd, uint32_t events, void *data)
{
	struct xd_worker *w = data;

	(void)fd;
	(void)events;
	if (take_output(w) < 0)
		(void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
	return 0;
}

static int on_child(sd_event_source *s, const siginfo_t *si, void *data)
{
	struct xd_worker *w = data;
	struct xd_daemon *d = w->d;
	struct xd_job *job = w->job;
	const struct xd_worker_events *events = w->events;
	_cleanup_json_ struct json_object *last = NULL;

	(void)s;
	if (!xd_child_ended(si))
		return 0;
	take_rest(w);
	last = json_object_get(w->last);
	worker_free(w);
	job->pid = 0;
	events->ended(d, job, last, si->si_code, si->si_status);
	return 0;
}

/* ---- its end ---- */

static int on_time(sd_event_source *s, uint64_t usec, void *data);

static void ask_to_end(struct xd_worker *w)
{
	uint64_t now = 0;

	if (w->asked)
		return;
	w->asked = true;
	(void)kill(w->pid, SIGTERM);
	(void)sd_event_now(w->d->event, CLOCK_BOOTTIME, &now);
	(void)sd_event_source_set_time(w->timer, now + GRACE_USEC);
	(void)sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static int on_time(sd_event_source *s, uint64_t usec, void *data)
{
	struct xd_worker *w = data;

	(void)s;
	(void)usec;
	if (w->asked) {
		xd_log(LOG_ERR, "%s (domain %u): the worker did not exit and was killed",
		       w->job->dom.name, w->job->dom.domid);
		(void)kill(w->pid, SIGKILL);
	} else {
		w->job->timed_out = true;
		ask_to_end(w);
	}
	return 0;
}

void xd_worker_stop(struct xd_daemon *d, const struct xd_job *job)
{
	for (struct xd_worker *w = d->workers; w; w = w->next)
		if (w->job == job)
			ask_to_end(w);
}

void xd_worker_stop_all(struct xd_daemon *d)
{
	for (struct xd_worker *w = d->workers; w; w = w->next)
		ask_to_end(w);
}

/* ---- its start ---- */

static int watch(struct xd_worker *w)
{
	sd_event *e = w->d->event;
	uint64_t now = 0;
	int r;

	(void)sd_event_now(e, CLOCK_BOOTTIME, &now);
	r = sd_event_add_io(e, &w->io, w->out, EPOLLIN, on_output, w);
	if (r >= 0)
		r = xd_watch_child(e, &w->child, w->pid, on_child, w);
	if (r >= 0)
		r = sd_event_add_time(e, &w->timer, CLOCK_BOOTTIME,
				      now + w->d->config.timeout * 1000000ULL, 1000000, on_time, w);
	return r;
}

int xd_worker_start(struct xd_daemon *d, struct xd_job *job, const struct xd_worker_events *events)
{
	struct xd_worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return xl_err(&d->x, -ENOMEM, "start a worker");
	w->d = d;
	w->job = job;
	w->events = events;
	w->out = -1;
	r = xd_spawn(&d->x, "--worker", job, &w->out, &w->pid);
	if (r < 0) {
		worker_free(w);
		return r;
	}
	job->pid = w->pid;
	w->next = d->workers;
	d->workers = w;
	r = watch(w);
	if (r < 0) {
		(void)kill(w->pid, SIGKILL);
		(void)waitpid(w->pid, NULL, 0);
		worker_free(w);
		return xl_err(&d->x, r, "watch a worker");
	}
	xd_log(LOG_INFO, "%s (domain %u): dump %s begins, by process %d", job->dom.name,
	       job->dom.domid, job->id, (int)w->pid);
	xd_publish_job(d, job);
	return 0;
}
