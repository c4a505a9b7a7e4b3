/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of several whole kernels is meant. */
#ifndef XL_GUEST_KERNEL_CHOICE_H
#define XL_GUEST_KERNEL_CHOICE_H

#include "guest/kernel.h"
#include "guest/running.h"

/* A kernel that has stood up to all checks. */
struct xl_contender {
	const char *text; /* VMCOREINFO */
	uint64_t start;   /* physical address of its code */
	enum xl_runs runs;
	int score;        /* by what it says of itself */
	size_t index;     /* of whoever asks */
};

/* Of at least one, the one that the user wants, that the dump's notes name, or that the vCPUs run.
 * ret->unsure if none of these tells.  Puts the list in order.
 *
 * -ENXIO, with words: the user wants one that is not among them. */
_must_check_ int xl_kernel_choose(struct xl_ctx *x, const struct xl_candidates *c,
				  struct xl_contender *list, size_t n, struct xl_kernels *ret,
				  size_t *ret_index);

#endif
