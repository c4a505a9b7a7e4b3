/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pause of a guest that ends. */
#include "capture/pause.h"

#include <string.h>

#include "hv/undo.h"

static void hold_signals(struct xl_pause *p)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTSTP);
	(void)sigaddset(&set, SIGTTIN);
	(void)sigaddset(&set, SIGTTOU);
	(void)pthread_sigmask(SIG_BLOCK, &set, &p->signals);
}

static void release_signals(struct xl_pause *p)
{
	(void)pthread_sigmask(SIG_SETMASK, &p->signals, NULL);
}

int xl_pause_begin(struct xl_ctx *x, struct xl_hv *hv, uint32_t domid, struct xl_pause *p)
{
	struct xl_domain before = { 0 };
	int r = x->undo ? hv->ops->domain_info(hv, domid, &before) : 0;

	*p = (struct xl_pause){ .x = x, .hv = hv, .domid = domid };
	if (r < 0)
		return r;
	hold_signals(p);
	xl_undo_update(x->undo, XL_UNDO_ALL_PAUSE,
		       XL_UNDO_PAUSE_MAYBE | (before.paused ? XL_UNDO_PAUSED_BEFORE : 0));
	p->since = hv->ops->now_ns(hv);
	r = hv->ops->pause(hv, domid);
	if (r < 0) {
		xl_undo_update(x->undo, XL_UNDO_ALL_PAUSE, 0);
		release_signals(p);
		return r;
	}
	xl_undo_update(x->undo, XL_UNDO_PAUSE_MAYBE, XL_UNDO_PAUSED);
	p->owed = true;
	return 0;
}

/* An unpause that failed was not counted, so it may be asked for again: as long as what hindered it
 * may pass, and, with what is waited in between, for about a second. */
#define UNPAUSE_TRIES 10
#define UNPAUSE_WAIT_NS 2000000ULL

static bool passes(int r)
{
	return r == -EINTR || r == -EAGAIN || r == -ENOMEM || r == -EBUSY;
}

static int insist(const struct xl_pause *p)
{
	uint64_t wait = UNPAUSE_WAIT_NS;

	for (unsigned i = 1;; i++, wait *= 2) {
		int r;

		xl_undo_update(p->x->undo, XL_UNDO_PAUSED, XL_UNDO_PAUSE_MAYBE);
		r = p->hv->ops->unpause(p->hv, p->domid);
		if (r == 0 || r == -ESRCH)
			return 0;
		xl_undo_update(p->x->undo, XL_UNDO_PAUSE_MAYBE, XL_UNDO_PAUSED);
		if (!passes(r) || i == UNPAUSE_TRIES)
			return r;
		/* The first time at once: it was a signal, most likely. */
		if (i > 1)
			p->hv->ops->sleep_ns(p->hv, wait);
	}
}

int xl_pause_finish(struct xl_pause *p)
{
	int r;

	if (!p->owed)
		return 0;
	p->owed = false;
	r = insist(p);
	p->lasted = p->hv->ops->now_ns(p->hv) - p->since;
	release_signals(p);
	if (r == 0) {
		xl_undo_update(p->x->undo, XL_UNDO_ALL_PAUSE, 0);
		return 0;
	}
	p->x->cause = XLDUMP_CAUSE_NONE; /* this outweighs whatever came before */
	return xl_fail(p->x, XLDUMP_CAUSE_STILL_PAUSED, r,
		       "domain %u could not be unpaused (%s): run `xl unpause %u`", p->domid,
		       strerror(-r), p->domid);
}
