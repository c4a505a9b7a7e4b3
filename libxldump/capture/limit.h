/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The limit of the pause: what of it can be planned with, and what is done when it cannot be kept. */
#ifndef XL_CAPTURE_LIMIT_H
#define XL_CAPTURE_LIMIT_H

#include "capture/engine.h"

/* Strategies that read all memory while the guest stands still keep 1/n of the limit in reserve. */
#define XL_LIMIT_RESERVE 8

/* What of the limit a prediction may use, if an nth of it is kept for what takes longer than foreseen. */
static inline uint64_t xl_limit_plannable(const struct xl_engine *e, unsigned nth)
{
	return e->max_pause_ns - e->max_pause_ns / nth;
}

/* It cannot be kept, and there is nothing more to be done about it.
 *
 * @param why      half a sentence for the user, or ""
 * @param foreseen the pause, predicted; if that could be planned with, the pauses took longer */
_must_check_ int xl_limit_fail(struct xl_engine *e, const char *why, uint64_t foreseen,
			       unsigned nth);

/* When the copy inside a pause that began at `since` must be done to keep the limit; UINT64_MAX when
 * there is none. */
uint64_t xl_limit_copy_until(const struct xl_engine *e, uint64_t since);

/* Warn about a pause that has broken the limit all the same. */
void xl_limit_tell_overrun(struct xl_engine *e, uint64_t lasted);

/* The limit of the pause cannot be kept.  True if the user prefers a longer pause to none: the limit
 * is gone then, and the cut says so. */
bool xl_limit_lift(struct xl_engine *e);

#endif
