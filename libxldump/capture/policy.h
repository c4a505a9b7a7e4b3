/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When to stop copying a running guest and pause it.  A pure function: statistics in, decision out;
 * no clock, no I/O. */
#ifndef XL_CAPTURE_POLICY_H
#define XL_CAPTURE_POLICY_H

#include <stdint.h>

/* A prediction is an average: this part of the limit, a quarter, is left for the odd slow page. */
#define XL_POLICY_RESERVE 4

struct xl_policy_stats {
	unsigned round;        /* rounds done: 1 after the first pass over all pages */
	unsigned max_rounds;   /* further ones allowed */
	uint64_t dirty;        /* pages dirty now: what a pause would have to copy */
	uint64_t dirty_before; /* the same one round ago; 0 after the first pass */
	uint64_t page_ns;      /* what reading one page has cost on average */
	uint64_t fixed_ns;     /* what a pause costs besides: fetching the log, vCPU state */
	uint64_t max_pause_ns; /* the user's limit; 0: none */
};

enum xl_policy_decision {
	XL_POLICY_CONTINUE, /* one more round */
	XL_POLICY_STOP,     /* pause now */
	XL_POLICY_OVERRUN,  /* no more rounds, and a pause would break the limit */
};

/* How long a pause would be that copies `dirty` pages. */
uint64_t xl_policy_predict(const struct xl_policy_stats *s);

enum xl_policy_decision xl_policy_decide(struct xl_policy_stats s);

#endif
