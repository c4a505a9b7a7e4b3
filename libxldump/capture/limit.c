/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The limit of the pause. */
#include "capture/limit.h"

#include <stdio.h>
#include <string.h>

uint64_t xl_limit_copy_until(const struct xl_engine *e, uint64_t since)
{
	/* A sixteenth is left for the vCPUs and the unpause. */
	return e->max_pause_ns ? since + e->max_pause_ns - e->max_pause_ns / 16 : UINT64_MAX;
}

void xl_limit_tell_overrun(struct xl_engine *e, uint64_t lasted)
{
	if (e->max_pause_ns && lasted > e->max_pause_ns)
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "domain %u was stopped for %.1f ms, longer than the %.1f ms allowed",
		       e->dom.domid, (double)lasted / 1e6, (double)e->max_pause_ns / 1e6);
}

bool xl_limit_lift(struct xl_engine *e)
{
	struct xl_cut *cut = e->cut;
	size_t len = strlen(cut->reason);

	if (!e->p->extend_pause)
		return false;
	(void)snprintf(cut->reason + len, sizeof(cut->reason) - len,
		       "%sthe limit of %.1f ms for the pause could not be kept", len ? "; " : "",
		       (double)e->max_pause_ns / 1e6);
	e->max_pause_ns = 0;
	return true;
}

/* Three digits, or all that are before the point. */
static const char *ms(uint64_t ns, char buf[static 24])
{
	double v = (double)ns / 1e6;

	(void)snprintf(buf, 24, v < 999.5 ? "%.3g ms" : "%.0f ms", v);
	return buf;
}

int xl_limit_fail(struct xl_engine *e, const char *why, uint64_t foreseen, unsigned nth)
{
	const char *reason = e->cut->reason;
	uint64_t plannable = xl_limit_plannable(e, nth);
	char about[24], planned[24], allowed[24];

	if (foreseen > plannable)
		return xl_fail(e->x, XLDUMP_CAUSE_PAUSE_LIMIT, -ETIME,
			       "%s%s%sthe guest would be stopped for about %s, but only %s of the "
			       "%s allowed can be used (the rest is a reserve); allow more with "
			       "--max-pause",
			       reason, reason[0] ? "; " : "", why, ms(foreseen, about),
			       ms(plannable, planned), ms(e->max_pause_ns, allowed));
	return xl_fail(e->x, XLDUMP_CAUSE_PAUSE_LIMIT, -ETIME,
		       "%s%s%sthe pause took longer than the predicted %s and was given up to keep "
		       "the limit of %s; allow more with --max-pause",
		       reason, reason[0] ? "; " : "", why, ms(foreseen, about),
		       ms(e->max_pause_ns, allowed));
}
