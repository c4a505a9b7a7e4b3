/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When to stop copying a running guest and pause it. */
#include "capture/policy.h"

/* So few that another round would dirty as many: Xen's own migration stops at 50
 * (xg_sr_save.c, SPP_TARGET_DIRTY_COUNT). */
#define FEW_PAGES 64

#define WITHIN(ns, limit) ((ns) <= (limit) - (limit) / XL_POLICY_RESERVE)

uint64_t xl_policy_predict(const struct xl_policy_stats *s)
{
	return s->fixed_ns + s->dirty * s->page_ns;
}

enum xl_policy_decision xl_policy_decide(struct xl_policy_stats s)
{
	int allowed = s.max_pause_ns == 0 || WITHIN(xl_policy_predict(&s), s.max_pause_ns);
	/* Shrinking by less than a quarter a round: the guest dirties as fast as we copy, and more
	 * rounds only cost. */
	int converging = s.dirty_before == 0 || s.dirty < s.dirty_before - s.dirty_before / 4;

	if (allowed && (s.dirty <= FEW_PAGES || !converging))
		return XL_POLICY_STOP;
	if (s.round <= s.max_rounds)
		return XL_POLICY_CONTINUE;
	return allowed ? XL_POLICY_STOP : XL_POLICY_OVERRUN;
}
