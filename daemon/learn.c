/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding out where the kernels of HVM guests say that they have panicked, while they run: when one
 * goes down there is no time to look for it.  One guest at a time, in a process of its own, for it
 * reads what the guest wrote. */
#include "learn.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/json.h"
#include "child.h"
#include "clock.h"
#include "common/log.h"

/* When it is tried again after it was in vain, for the kernel may not have been there yet: first after
 * `learn_after'. */
#define AGAIN_S 300
#define MAX_TRIES 4

/* A process that takes longer has met a guest that leads it astray, or a very large one. */
#define LIMIT_USEC (600 * 1000000ULL)

struct xd_learner {
	struct xd_daemon *d;
	uint32_t domid;
	uint8_t uuid[16];
	pid_t pid;
	int out;
	sd_event_source *child, *timer;
};

static void learner_free(struct xd_learner *l)
{
	l->d->learner = NULL;
	l->child = sd_event_source_disable_unref(l->child);
	l->timer = sd_event_source_disable_unref(l->timer);
	xl_closep(&l->out);
	free(l);
}

static bool take_mark(const char *text, struct xldump_panic_mark *ret)
{
	_cleanup_json_ struct json_object *o = json_tokener_parse(text);

	return xd_mark_from_json(o, ret);
}

/* For the next daemon, too. */
static void save(struct xd_daemon *d, const struct xd_known *k)
{
	if (xd_known_save(&d->known, d->queue.dirfd, d->boot) < 0)
		xd_log(LOG_WARNING,
		       "domain %u: after a restart, xldumpd must search for its kernel again", k->domid);
}

static int on_child(sd_event_source *s, const siginfo_t *si, void *data)
{
	struct xd_learner *l = data;
	struct xd_daemon *d = l->d;
	struct xd_known *k = xd_known_find(&d->known, l->domid, l->uuid);
	char text[1024];
	ssize_t n;

	(void)s;
	if (!xd_child_ended(si))
		return 0;
	n = read(l->out, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	if (k && k->tries == 0) {
		/* It was reset meanwhile: what was found is the kernel of before. */
	} else if (k && si->si_code == CLD_EXITED && si->si_status == 0 && take_mark(text, &k->mark)) {
		xd_log(LOG_INFO, "domain %u: panics of its kernel will be noticed", l->domid);
		k->marked = true;
		save(d, k);
	} else if (k) {
		k->learn_at = xd_now() + (k->tries == 1 ? d->config.learn_after : AGAIN_S);
	}
	learner_free(l);
	return 0;
}

static int on_time(sd_event_source *s, uint64_t usec, void *data)
{
	const struct xd_learner *l = data;

	(void)s;
	(void)usec;
	(void)kill(l->pid, SIGKILL);
	return 0;
}

static int start(struct xd_learner *l, const struct xldump_domain *dom)
{
	struct xd_job job = XD_JOB_INIT;
	struct xd_daemon *d = l->d;
	uint64_t now = 0;
	int r;

	(void)snprintf(job.id, sizeof(job.id), "learn");
	job.set = d->config.set;
	job.dom = *dom;
	r = xd_spawn(&d->x, "--learn", &job, &l->out, &l->pid);
	if (r < 0)
		return r;
	(void)sd_event_now(d->event, CLOCK_BOOTTIME, &now);
	r = xd_watch_child(d->event, &l->child, l->pid, on_child, l);
	if (r >= 0)
		r = sd_event_add_time(d->event, &l->timer, CLOCK_BOOTTIME, now + LIMIT_USEC, 1000000, on_time,
				      l);
	if (r < 0) {
		(void)kill(l->pid, SIGKILL);
		(void)waitpid(l->pid, NULL, 0);
		return xl_err(&d->x, r, "watch a process");
	}
	return 0;
}

void xd_learn(struct xd_daemon *d)
{
	for (size_t i = 0; i < d->known.n && !d->learner && !d->stopping; i++) {
		struct xd_known *k = &d->known.domain[i];
		struct xldump_domain dom = { .sz = sizeof(dom), .domid = k->domid,
					     .type = XLDUMP_GUEST_HVM };
		struct xd_learner *l;

		if (k->type != XLDUMP_GUEST_HVM || k->marked || k->shut_down || k->tries == MAX_TRIES ||
		    xd_now() < k->learn_at || !d->config.set.panic)
			continue;
		memcpy(dom.uuid, k->uuid, sizeof(dom.uuid));
		k->tries++;
		l = calloc(1, sizeof(*l));
		if (!l)
			return;
		*l = (struct xd_learner){ .d = d, .domid = k->domid, .out = -1 };
		memcpy(l->uuid, k->uuid, sizeof(l->uuid));
		d->learner = l;
		if (start(l, &dom) < 0) {
			xd_log(LOG_WARNING, "%s", d->x.err);
			xl_err_clear(&d->x);
			learner_free(l);
			return;
		}
	}
}

void xd_learn_again(struct xd_daemon *d, struct xd_known *k)
{
	bool was_marked = k->marked;

	xd_log(LOG_INFO, "domain %u: it starts another kernel", k->domid);
	k->marked = false;
	k->tries = 0;
	k->learn_at = xd_now() + d->config.learn_after;
	if (was_marked)
		save(d, k);
}

void xd_learn_stop(struct xd_daemon *d)
{
	if (d->learner) {
		(void)kill(d->learner->pid, SIGKILL);
		(void)waitpid(d->learner->pid, NULL, 0);
		learner_free(d->learner);
	}
}
