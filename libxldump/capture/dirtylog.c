/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dirty log of a guest while a dump holds it. */
#include "capture/dirtylog.h"

#include <string.h>

#include "hv/saver.h"
#include "hv/undo.h"

/* Often enough that a thief's first pass over the memory, which comes before its first fetch, does
 * not fit in between; and rare enough to cost nothing, as each look stops the guest for a moment. */
#define WATCH_EVERY_NS 100000000ULL

/* Somebody else's operation on the domain (-EBUSY), or another client of the device model's only
 * socket, is over by then. */
#define STOP_TRIES 5
#define STOP_WAIT_NS 20000000ULL

static pid_t find_saver(const struct xl_engine *e)
{
	return xl_saver_find(e->x->proc ? e->x->proc : "/proc", e->dom.domid);
}

static int fail_busy(struct xl_engine *e)
{
	return xl_fail(e->x, XLDUMP_CAUSE_BUSY, -EBUSY,
		       "log-dirty mode of domain %u is on already: it is being migrated or saved, "
		       "another dump of it is under way, or a device is passed through to it; wait, "
		       "or use --strategy=rescan",
		       e->dom.domid);
}

static int fail_saver(struct xl_engine *e, pid_t saver)
{
	return xl_fail(e->x, XLDUMP_CAUSE_BUSY, -EBUSY,
		       "domain %u is being saved or migrated (process %d), which needs its dirty "
		       "log; wait, or use --strategy=rescan",
		       e->dom.domid, (int)saver);
}

/* Xen says all kinds of things of a domain that goes away.  True: it does, which has been said instead. */
static bool went_away(struct xl_engine *e)
{
	if (xl_engine_check_alive(e) == -ESRCH)
		return true;
	xl_err_clear(e->x);
	return false;
}

static int explain_start(struct xl_engine *e, int r)
{
	if (went_away(e))
		return -ESRCH;
	if (r == -EBUSY)
		return fail_busy(e);
	if (r == -EOPNOTSUPP)
		return xl_fail(e->x, XLDUMP_CAUSE_UNSUPPORTED, r,
			       "this hypervisor cannot log dirty pages of domain %u; use "
			       "--strategy=rescan",
			       e->dom.domid);
	if (r == -ENOMEM)
		return xl_fail(e->x, XLDUMP_CAUSE_OTHER, r,
			       "Xen has no memory left for the dirty log of domain %u; free some "
			       "memory of the host (`xl info' shows free_memory), or use "
			       "--strategy=rescan",
			       e->dom.domid);
	return xl_engine_err(e, r, "switch on log-dirty mode");
}

/* The count in Xen may be left over from an earlier use of the log; fetching resets it.  What is
 * fetched is of no interest: nothing has been copied yet. */
static int reset(struct xl_dirtylog *l)
{
	struct xl_engine *e = l->e;

	l->seen = 0;
	l->tot_min = l->tot_max = e->dom.tot_pages;
	l->looked = e->hv->ops->now_ns(e->hv);
	return e->hv->ops->logdirty_fetch(e->hv, e->dom.domid, false, &l->fresh);
}

static int start_dm(struct xl_dirtylog *l)
{
	struct xl_engine *e = l->e;
	int r;

	/* It may have done it and failed to say so in time. */
	l->dm_on = true;
	xl_undo_update(e->x->undo, 0, XL_UNDO_DM_LOG);
	r = e->hv->ops->dm_logdirty(e->hv, &e->dom, true);
	return r < 0 ? xl_engine_err(e, r, "have the device model report its writes (QMP)") : 0;
}

int xl_dirtylog_start(struct xl_dirtylog *l, struct xl_engine *e)
{
	pid_t saver = find_saver(e);
	int r = xl_bitmap_init(&l->fresh, e->map->nr_pfns);

	l->e = e;
	if (r < 0)
		return xl_err(e->x, r,
			      "allocate a dirty log of %" PRIu64 " pages", e->map->nr_pfns);
	if (saver)
		return fail_saver(e, saver);
	r = xl_undo_log_begin(e->x, e->x->undo);
	if (r < 0)
		return r;
	r = e->hv->ops->logdirty_start(e->hv, e->dom.domid, e->map->nr_pfns);
	xl_undo_log_end(e->x->undo, r == 0);
	if (r < 0)
		return explain_start(e, r);
	l->on = true;
	r = reset(l);
	if (r < 0)
		return xl_engine_err(e, r, "fetch the dirty log");
	return e->dom.hvm_devices ? start_dm(l) : 0;
}

static void note_size(struct xl_dirtylog *l, uint64_t pages)
{
	l->tot_min = pages < l->tot_min ? pages : l->tot_min;
	l->tot_max = pages > l->tot_max ? pages : l->tot_max;
}

/* Whether there were more pages in the log before than now, and ballooning does not explain it. */
static bool shrunk(struct xl_dirtylog *l, uint64_t before, uint64_t now)
{
	struct xl_domain dom;

	if (now >= before)
		return false;
	if (l->e->hv->ops->domain_info(l->e->hv, l->e->dom.domid, &dom) < 0)
		return true;
	/* Xen up to 4.17 counts nothing then, and says nothing. */
	if (dom.dying)
		return false;
	note_size(l, dom.tot_pages);
	return before - now > l->tot_max - l->tot_min;
}

int xl_dirtylog_count(struct xl_dirtylog *l, uint64_t *ret)
{
	struct xl_hv *hv = l->e->hv;
	uint64_t now;
	int r;

	hv->doing = "count the dirty log";
	r = hv->ops->logdirty_count(hv, l->e->dom.domid, &now);
	if (r < 0)
		return r;
	if (shrunk(l, l->seen, now)) {
		l->lost = true;
		return -ESTALE;
	}
	l->seen = now;
	l->looked = hv->ops->now_ns(hv);
	*ret = now;
	return 0;
}

int xl_dirtylog_watch(struct xl_dirtylog *l)
{
	uint64_t now;
	int r;

	if (l->e->hv->ops->now_ns(l->e->hv) - l->looked < WATCH_EVERY_NS)
		return 0;
	r = xl_dirtylog_count(l, &now);
	return r < 0 ? xl_dirtylog_err(l, r, "watch the dirty log") : 0;
}

int xl_dirtylog_fetch(struct xl_dirtylog *l, bool last, struct xl_bitmap *into)
{
	struct xl_hv *hv = l->e->hv;
	uint64_t t0 = hv->ops->now_ns(hv), counted;
	int r = xl_dirtylog_count(l, &counted);

	if (r < 0)
		return r;
	hv->doing = "fetch the dirty log";
	r = hv->ops->logdirty_fetch(hv, l->e->dom.domid, last, &l->fresh);
	if (r < 0)
		return r;
	if (shrunk(l, counted, xl_bitmap_count(&l->fresh))) {
		l->lost = true;
		return -ESTALE;
	}
	l->seen = 0;
	note_size(l, l->e->dom.tot_pages);
	xl_bitmap_or(into, &l->fresh);
	l->fetch_ns = hv->ops->now_ns(hv) - t0;
	l->fetches_ns += l->fetch_ns;
	return 0;
}

/* The owner that can be seen: a save, or a dump that began when a save had ended. */
static bool taken(struct xl_dirtylog *l)
{
	if (!l->lost)
		l->lost = find_saver(l->e) ||
			  xl_undo_log_has_other_owner(l->e->x->undo);
	return l->lost;
}

int xl_dirtylog_verify(struct xl_dirtylog *l)
{
	struct xl_engine *e = l->e;
	int r;

	if (taken(l))
		return xl_dirtylog_err(l, -ESTALE, "");
	/* Not for its pages, which are later than the dump: for its count. */
	r = xl_dirtylog_fetch(l, false, &l->fresh);
	if (r < 0)
		return xl_dirtylog_err(l, r, "check that nobody took the dirty log");
	r = e->hv->ops->logdirty_start(e->hv, e->dom.domid, e->map->nr_pfns);
	l->verified = r == -EBUSY || r == 0;
	if (r == -EBUSY)
		return 0;
	if (r < 0)
		return xl_engine_err(e, r, "see whether log-dirty mode is still on");
	/* Xen up to 4.17 says so of a dying domain, too. */
	r = xl_engine_check_alive(e);
	if (r < 0)
		return r;
	/* It was off: whoever took it has finished.  Now it is on again, by us. */
	xl_dirtylog_stop(l);
	return xl_dirtylog_err(l, -ESTALE, "");
}

int xl_dirtylog_err(struct xl_dirtylog *l, int r, const char *what)
{
	if (r != -ESTALE)
		return xl_engine_err_doing(l->e, r, what);
	if (went_away(l->e))
		return -ESRCH;
	return xl_fail(l->e->x, XLDUMP_CAUSE_BUSY, -EBUSY,
		       "domain %u was saved or migrated meanwhile, which took its dirty log away, "
		       "so the dump would not be consistent; dump it again when that is over, or "
		       "use --strategy=rescan",
		       l->e->dom.domid);
}

static int stop_dm(struct xl_engine *e)
{
	return e->hv->ops->dm_logdirty(e->hv, &e->dom, false);
}

static int stop_xen(struct xl_engine *e)
{
	return e->hv->ops->logdirty_stop(e->hv, e->dom.domid);
}

static bool gone(struct xl_engine *e)
{
	struct xl_domain now;
	int r = e->hv->ops->domain_info(e->hv, e->dom.domid, &now);

	return r == -ESRCH || (r == 0 && now.dying);
}

/* 0 also when there is nothing left to be switched off. */
static int insist(struct xl_engine *e, int (*stop)(struct xl_engine *e))
{
	int r;

	for (unsigned i = 1;; i++) {
		r = stop(e);
		if (r == 0 || r == -ESRCH || gone(e))
			return 0;
		if (i == STOP_TRIES)
			return r;
		e->hv->ops->sleep_ns(e->hv, STOP_WAIT_NS);
	}
}

static void switch_off(struct xl_dirtylog *l)
{
	struct xl_engine *e = l->e;
	int r = l->dm_on ? insist(e, stop_dm) : 0;

	if (r == 0)
		xl_undo_update(e->x->undo, XL_UNDO_DM_LOG, 0);
	else
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "the device model of domain %u still reports its writes (%s); this costs it "
		       "a little speed",
		       e->dom.domid, strerror(-r));
	r = insist(e, stop_xen);
	if (r == 0)
		xl_undo_update(e->x->undo, XL_UNDO_ALL_LOG, 0);
	else
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "log-dirty mode of domain %u could not be switched off (%s)", e->dom.domid,
		       strerror(-r));
	l->on = l->dm_on = false;
}

void xl_dirtylog_stop(struct xl_dirtylog *l)
{
	struct xl_engine *e = l->e;
	pid_t saver;

	if (!l->on)
		return;
	if (!l->verified && taken(l)) {
		l->on = l->dm_on = false;
		xl_undo_update(e->x->undo, XL_UNDO_ALL_LOG | XL_UNDO_DM_LOG, 0);
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "log-dirty mode of domain %u is left to the program that has taken it",
		       e->dom.domid);
		return;
	}
	switch_off(l);
	saver = find_saver(e);
	if (saver)
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "a save or migration of domain %u (process %d) began just when the dump "
		       "released the dirty log; if the restored guest misbehaves, save or migrate "
		       "it again",
		       e->dom.domid, (int)saver);
}

void xl_dirtylog_deinit(struct xl_dirtylog *l)
{
	if (l->e)
		xl_dirtylog_stop(l);
	xl_bitmap_deinit(&l->fresh);
}
