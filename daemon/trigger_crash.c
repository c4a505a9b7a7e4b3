/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that crash.
 *
 * xenstored says that some domain has gone down or has gone, and not which: all are looked at.  xl is
 * told at the same moment and may be about to destroy the guests, so libxl's locks of all that have
 * crashed are taken (libxl_lock.h) before anything else is done or asked.  Those that have ended in another
 * way, which may be a panic, come next. */
#include "triggers.h"

#include <string.h>
#include <time.h>

#include "clock.h"
#include "common/log.h"
#include "hold.h"
#include "learn.h"
#include "libxl_lock.h"
#include "manager.h"

#define SHUTDOWN_POWEROFF 0
#define SHUTDOWN_REBOOT 1
#define SHUTDOWN_CRASH 3
#define SHUTDOWN_WATCHDOG 4
#define SHUTDOWN_SOFT_RESET 5

/* While libxl has its lock for a moment, as it does before it destroys: it is tried again. */
#define LOCK_TRIES 50
#define LOCK_EVERY_US 2000

/* One that has gone down since the last look. */
struct down {
	struct xldump_domain dom;
	unsigned reason;
	bool wanted; /* to be dumped */
	struct xd_job *job; /* a daemon before us has queued it */
	enum xd_trigger trigger;
	int hold; /* libxl's lock */
	int lock; /* what came of trying to have it: 0, or a negative errno */
};

struct scan {
	struct xd_daemon *d;
	bool no_memory;
	struct down down[64];
	size_t nr_down;
	bool more; /* than fit */
};

static void on_domain(void *data, const struct xldump_domain *dom,
		      const struct xldump_domain_state *state)
{
	struct scan *s = data;
	/* One that was there before us has its kernel, most likely. */
	struct xd_known *k = xd_known_add(&s->d->known, dom,
					  xd_now() + (s->d->scanned ? s->d->config.learn_after : 0));

	if (!k) {
		s->no_memory = true;
		return;
	}
	k->seen = true;
	/* One that was suspended, and resumed, may crash after that, and we were told of neither. */
	if (state->shut_down && !state->dying && (!k->shut_down || k->reason != state->shutdown_reason)) {
		if (s->nr_down == XL_ARRAY_SIZE(s->down)) {
			s->more = true;
			return;
		}
		s->down[s->nr_down++] = (struct down){
			.dom = *dom, .reason = state->shutdown_reason, .hold = -1,
		};
	}
	k->shut_down &= state->shut_down;
}

static void name_from_store(struct xd_daemon *d, uint32_t domid, char *ret, size_t size)
{
	_cleanup_free_ char *name = NULL;
	char path[64];

	(void)snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	if (xd_store_read(d->store, path, &name) == 0)
		(void)snprintf(ret, size, "%s", name);
}

/* Whether xl destroys it, or takes its memory for another, as soon as it can. */
static bool in_a_hurry(enum xd_action a)
{
	return a == XD_ACTION_DESTROY || a == XD_ACTION_RESTART;
}

static const char *how(enum xd_trigger trigger, unsigned reason)
{
	if (trigger == XD_TRIGGER_PANIC)
		return reason == SHUTDOWN_REBOOT ? "panicked, and reboots" : "panicked, and powers off";
	return reason == SHUTDOWN_CRASH ? "crashed" : "was ended by its watchdog";
}

static void let_go(struct xd_daemon *d, struct down *n)
{
	xd_hold_release(d->libxl_dir, &n->dom, &n->hold);
}

static void lock(struct xd_daemon *d, struct down *n)
{
	n->lock = 0;
	while ((n->hold = xd_holds_take(&d->holds, &n->dom)) >= 0) {
		if (xd_libxl_locked(d->libxl_dir, n->dom.domid, n->dom.uuid, n->hold))
			return;
		let_go(d, n);
	}
	n->lock = xd_libxl_lock(d->libxl_dir, n->dom.domid, n->dom.uuid, &n->hold);
}

/* It reboots or powers off, as is its right; unless its kernel has panicked.  Nothing but the lock and
 * two pages of memory stands between libxl and a guest that has not. */
static bool has_panicked(struct xd_daemon *d, const struct xd_known *k, struct down *n)
{
	struct timespec t0, t1;
	bool panicked = false;

	(void)clock_gettime(CLOCK_MONOTONIC, &t0);
	lock(d, n);
	if (xldump_panic_look(d->xl, &n->dom, &k->mark, &panicked) < 0)
		xd_log(LOG_INFO, "domain %u has ended: %s", n->dom.domid, xldump_error(d->xl));
	if (panicked || n->hold < 0)
		return panicked;
	let_go(d, n);
	(void)clock_gettime(CLOCK_MONOTONIC, &t1);
	xd_log(LOG_INFO,
	       "domain %u went down without a panic; libxl had to wait for %.2f ms", n->dom.domid,
	       (double)(t1.tv_sec - t0.tv_sec) * 1e3 + (double)(t1.tv_nsec - t0.tv_nsec) / 1e6);
	return false;
}

static bool has_crashed(const struct down *n)
{
	return n->reason == SHUTDOWN_CRASH || n->reason == SHUTDOWN_WATCHDOG;
}

static bool has_ended(const struct down *n)
{
	return n->reason == SHUTDOWN_REBOOT || n->reason == SHUTDOWN_POWEROFF;
}

/* Whether it is to be dumped; and libxl's lock. */
static void take(struct xd_daemon *d, struct down *n)
{
	struct xd_known *k = xd_known_find(&d->known, n->dom.domid, n->dom.uuid);
	struct xd_job *job = xd_queue_find(&d->queue, &n->dom, true);

	if (k) {
		k->shut_down = true;
		k->reason = n->reason;
		if (n->reason == SHUTDOWN_SOFT_RESET)
			xd_learn_again(d, k);
	}
	if (xd_recent_has(&d->recent, &n->dom)) /* it may be an earlier daemon that has dumped it */
		return;
	if (job) {
		/* Whoever queued it may not have been able to leave us the lock. */
		n->job = job->hold < 0 && in_a_hurry(job->action) ? job : NULL;
		if (n->job)
			lock(d, n);
	} else if (has_crashed(n)) {
		n->trigger = XD_TRIGGER_CRASH;
		n->wanted = true;
		lock(d, n);
	} else if (has_ended(n) && k && k->marked) {
		n->trigger = XD_TRIGGER_PANIC;
		n->wanted = has_panicked(d, k, n);
	}
}

static void take_busy(struct scan *s)
{
	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		bool busy = false;

		for (size_t j = 0; j < s->nr_down; j++) {
			struct down *n = &s->down[j];

			if ((n->wanted || n->job) && n->hold < 0 && n->lock == -EAGAIN) {
				lock(s->d, n);
				busy |= n->lock == -EAGAIN;
			}
		}
		if (!busy)
			return;
		(void)usleep(LOCK_EVERY_US);
	}
}

static void hold_again(struct down *n)
{
	if (!n->job || n->hold < 0)
		return;
	n->job->hold = xl_take_fd(&n->hold);
	xd_hold_keep(&n->dom, n->job->hold);
	xd_log(LOG_INFO, "%s (domain %u): libxl still waits for its dump", n->job->dom.name,
	       n->dom.domid);
}

/* What libxl does next, and the name, as its configuration says, or said when it was seen last. */
static enum xd_action action_of(struct xd_daemon *d, const struct down *n, char *ret_name, size_t size)
{
	struct xd_known *k = xd_known_find(&d->known, n->dom.domid, n->dom.uuid);
	struct xd_libxl_config c = { 0 };

	if (k)
		c = k->config;
	xd_libxl_look(d->libxl_dir, n->dom.domid, n->dom.uuid, &c);
	(void)snprintf(ret_name, size, "%s", c.name);
	if (!ret_name[0])
		name_from_store(d, n->dom.domid, ret_name, size);
	return xd_libxl_action(&c, n->reason);
}

static void have_dumped(struct xd_daemon *d, struct down *n)
{
	struct xd_job job = XD_JOB_INIT;
	enum xd_refusal why;

	job.dom = n->dom;
	job.trigger = n->trigger;
	job.shutdown_reason = n->reason;
	job.action = action_of(d, n, job.dom.name, sizeof(job.dom.name));
	if (!in_a_hurry(job.action))
		let_go(d, n);
	job.hold = n->hold;
	xd_log(LOG_NOTICE, "%s (domain %u) %s; afterwards xl does: %s%s", job.dom.name,
	       job.dom.domid, how(job.trigger, n->reason), xd_action_name(job.action),
	       job.hold >= 0 ? ", which waits for the dump" :
	       in_a_hurry(job.action) ? ", which may happen before the dump" : "");
	if (in_a_hurry(job.action) && n->lock < 0)
		xd_log(LOG_WARNING, "%s (domain %u): cannot take libxl's lock: %s", job.dom.name,
		       job.dom.domid, strerror(-n->lock));
	xd_config_for(&d->config, &job.dom, &job.set);
	(void)snprintf(job.id, sizeof(job.id), "crash-%u-%llu", job.dom.domid,
		       (unsigned long long)d->queue.next_seq);
	why = xd_manager_submit(d, &job);
	if (why == XD_OK)
		return;
	xd_log(LOG_WARNING, "%s (domain %u) is not dumped (%s): %s", job.dom.name, job.dom.domid,
	       xd_refusal_name(why), d->x.err[0] ? d->x.err : xd_refusal_text(why));
	xl_err_clear(&d->x);
	let_go(d, n);
}

void xd_trigger_domains(struct xd_daemon *d)
{
	struct scan s = { .d = d };

	if (d->stopping)
		return;
	do {
		s.nr_down = 0;
		s.more = false;
		d->domains_again = xldump_domains(d->xl, on_domain, &s) < 0;
		if (d->domains_again) {
			xd_log(LOG_ERR, "%s", xldump_error(d->xl));
			return;
		}
		xd_known_forget_gone(&d->known);
		d->scanned = true;
		/* Crashes first: to look into those that may only have ended takes longer. */
		for (size_t i = 0; i < s.nr_down; i++)
			if (!has_ended(&s.down[i]))
				take(d, &s.down[i]);
		for (size_t i = 0; i < s.nr_down; i++)
			if (has_ended(&s.down[i]))
				take(d, &s.down[i]);
		take_busy(&s);
		for (size_t i = 0; i < s.nr_down; i++)
			hold_again(&s.down[i]);
		for (size_t i = 0; i < s.nr_down; i++)
			if (s.down[i].wanted)
				have_dumped(d, &s.down[i]);
	} while (s.more);
	if (s.no_memory)
		xd_log(LOG_ERR, "no memory to remember all domains");
	xd_holds_release(&d->holds, d->libxl_dir);
	xd_known_look(&d->known, d->libxl_dir);
}
