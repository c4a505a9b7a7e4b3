/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that crash.
 *
 * xenstored says that some domain has gone down or has gone, and not which: all are looked at.  xl is
 * told at the same moment and may be about to destroy the guest, so what has crashed is dealt with
 * before anything is asked of xenstored (libxl_lock.h). */
#include <string.h>
#include <time.h>

#include "daemon.h"
#include "libxl_lock.h"
#include "log.h"
#include "values.h"

#define SHUTDOWN_POWEROFF 0
#define SHUTDOWN_REBOOT 1
#define SHUTDOWN_CRASH 3
#define SHUTDOWN_WATCHDOG 4

struct scan {
	struct xd_daemon *d;
	bool no_memory;

	/* Those that have gone down since the last look. */
	struct {
		struct xldump_domain dom;
		unsigned reason;
	} down[64];
	size_t nr_down;
	bool more; /* than fit */
};

static struct xd_known *find(struct xd_daemon *d, const struct xldump_domain *dom)
{
	for (size_t i = 0; i < d->nr_known; i++)
		if (d->known[i].domid == dom->domid &&
		    !memcmp(d->known[i].uuid, dom->uuid, sizeof(dom->uuid)))
			return &d->known[i];
	return NULL;
}

static struct xd_known *add(struct xd_daemon *d, const struct xldump_domain *dom)
{
	struct xd_known *p = reallocarray(d->known, d->nr_known + 1, sizeof(*p));

	if (!p)
		return NULL;
	d->known = p;
	p = &p[d->nr_known++];
	*p = (struct xd_known){
		.domid = dom->domid, .type = dom->type, .learn_at = xd_now() + d->config.learn_after
	};
	memcpy(p->uuid, dom->uuid, sizeof(dom->uuid));
	return p;
}

static void on_domain(void *data, const struct xldump_domain *dom,
		      const struct xldump_domain_state *state)
{
	struct scan *s = data;
	struct xd_known *k = find(s->d, dom);

	if (!k)
		k = add(s->d, dom);
	if (!k) {
		s->no_memory = true;
		return;
	}
	k->seen = true;
	if (state->shut_down && !k->shut_down && !state->dying) {
		if (s->nr_down == XL_ARRAY_SIZE(s->down)) {
			s->more = true;
			return;
		}
		s->down[s->nr_down].dom = *dom;
		s->down[s->nr_down++].reason = state->shutdown_reason;
	}
	k->shut_down = state->shut_down;
}

static void forget_gone(struct xd_daemon *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->nr_known; i++) {
		if (d->known[i].seen)
			d->known[n++] = d->known[i];
	}
	d->nr_known = n;
	for (size_t i = 0; i < n; i++)
		d->known[i].seen = false;
}

/* Of this life of the domain: an earlier daemon may have done it. */
static bool dumped_already(const struct xd_daemon *d, const struct xldump_domain *dom)
{
	for (size_t i = 0; i < d->nr_recent; i++)
		if (d->recent[i].domid == dom->domid &&
		    !memcmp(d->recent[i].uuid, dom->uuid, sizeof(dom->uuid)))
			return true;
	return false;
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

/* What libxl does next is known, and kept from it if it is in a hurry: job->hold. */
static void hold(struct xd_daemon *d, struct xd_job *job, unsigned reason)
{
	char name[XLDUMP_NAME_MAX] = "";
	int r = 0;

	job->shutdown_reason = reason;
	if (job->hold < 0)
		r = xd_libxl_lock(d->libxl_dir, job->dom.domid, job->dom.uuid, &job->hold);
	job->action = xd_libxl_action(d->libxl_dir, job->dom.domid, job->dom.uuid, reason, name,
				      sizeof(name));
	if (!in_a_hurry(job->action))
		xd_libxl_unlock(d->libxl_dir, job->dom.domid, job->dom.uuid, &job->hold);
	if (!name[0])
		name_from_store(d, job->dom.domid, name, sizeof(name));
	(void)xd_printable(name, job->dom.name, sizeof(job->dom.name));
	xd_log(LOG_NOTICE, "%s (domain %u) %s; what is done to it then is: %s%s", job->dom.name,
	       job->dom.domid, how(job->trigger, reason), xd_action_name(job->action),
	       job->hold >= 0 ? ", which waits for the dump" :
	       in_a_hurry(job->action) ? ", which may be quicker than the dump" : "");
	if (in_a_hurry(job->action) && r < 0)
		xd_log(LOG_WARNING, "%s (domain %u): libxl's lock cannot be had: %s", job->dom.name,
		       job->dom.domid, strerror(-r));
}

static void have_dumped(struct xd_daemon *d, struct xd_job *job)
{
	enum xd_refusal why;

	xd_config_for(&d->config, &job->dom, &job->set);
	(void)snprintf(job->id, sizeof(job->id), "crash-%u-%llu", job->dom.domid,
		       (unsigned long long)d->queue.next_seq);
	why = xd_manager_submit(d, job);
	if (why == XD_OK)
		return;
	xd_log(LOG_WARNING, "%s (domain %u) is not dumped (%s): %s", job->dom.name, job->dom.domid,
	       xd_refusal_name(why), d->x.err[0] ? d->x.err : xd_refusal_text(why));
	xl_err_clear(&d->x);
	xd_libxl_unlock(d->libxl_dir, job->dom.domid, job->dom.uuid, &job->hold);
}

static void on_crash(struct xd_daemon *d, const struct xldump_domain *dom, unsigned reason)
{
	struct xd_job job = XD_JOB_INIT;

	job.dom = *dom;
	job.trigger = XD_TRIGGER_CRASH;
	hold(d, &job, reason);
	have_dumped(d, &job);
}

/* It reboots or powers off, as is its right; unless its kernel has panicked.  Nothing but the lock and
 * two pages of memory stands between libxl and a guest that has not. */
static void on_other_end(struct xd_daemon *d, const struct xldump_domain *dom, unsigned reason)
{
	const struct xd_known *k = find(d, dom);
	struct xd_job job = XD_JOB_INIT;
	bool panicked = false;

	if (!k || !k->marked)
		return;
	job.dom = *dom;
	job.trigger = XD_TRIGGER_PANIC;
	(void)xd_libxl_lock(d->libxl_dir, dom->domid, dom->uuid, &job.hold);
	if (xldump_panic_look(d->xl, dom, &k->mark, &panicked) < 0)
		xd_log(LOG_INFO, "domain %u has ended: %s", dom->domid, xldump_error(d->xl));
	if (panicked) {
		hold(d, &job, reason);
		have_dumped(d, &job);
	} else {
		xd_libxl_unlock(d->libxl_dir, dom->domid, dom->uuid, &job.hold);
	}
}

static void on_down(struct xd_daemon *d, const struct xldump_domain *dom, unsigned reason)
{
	if (dumped_already(d, dom) || xd_queue_by_domain(&d->queue, dom, NULL))
		return;
	if (reason == SHUTDOWN_CRASH || reason == SHUTDOWN_WATCHDOG)
		on_crash(d, dom, reason);
	else if (reason == SHUTDOWN_REBOOT || reason == SHUTDOWN_POWEROFF)
		on_other_end(d, dom, reason);
}

void xd_trigger_domains(struct xd_daemon *d)
{
	struct scan s = { .d = d };

	if (d->stopping)
		return;
	do {
		s.nr_down = 0;
		s.more = false;
		if (xldump_domains(d->xl, on_domain, &s) < 0) {
			xd_log(LOG_ERR, "%s", xldump_error(d->xl));
			return;
		}
		forget_gone(d);
		for (size_t i = 0; i < s.nr_down; i++)
			on_down(d, &s.down[i].dom, s.down[i].reason);
	} while (s.more);
	if (s.no_memory)
		xd_log(LOG_ERR, "no memory to remember all domains");
	/* Jobs of domains that have gone need not wait to be told. */
	xd_manager_kick(d);
}
