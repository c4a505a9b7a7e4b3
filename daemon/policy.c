/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether, and when, a dump is made. */
#include "policy.h"

static struct xd_verdict refuse(enum xd_refusal why)
{
	return (struct xd_verdict){ .what = XD_REFUSE, .why = why };
}

static bool has_room(const struct xd_policy_in *in, uint64_t need)
{
	return in->room >= in->keep_free && in->room - in->keep_free >= need;
}

/* The first that fits, else the number of them. */
static unsigned fits(const struct xd_policy_in *in)
{
	unsigned i = 0;

	while (i < in->needs && !has_room(in, in->need[i]))
		i++;
	return i;
}

/* What is reckoned is more than most take: with so much of it, it is tried rather than given up. */
#define HOPE_PART 4

static struct xd_verdict room_for(const struct xd_policy_in *in)
{
	unsigned i = fits(in), last = in->needs - 1;
	bool can_wait = xd_policy_can_wait(in->held, in->now, in->asked_at);

	if (i == 0)
		return (struct xd_verdict){ .what = XD_ADMIT };
	if (can_wait || (in->held && in->others))
		return (struct xd_verdict){ .what = XD_DEFER,
					    .why = XD_REFUSED_NO_SPACE,
					    .until = in->now + XD_LOOK_FOR_ROOM };
	if (i < in->needs)
		return (struct xd_verdict){ .what = XD_ADMIT, .smaller = i };
	if (has_room(in, in->need[last] / HOPE_PART))
		return (struct xd_verdict){ .what = XD_ADMIT, .smaller = last };
	return refuse(XD_REFUSED_NO_SPACE);
}

bool xd_policy_can_wait(bool held, uint64_t now, uint64_t asked_at)
{
	return !held && now < asked_at + XD_WAIT_FOR_ROOM;
}

static enum xd_refusal refusal_of_crash(const struct xd_policy_in *in)
{
	bool panic = in->trigger == XD_TRIGGER_PANIC;

	if (!in->set->crash || (panic && !in->set->panic))
		return XD_REFUSED_DISABLED;
	if (in->action == XD_ACTION_COREDUMP_DESTROY || in->action == XD_ACTION_COREDUMP_RESTART)
		return XD_REFUSED_COREDUMP;
	if (in->dumped && in->now < in->last_dump + in->set->min_interval)
		return XD_REFUSED_TOO_SOON;
	return XD_OK;
}

struct xd_verdict xd_policy(const struct xd_policy_in *in)
{
	bool crashed = xd_trigger_crashed(in->trigger);
	enum xd_refusal r = crashed ? refusal_of_crash(in) : XD_OK;

	if (!in->found)
		return refuse(XD_REFUSED_NO_DOMAIN);
	if (in->domid == 0)
		return refuse(XD_REFUSED_DOMAIN0);
	if (r != XD_OK)
		return refuse(r);
	if (in->same_waits)
		return refuse(XD_REFUSED_DUPLICATE);
	/* Crashes are one for each domain at most, and do not come again. */
	if (!crashed && in->waiting >= in->max_waiting)
		return refuse(XD_REFUSED_QUEUE_FULL);
	if (in->other_first)
		return (struct xd_verdict){ .what = XD_DEFER, .why = XD_REFUSED_DUPLICATE, .until = XD_NOT_TIMED };
	if (in->now < in->not_before)
		return (struct xd_verdict){ .what = XD_DEFER, .until = in->not_before };
	return room_for(in);
}

unsigned xd_policy_retry(enum xldump_cause cause, unsigned attempts, bool crashed, bool held)
{
	if (attempts >= XD_MAX_ATTEMPTS)
		return 0;
	switch (cause) {
	case XLDUMP_CAUSE_BUSY: /* a migration, which takes its time */
		return crashed ? 5 : 60;
	case XLDUMP_CAUSE_NO_SPACE:
		return held ? 5 : 300; /* others that have ended leave room */
	case XLDUMP_CAUSE_DIED: /* once may be an accident, twice is a bug of ours */
		return attempts < 2 ? 5 : 0;
	case XLDUMP_CAUSE_OTHER: /* perhaps memory that was short for a moment; and the guest is there once */
		return crashed && attempts < 3 ? 5 : 0;
	default:
		return 0;
	}
}
