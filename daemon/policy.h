/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether, and when, a dump is made: a pure function of what is known. */
#ifndef XLDUMP_DAEMON_POLICY_H
#define XLDUMP_DAEMON_POLICY_H

#include "common/job.h"
#include "size.h"

/* All times in seconds of CLOCK_BOOTTIME, which no step of the host's clock touches. */
struct xd_policy_in {
	enum xd_trigger trigger;
	const struct xd_settings *set;
	bool found;           /* the domain is there, and is not being destroyed */
	uint32_t domid;
	enum xd_action action; /* of libxl; a crash's alone */
	bool held;            /* its memory is there only as long as we hold a lock: now or never */
	bool same_waits;      /* one that comes in is not needed: another of this domain waits or runs */
	bool other_first;     /* another of this domain runs, or comes before this one */
	unsigned waiting, max_waiting;
	uint64_t now;
	bool dumped;          /* a crash of this guest was dumped, at last_dump */
	uint64_t last_dump;
	uint64_t not_before;  /* it failed in a way that may pass: when it may be tried again */
	uint64_t asked_at;    /* when it came in */
	uint64_t need[XD_SIZE_STEPS + 1]; /* bytes of the dump, as it is wanted and as it may be instead */
	unsigned needs;       /* how many of these there are */
	uint64_t room;        /* bytes that the file system has, without those for dumps that run */
	uint64_t keep_free;   /* of them, not for us */
	bool others;          /* dumps run, which may leave more room than they were given */
};

enum xd_policy_what { XD_ADMIT, XD_DEFER, XD_REFUSE };

struct xd_verdict {
	enum xd_policy_what what;
	enum xd_refusal why; /* of a refusal, or what a deferred one waits for; XD_OK: for its time */
	uint64_t until;      /* of one that is deferred */
	unsigned smaller;    /* of one that is admitted: which of in.need it must do with */
};

/* Deferred until something else has ended. */
#define XD_NOT_TIMED (UINT64_MAX / 1000000)

/* How long a request waits for room, and how often it looks. */
#define XD_WAIT_FOR_ROOM 3600
#define XD_LOOK_FOR_ROOM 30

struct xd_verdict xd_policy(const struct xd_policy_in *in);

/* Whether the guest, or whoever asked for it, can wait for room. */
bool xd_policy_can_wait(bool held, uint64_t now, uint64_t asked_at);

/* When one that failed with this cause is tried again: seconds from now; 0: never.  held: libxl waits. */
unsigned xd_policy_retry(enum xldump_cause cause, unsigned attempts, bool crashed, bool held);

/* No job is begun more often. */
#define XD_MAX_ATTEMPTS 5

#endif
