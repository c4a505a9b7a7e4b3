/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Slowing a guest through its scheduler's cap. */
#include "capture/throttle.h"

#include <string.h>

#include "hv/undo.h"

/* Percent of the CPU time that its vCPUs could have.  A guest at a tenth still answers its watchdogs. */
static const uint32_t rungs[] = { 50, 25, 10 };

int xl_throttle_more(struct xl_throttle *t)
{
	struct xl_engine *e = t->e;
	uint32_t cap;
	int r;

	if (t->rung >= XL_ARRAY_SIZE(rungs))
		return 0;
	if (!t->on) {
		r = e->hv->ops->cap_get(e->hv, e->dom.domid, &t->before);
		if (r == -EOPNOTSUPP)
			return 0;
		if (r < 0)
			return xl_engine_err(e, r, "ask for the scheduler's cap of the guest");
	}
	cap = rungs[t->rung++] * (e->dom.online_vcpus ? e->dom.online_vcpus : 1);
	/* A guest that is kept slower than that already cannot be helped by us. */
	if (t->before && t->before <= cap)
		return xl_throttle_more(t);
	t->on = true;
	xl_undo_cap(e->x->undo, t->before);
	r = e->hv->ops->cap_set(e->hv, e->dom.domid, cap);
	if (r < 0)
		return xl_engine_err(e, r, "set the scheduler's cap of the guest");
	xl_log(e->x, XLDUMP_LOG_INFO, "the guest is slowed to %u %% of its CPU time",
	       rungs[t->rung - 1]);
	return 1;
}

void xl_throttle_end(struct xl_throttle *t)
{
	int r;

	if (!t->on)
		return;
	t->on = false;
	r = t->e->hv->ops->cap_set(t->e->hv, t->e->dom.domid, t->before);
	if (r == 0 || r == -ESRCH)
		xl_undo_update(t->e->x->undo, XL_UNDO_CAP, 0);
	if (r < 0 && r != -ESRCH)
		xl_log(t->e->x, XLDUMP_LOG_WARNING,
		       "domain %u still has a cap on its CPU time (%s); restore the old one with "
		       "`xl sched-credit2 -d %u -c %u'",
		       t->e->dom.domid, strerror(-r), t->e->dom.domid, t->before);
}
