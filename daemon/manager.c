/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manager: which job runs when, and what becomes of it. */
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "daemon.h"
#include "hold.h"
#include "base/json.h"
#include "common/log.h"
#include "common/sidecar.h"

#define LOOK_USEC (20 * 1000000ULL)

static uint64_t clock_s(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec;
}

uint64_t xd_now(void)
{
	return clock_s(CLOCK_BOOTTIME);
}

uint64_t xd_realtime(void)
{
	return clock_s(CLOCK_REALTIME);
}

/* ---- what is known of a domain ---- */

struct look {
	const struct xldump_domain *dom;
	struct xldump_domain_state state;
	bool found;
};

static void look_at(void *data, const struct xldump_domain *dom,
		    const struct xldump_domain_state *state)
{
	struct look *l = data;

	if (dom->domid == l->dom->domid && !memcmp(dom->uuid, l->dom->uuid, sizeof(dom->uuid))) {
		l->found = true;
		l->state = *state;
	}
}

int xd_manager_look(struct xd_daemon *d, const struct xldump_domain *dom,
		    struct xldump_domain_state *ret)
{
	struct look l = { .dom = dom };
	int r = xldump_domains(d->xl, look_at, &l);

	if (r < 0) {
		xd_log(LOG_ERR, "%s", xldump_error(d->xl));
		return r;
	}
	if (ret)
		*ret = l.state;
	return l.found && !l.state.dying;
}

/* When this guest's crash was dumped last; 0 with *ret_was false: never. */
static uint64_t last_dump(const struct xd_daemon *d, const uint8_t uuid[16], bool *ret_was)
{
	uint64_t at = 0;

	*ret_was = false;
	for (size_t i = 0; i < d->nr_recent; i++) {
		if (memcmp(d->recent[i].uuid, uuid, 16) != 0)
			continue;
		*ret_was = true;
		if (d->recent[i].at > at)
			at = d->recent[i].at;
	}
	return at;
}

/* Of one guest a request and a crash may be in the queue: never both run, and the crash comes first. */
static bool other_first(const struct xd_daemon *d, const struct xd_job *job)
{
	bool crash = xd_trigger_crashed(job->trigger);
	const struct xd_job *other = xd_queue_find(&d->queue, &job->dom, !crash);

	return other && (!crash || other->state == XD_RUNNING);
}

static struct xd_verdict judge(struct xd_daemon *d, const struct xd_job *job)
{
	bool crash = xd_trigger_crashed(job->trigger), comes_in = !job->seq;
	int found = xd_manager_look(d, &job->dom, NULL);
	struct xd_policy_in in = {
		.trigger = job->trigger,
		.set = &job->set,
		.found = found > 0,
		.domid = job->dom.domid,
		.action = job->action,
		.held = job->hold >= 0,
		.same_waits = comes_in && (xd_queue_find(&d->queue, &job->dom, crash) ||
					   (!crash && xd_queue_find(&d->queue, &job->dom, true))),
		.other_first = other_first(d, job),
		.waiting = comes_in ? xd_queue_waiting(&d->queue) : 0,
		.max_waiting = d->config.max_waiting,
		.now = xd_now(),
		.asked_at = job->asked_at,
		.not_before = job->not_before,
		.memory = job->dom.memory,
		.keep_free = d->config.keep_free,
	};

	if (found < 0)
		return (struct xd_verdict){ .what = XD_DEFER, .until = in.now + 1 };
	in.last_dump = last_dump(d, job->dom.uuid, &in.dumped);
	/* What cannot be asked is no reason to refuse: the dump itself will say. */
	if (xd_spool_room(d->spool, &in.room) < 0)
		in.room = UINT64_MAX;
	return xd_policy(&in);
}

/* ---- the end of a job ---- */

static void remember(struct xd_daemon *d, const struct xldump_domain *dom, uint64_t at)
{
	if (d->nr_recent == XD_RECENT) {
		memmove(d->recent, d->recent + 1, (XD_RECENT - 1) * sizeof(d->recent[0]));
		d->nr_recent--;
	}
	memcpy(d->recent[d->nr_recent].uuid, dom->uuid, sizeof(dom->uuid));
	d->recent[d->nr_recent].domid = dom->domid;
	d->recent[d->nr_recent++].at = at;
}

void xd_manager_captured(struct xd_daemon *d, struct xd_job *job)
{
	(void)d;
	if (job->hold < 0)
		return;
	xd_log(LOG_INFO, "%s (domain %u): its memory is read, libxl may go on", job->dom.name,
	       job->dom.domid);
	xd_hold_release(d->libxl_dir, &job->dom, &job->hold);
}

void xd_manager_finish(struct xd_daemon *d, struct xd_job *job, enum xd_state state,
		       const char *reason, const char *error)
{
	job->state = state;
	job->since = xd_realtime();
	(void)snprintf(job->reason, sizeof(job->reason), "%s", reason);
	(void)snprintf(job->error, sizeof(job->error), "%s", error);
	if (state == XD_DONE)
		xd_log(LOG_NOTICE, "%s (domain %u): dumped to %s", job->dom.name, job->dom.domid,
		       job->file);
	else
		xd_log(state == XD_FAILED ? LOG_ERR : LOG_NOTICE, "%s (domain %u): dump %s is %s (%s): %s",
		       job->dom.name, job->dom.domid, job->id, xd_state_name(state), reason, error);
	xd_publish_job(d, job);
	xd_hold_release(d->libxl_dir, &job->dom, &job->hold);
	if (xd_trigger_crashed(job->trigger)) {
		if (state == XD_DONE) {
			remember(d, &job->dom, xd_now());
			xd_after_crash(d, job);
		}
	}
	xd_queue_remove(&d->queue, job);
}

/* What has begun cannot be refused any more. */
static void refuse(struct xd_daemon *d, struct xd_job *job, enum xd_refusal why)
{
	xd_manager_finish(d, job, job->attempts ? XD_FAILED : XD_REFUSED, xd_refusal_name(why),
			  xd_refusal_text(why));
}

void xd_manager_cancel(struct xd_daemon *d, struct xd_job *job)
{
	if (job->cancel)
		return;
	job->cancel = true;
	if (job->state == XD_RUNNING)
		xd_worker_stop(d, job);
	else
		xd_manager_finish(d, job, XD_CANCELLED, "cancelled", "cancelled while it waited");
}

/* It did not work, or was stopped. */
static void failed(struct xd_daemon *d, struct xd_job *job, enum xldump_cause cause,
		   const char *reason, const char *error)
{
	unsigned later = xd_policy_retry(cause, job->attempts, xd_trigger_crashed(job->trigger),
					 job->hold >= 0);

	if (job->cancel) {
		xd_manager_finish(d, job, XD_CANCELLED, "cancelled", error);
	} else if (job->timed_out) {
		xd_manager_finish(d, job, XD_FAILED, "timeout", "it took longer than `timeout' allows");
	} else if (d->stopping) {
		/* Not its fault, unless it died: the next daemon begins anew. */
		job->state = XD_QUEUED;
		job->attempts -= cause != XLDUMP_CAUSE_DIED;
		(void)xd_queue_save(&d->x, &d->queue, job);
		xd_publish_job(d, job);
		xd_hold_leave(d->libxl_dir, &job->dom, &job->hold);
	} else if (later) {
		xd_log(LOG_WARNING, "%s (domain %u): dump %s failed (%s), tried again in %u s: %s",
		       job->dom.name, job->dom.domid, job->id, reason, later, error);
		job->state = XD_QUEUED;
		job->not_before = xd_now() + later;
		(void)xd_queue_save(&d->x, &d->queue, job);
		xd_publish_job(d, job);
	} else {
		xd_manager_finish(d, job, XD_FAILED, reason, error);
	}
	xl_err_clear(&d->x);
}

static bool complete(const struct xd_job *job)
{
	struct stat st;

	return job->file[0] && lstat(job->file, &st) == 0 && S_ISREG(st.st_mode);
}

static void describe(struct xd_daemon *d, const struct xd_job *job, struct json_object *last)
{
	if (xd_sidecar_write(&d->x, d->spool, job, last) < 0) {
		xd_log(LOG_WARNING, "%s", d->x.err);
		xl_err_clear(&d->x);
	}
}

void xd_manager_ended(struct xd_daemon *d, struct xd_job *job, struct json_object *last, int code,
		      int status)
{
	char error[XL_ERR_MAX] = "the worker ended without a word", reason[32] = "other";
	uint64_t cause = XLDUMP_CAUSE_OTHER;

	if (code != CLD_EXITED) {
		cause = XLDUMP_CAUSE_DIED;
		(void)snprintf(reason, sizeof(reason), "died");
		(void)snprintf(error, sizeof(error), "the worker was killed by signal %d (%s)", status,
			       strsignal(status));
		xd_log(LOG_ERR, "%s (domain %u): %s", job->dom.name, job->dom.domid, error);
		if (xldump_recover(d->xl, NULL) < 0)
			xd_log(LOG_ERR, "%s", xldump_error(d->xl));
	}
	/* A file that has its name is complete, however its worker ended. */
	if (complete(job)) {
		describe(d, job, last);
		xd_manager_finish(d, job, XD_DONE, "ok", "");
	} else {
		(void)xl_json_text(last, "error", error, sizeof(error));
		(void)xl_json_text(last, "cause", reason, sizeof(reason));
		(void)xl_json_u64(last, "status", &cause);
		failed(d, job, (enum xldump_cause)cause, reason, error);
	}
	if (d->stopping && !d->workers)
		(void)sd_event_exit(d->event, 0);
	else
		xd_manager_kick(d);
}

/* ---- the start of a job ---- */

static int start(struct xd_daemon *d, struct xd_job *job)
{
	char name[NAME_MAX + 1];
	int r;

	if (complete(job)) { /* of an earlier daemon */
		describe(d, job, NULL);
		xd_manager_finish(d, job, XD_DONE, "ok", "");
		return 0;
	}
	r = xd_spool_name(&d->x, d->spool, job, name, sizeof(name));
	if (r == 0 && snprintf(job->file, sizeof(job->file), "%s/%s", d->config.spool, name) >=
			      (int)sizeof(job->file))
		r = xl_err(&d->x, -ENAMETOOLONG, "name the dump of domain %u", job->dom.domid);
	if (r == 0) {
		job->state = XD_RUNNING;
		job->attempts++;
		job->since = xd_realtime();
		/* On disk before anything is done: what is done then is known to who comes after us. */
		r = xd_queue_save(&d->x, &d->queue, job);
	}
	return r < 0 ? r : xd_worker_start(d, job);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *data);

/* Come back at that time of CLOCK_BOOTTIME, or in a while; or at once, if there is room again for
 * requests that wait in xenstore; or soon, if that could not be asked. */
void xd_manager_wake(struct xd_daemon *d, uint64_t at)
{
	uint64_t now = 0, usec;

	(void)sd_event_now(d->event, CLOCK_BOOTTIME, &now);
	usec = now + LOOK_USEC;
	if (d->intake_off && xd_queue_waiting(&d->queue) < d->config.max_waiting)
		at = 0;
	if (d->look_again && usec > now + 1000000)
		usec = now + 1000000;
	if (at * 1000000 < usec)
		usec = at * 1000000;
	if (!d->timer) {
		(void)sd_event_add_time(d->event, &d->timer, CLOCK_BOOTTIME, usec, 100000, on_timer, d);
		return;
	}
	(void)sd_event_source_set_time(d->timer, usec);
	(void)sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *data)
{
	struct xd_daemon *d = data;

	(void)s;
	(void)usec;
	xd_manager_wake(d, XD_NOT_TIMED); /* whatever comes of the rest */
	/* libxenstore does not say that the connection is gone; it fails at the next question. */
	if (xd_publish_alive(d) < 0) {
		xd_log(LOG_ERR, "%s", d->x.err);
		xl_err_clear(&d->x);
		if (d->store_fails++ == 2)
			return sd_event_exit(d->event, XLDUMP_CAUSE_NO_XEN);
		d->look_again = true;
	} else {
		d->store_fails = 0;
		xd_publish_sweep(d);
	}
	if (d->intake_off || d->look_again)
		xd_trigger_requests(d);
	xd_learn(d);
	/* In case an event was lost, or a guest was resumed, which is none. */
	xd_trigger_domains(d);
	return 0;
}

/* The next job that may be started: those with a guest that is held come first, for others wait for
 * them.  NULL: none; *wake is when one may be. */
static struct xd_job *next(struct xd_daemon *d, uint64_t *wake)
{
	for (int held = 1; held >= 0; held--) {
		for (size_t i = 0; i < d->queue.n; i++) {
			struct xd_job *job = d->queue.job[i];
			struct xd_verdict v;

			if (job->state != XD_QUEUED || (job->hold >= 0) != held)
				continue;
			v = judge(d, job);
			if (v.what == XD_ADMIT)
				return job;
			if (v.what == XD_REFUSE) {
				refuse(d, job, v.why);
				i = (size_t)-1; /* the queue has changed: from the start */
			} else if (v.until < *wake) {
				*wake = v.until;
			}
		}
	}
	return NULL;
}

void xd_manager_kick(struct xd_daemon *d)
{
	uint64_t wake = UINT64_MAX / 1000000;

	while (!d->stopping && xd_worker_count(d) < d->config.workers) {
		struct xd_job *job = next(d, &wake);

		if (!job)
			break;
		if (start(d, job) < 0) {
			char error[XL_ERR_MAX];

			(void)snprintf(error, sizeof(error), "%s", d->x.err);
			xl_err_clear(&d->x);
			xd_manager_finish(d, job, XD_FAILED, "other", error);
		}
	}
	xd_manager_wake(d, wake);
	xd_publish_status(d);
}

enum xd_refusal xd_manager_submit(struct xd_daemon *d, const struct xd_job *job)
{
	struct xd_job copy = *job, *added;
	struct xd_verdict v;

	copy.state = XD_QUEUED;
	copy.since = xd_realtime();
	copy.asked_at = xd_now();
	memcpy(copy.boot, d->boot, sizeof(copy.boot));
	v = judge(d, &copy);
	if (v.what == XD_REFUSE)
		return v.why;
	if (xd_queue_add(&d->x, &d->queue, &copy, &added) < 0)
		return XD_REFUSED_NO_SPACE;
	xd_hold_keep(&added->dom, added->hold);
	xd_log(LOG_NOTICE, "%s (domain %u): dump %s is queued (%s)", added->dom.name,
	       added->dom.domid, added->id, xd_trigger_name(added->trigger));
	xd_publish_job(d, added);
	xd_manager_kick(d);
	return XD_OK;
}

/* ---- the start and the end of the daemon ---- */

static void know(void *data, const struct xldump_domain *dom, uint64_t at)
{
	remember(data, dom, at);
}

void xd_manager_resume(struct xd_daemon *d)
{
	/* What was dumped already in this life of the host is not dumped again. */
	xd_sidecar_recent(d->spool, d->boot, know, d);
	xd_known_load(&d->known, d->queue.dirfd, d->boot);
	for (size_t i = 0; i < d->queue.n;) {
		struct xd_job *job = d->queue.job[i];

		if (strcmp(job->boot, d->boot) != 0) {
			xd_manager_finish(d, job, XD_FAILED, "host-restarted",
					  "the host was restarted before it could be dumped");
			continue; /* another has its place */
		}
		if (complete(job)) {
			describe(d, job, NULL);
			xd_manager_finish(d, job, XD_DONE, "ok", "");
			continue;
		}
		if (job->state == XD_RUNNING && job->attempts >= XD_MAX_ATTEMPTS) {
			xd_manager_finish(d, job, XD_FAILED, "died",
					  "it was interrupted too often: the cause may be in it");
			continue;
		}
		if (job->state == XD_RUNNING)
			xd_log(LOG_WARNING, "%s (domain %u): dump %s was interrupted and begins anew",
			       job->dom.name, job->dom.domid, job->id);
		/* Killed with us, or before: that counts as an attempt, in case it is the cause. */
		job->state = XD_QUEUED;
		xd_publish_job(d, job);
		i++;
	}
}

void xd_manager_stop(struct xd_daemon *d)
{
	d->stopping = true;
	xd_learn_stop(d);
	xd_publish_status(d);
	for (size_t i = 0; i < d->queue.n; i++)
		if (d->queue.job[i]->state == XD_QUEUED)
			xd_hold_leave(d->libxl_dir, &d->queue.job[i]->dom, &d->queue.job[i]->hold);
	if (d->workers)
		xd_worker_stop_all(d);
	else
		(void)sd_event_exit(d->event, 0);
}
