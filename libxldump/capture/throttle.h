/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Slowing a guest through its scheduler's cap, so that it dirties fewer pages than are copied.  Ends,
 * whatever happens: use with _cleanup_(xl_throttle_end). */
#ifndef XL_CAPTURE_THROTTLE_H
#define XL_CAPTURE_THROTTLE_H

#include "capture/engine.h"

struct xl_throttle {
	struct xl_engine *e;
	bool on;           /* the cap is ours and must be given back */
	uint32_t before;   /* the cap that it had: percent of one CPU, 0 for none */
	unsigned rung;     /* steps taken */
};

/* One step slower.  1: done; 0: it is as slow as we make a guest, or its scheduler has no caps. */
int xl_throttle_more(struct xl_throttle *t);

/* The cap as it was before.  Harmless when called twice or on a zeroed structure. */
void xl_throttle_end(struct xl_throttle *t);

#endif
