/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manager: which job runs when, and what becomes of it. */
#include "manager.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "after.h"
#include "base/json.h"
#include "base/text.h"
#include "clock.h"
#include "common/log.h"
#include "common/sidecar.h"
#include "hold.h"
#include "live.h"
#include "policy.h"
#include "publish.h"
#include "room.h"
#include "size.h"
#include "worker_run.h"

/* Of one guest a request and a crash may be in the queue: never both run, and the crash comes first. */
static bool other_first(const struct xd_daemon *d, const struct xd_job *job)
{
	bool crash = xd_trigger_crashed(job->trigger);
	const struct xd_job *other = xd_queue_find(&d->queue, &job->dom, !crash);

	return other && (!crash || other->state == XD_RUNNING);
}

static struct xd_verdict judge(struct xd_daemon *d, const struct xd_job *job, bool found)
{
	bool crash = xd_trigger_crashed(job->trigger), comes_in = !job->seq;
	struct xd_settings set = job->set;
	struct xd_policy_in in = {
		.trigger = job->trigger,
		.set = &job->set,
		.found = found,
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
		.room = xd_room_left(d),
		.keep_free = d->config.keep_free,
		.others = xd_worker_count(d) > 0,
	};

	in.dumped = xd_recent_last(&d->recent, job->dom.uuid, &in.last_dump);
	do
		in.need[in.needs++] = xd_size_of(&set, job->dom.memory);
	while (crash && in.needs < XL_ARRAY_SIZE(in.need) && xd_size_smaller(&set));
	return xd_policy(&in);
}

/* ---- the end of a job ---- */

static void captured(struct xd_daemon *d, struct xd_job *job)
{
	(void)d;
	if (job->hold < 0)
		return;
	xd_log(LOG_INFO,
	       "%s (domain %u): its memory has been read, libxl may continue", job->dom.name,
	       job->dom.domid);
	xd_hold_release(d->libxl_dir, &job->dom, &job->hold);
}

/* One that was waiting or running is over; the job is gone when this returns. */
static void finish(struct xd_daemon *d, struct xd_job *job, enum xd_state state, const char *reason,
		   const char *error)
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
	if (xd_trigger_crashed(job->trigger) && state == XD_DONE) {
		xd_recent_add(&d->recent, &job->dom, xd_now());
		xd_after_crash(d, job);
	}
	xl_closep(&job->spool);
	xd_queue_remove(&d->queue, job);
}

/* What has begun cannot be refused any more. */
static void refuse(struct xd_daemon *d, struct xd_job *job, enum xd_refusal why)
{
	finish(d, job, job->attempts ? XD_FAILED : XD_REFUSED, xd_refusal_name(why),
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
		finish(d, job, XD_CANCELLED, "cancelled", "cancelled while it waited");
}

/* It waits again; on disk, too. */
static void queue_again(struct xd_daemon *d, struct xd_job *job)
{
	job->state = XD_QUEUED;
	xl_closep(&job->spool);
	job->spool = -1;
	(void)xd_queue_save(&d->x, &d->queue, job);
	xd_publish_job(d, job);
}

static bool make_smaller(struct xd_job *job)
{
	unsigned level = job->set.dump_level;

	if (!xd_size_smaller(&job->set))
		return false;
	if (job->set.dump_level != level) {
		job->level_raised = true;
		job->level_asked = level;
	}
	xd_log(LOG_WARNING, "%s (domain %u): there is no room for dump %s as it is configured: it is made as %s "
	       "with dump level %u", job->dom.name, job->dom.domid, job->id,
	       xldump_format_name(job->set.format), job->set.dump_level);
	return true;
}

/* Pages were to be left out for lack of room alone, and cannot be: perhaps it fits all the same. */
static bool leave_in(struct xd_job *job, enum xldump_cause cause)
{
	if (cause != XLDUMP_CAUSE_UNSUPPORTED || !job->level_raised)
		return false;
	job->set.dump_level = job->level_asked;
	job->set.shrink = false;
	job->level_raised = false;
	return true;
}

/* It is not tried again as it is when it had the folder for itself, and its guest cannot wait. */
static bool may_fit(const struct xd_daemon *d, struct xd_job *job)
{
	if (xd_worker_count(d) || xd_policy_can_wait(job->hold >= 0, xd_now(), job->asked_at))
		return true;
	return xd_trigger_crashed(job->trigger) && make_smaller(job);
}

/* It did not work, or was stopped. */
static void failed(struct xd_daemon *d, struct xd_job *job, enum xldump_cause cause,
		   const char *reason, const char *error)
{
	unsigned later = leave_in(job, cause) ? 1 :
			 xd_policy_retry(cause, job->attempts, xd_trigger_crashed(job->trigger), job->hold >= 0);

	if (job->cancel) {
		finish(d, job, XD_CANCELLED, "cancelled", error);
	} else if (job->timed_out) {
		finish(d, job, XD_FAILED, "timeout", "it took longer than `timeout' allows");
	} else if (d->stopping) {
		/* Not its fault, unless it died: the next daemon begins anew. */
		job->attempts -= cause != XLDUMP_CAUSE_DIED;
		queue_again(d, job);
		xd_hold_leave(d->libxl_dir, &job->dom, &job->hold);
	} else if (later && (cause != XLDUMP_CAUSE_NO_SPACE || may_fit(d, job))) {
		xd_log(LOG_WARNING, "%s (domain %u): dump %s failed (%s), tried again in %u s: %s",
		       job->dom.name, job->dom.domid, job->id, reason, later, error);
		job->not_before = xd_now() + later;
		queue_again(d, job);
	} else {
		finish(d, job, XD_FAILED, reason, error);
	}
	xl_err_clear(&d->x);
}

static bool is_in(int folder, const char *name)
{
	struct stat st;

	return folder >= 0 && fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* The folder in which its file is, or -1.  That may be another one than it was begun in, if a file
 * system was mounted in this moment. */
static int found_in(struct xd_daemon *d, const struct xd_job *job)
{
	const char *name = strrchr(job->file, '/');

	if (!name)
		return -1;
	if (is_in(job->spool, name + 1))
		return job->spool;
	if (xd_room_folder(d) < 0)
		xl_err_clear(&d->x);
	return is_in(d->spool, name + 1) ? d->spool : -1;
}

/* Whether its file is there, which is complete then; it is described, and the job is over. */
static bool take_file(struct xd_daemon *d, struct xd_job *job, struct json_object *result)
{
	int folder = found_in(d, job);

	if (folder < 0)
		return false;
	if (xd_sidecar_write(&d->x, folder, job, result) < 0) {
		xd_log(LOG_WARNING, "%s", d->x.err);
		xl_err_clear(&d->x);
	}
	finish(d, job, XD_DONE, "ok", "");
	return true;
}

static void ended(struct xd_daemon *d, struct xd_job *job, struct json_object *last, int code, int status)
{
	char error[XL_ERR_MAX] = "the worker exited without a result", reason[32] = "other";
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
	if (!take_file(d, job, last)) {
		if (xl_json_text(last, "error", error, sizeof(error)))
			(void)xl_unescape(error);
		(void)xl_json_text(last, "cause", reason, sizeof(reason));
		(void)xl_json_u64(last, "status", &cause);
		failed(d, job, (enum xldump_cause)cause, reason, error);
	}
}

static const struct xd_worker_events worker_events = {
	.progress = xd_room_progress, .captured = captured, .ended = ended,
};

/* ---- the start of a job ---- */

static int start(struct xd_daemon *d, struct xd_job *job)
{
	char name[NAME_MAX + 1];
	int r;

	if (take_file(d, job, NULL)) /* of an earlier daemon */
		return 0;
	r = xd_room_folder(d);
	if (r == 0)
		r = xd_spool_name(&d->x, d->spool, job, name, sizeof(name));
	if (r == 0 && snprintf(job->file, sizeof(job->file), "%s/%s", d->config.spool, name) >=
			      (int)sizeof(job->file))
		r = xl_err(&d->x, -ENAMETOOLONG, "name the dump of domain %u", job->dom.domid);
	if (r == 0) {
		job->spool = fcntl(d->spool, F_DUPFD_CLOEXEC, 3);
		job->keep_free = d->config.keep_free;
		xd_room_reserve(job);
		job->state = XD_RUNNING;
		job->attempts++;
		job->since = xd_realtime();
		/* On disk before anything is done: what is done then is known to who comes after us. */
		r = xd_queue_save(&d->x, &d->queue, job);
	}
	return r < 0 ? r : xd_worker_start(d, job, &worker_events);
}

static bool is_there(const struct xd_live *live, const struct xldump_domain *dom)
{
	const struct xldump_domain_state *state = xd_live_find(live, dom);

	return state && !state->dying;
}

static struct xd_job *as_admitted(struct xd_job *job, unsigned smaller)
{
	for (unsigned i = 0; i < smaller; i++)
		(void)make_smaller(job);
	return job;
}

/* The next job that may be started: those with a guest that is held come first, for others wait for
 * them.  NULL: none; *wake is when one may be. */
static struct xd_job *next(struct xd_daemon *d, const struct xd_live *live, uint64_t *wake)
{
	bool room_wanted = false;

	/* What a guest that is held waits for is not given to others. */
	for (int held = 1; held >= 0 && !room_wanted; held--) {
		for (size_t i = 0; i < d->queue.n;) {
			struct xd_job *job = d->queue.job[i];
			struct xd_verdict v;

			i++;
			if (job->state != XD_QUEUED || (job->hold >= 0) != held)
				continue;
			v = judge(d, job, is_there(live, &job->dom));
			if (v.what == XD_ADMIT)
				return as_admitted(job, v.smaller);
			room_wanted |= v.why == XD_REFUSED_NO_SPACE && held && v.what == XD_DEFER;
			if (v.what == XD_REFUSE) {
				refuse(d, job, v.why);
				i = 0; /* the queue has changed */
			} else if (v.until < *wake) {
				*wake = v.until;
			}
		}
	}
	return NULL;
}

static void start_or_fail(struct xd_daemon *d, struct xd_job *job)
{
	char error[XL_ERR_MAX];

	if (start(d, job) == 0)
		return;
	(void)snprintf(error, sizeof(error), "%s", d->x.err);
	xl_err_clear(&d->x);
	finish(d, job, XD_FAILED, "other", error);
}

static bool may_start(const struct xd_daemon *d)
{
	return !d->stopping && xd_worker_count(d) < d->config.workers &&
	       xd_queue_count(&d->queue, XD_QUEUED);
}

uint64_t xd_manager_start(struct xd_daemon *d)
{
	_cleanup_(xd_live_deinit) struct xd_live live = { 0 };
	uint64_t wake = XD_NOT_TIMED;
	struct xd_job *job;

	if (!may_start(d))
		return wake;
	if (xd_live_get(d->xl, &live) < 0)
		return xd_now() + 1;
	if (xd_room_folder(d) < 0) {
		/* start() says the same of each job. */
		xd_log(LOG_ERR, "%s", d->x.err);
		xl_err_clear(&d->x);
	}
	while (may_start(d) && (job = next(d, &live, &wake)))
		start_or_fail(d, job);
	return wake;
}

enum xd_refusal xd_manager_submit(struct xd_daemon *d, const struct xd_job *job)
{
	struct xd_job copy = *job, *added;
	struct xd_verdict v;

	copy.state = XD_QUEUED;
	copy.since = xd_realtime();
	copy.asked_at = xd_now();
	memcpy(copy.boot, d->boot, sizeof(copy.boot));
	/* Whoever submits it has just seen the domain; before it is started it is looked for again. */
	v = judge(d, &copy, true);
	if (v.what == XD_REFUSE)
		return v.why;
	if (xd_queue_add(&d->x, &d->queue, &copy, &added) < 0)
		return XD_REFUSED_NO_SPACE;
	xd_hold_keep(&added->dom, added->hold);
	xd_log(LOG_NOTICE, "%s (domain %u): dump %s is queued (%s)", added->dom.name,
	       added->dom.domid, added->id, xd_trigger_name(added->trigger));
	xd_publish_job(d, added);
	return XD_OK;
}

/* ---- the start and the end of the daemon ---- */

static void know(void *data, const struct xldump_domain *dom, uint64_t at)
{
	xd_recent_add(data, dom, at);
}

void xd_manager_resume(struct xd_daemon *d)
{
	/* What was dumped already in this life of the host is not dumped again. */
	xd_queue_skip(&d->queue, xd_sidecar_recent(d->spool, d->boot, know, &d->recent));
	xd_known_load(&d->known, d->queue.dirfd, d->boot);
	for (size_t i = 0; i < d->queue.n;) {
		struct xd_job *job = d->queue.job[i];

		if (strcmp(job->boot, d->boot) != 0) {
			finish(d, job, XD_FAILED, "host-restarted",
					  "the host was restarted before it could be dumped");
			continue; /* another has its place */
		}
		if (take_file(d, job, NULL))
			continue;
		if (job->state == XD_RUNNING && job->attempts >= XD_MAX_ATTEMPTS) {
			finish(d, job, XD_FAILED, "died",
					  "it was interrupted too often; the dump itself may be "
					  "the cause");
			continue;
		}
		if (job->state == XD_RUNNING)
			xd_log(LOG_WARNING,
			       "%s (domain %u): dump %s was interrupted and starts again",
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
	for (size_t i = 0; i < d->queue.n; i++)
		if (d->queue.job[i]->state == XD_QUEUED)
			xd_hold_leave(d->libxl_dir, &d->queue.job[i]->dom, &d->queue.job[i]->hold);
	xd_worker_stop_all(d);
}
