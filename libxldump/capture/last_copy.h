/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The copy inside the pause, which all strategies with a short pause share: into memory, within a
 * deadline, and checked against those who write to a guest although its vCPUs stand still.
 *
 * What is exact is the memory at the *end* of the pause.  Pages whose writers the dirty log sees are
 * fetched until it has nothing new; pages that are written unseen (rings, and frames that backends
 * have mapped for writing) are compared with the guest once more.  One that changed even so has a writer
 * at work, who may have written after our last look, too: it is a suspect, in the dump as it was seen
 * last, and the provenance note lists it.
 */
#ifndef XL_CAPTURE_LAST_COPY_H
#define XL_CAPTURE_LAST_COPY_H

#include "capture/engine.h"
#include "capture/stash.h"

/* Frames of one look at the grant table.  A guest with more has them all re-read, but those beyond
 * are not compared: they are suspects. */
#define XL_MAX_GRANTS 32768

struct xl_last_copy {
	struct xl_engine *e;
	struct xl_stash stash;
	uint32_t *index;          /* by pfn: the last place in the stash, plus 1; 0: not taken */
	struct xl_bitmap unseen;  /* pages that may be written without the log noticing */
	struct xl_bitmap left;    /* of them, those that are still to be compared */
	struct xl_bitmap suspect; /* those that were seen to change inside the pause */
	xl_frame_t *grant;        /* XL_MAX_GRANTS */
	struct xl_m2p *m2p;       /* PV: to name a grant's frame */
	uint64_t deadline;        /* hv clock */
};

/* Everything that the pause must not allocate.  Called before the rounds, when it may take time. */
int xl_last_copy_init(struct xl_last_copy *l, struct xl_engine *e);
void xl_last_copy_deinit(struct xl_last_copy *l);

/* Before each pause: room for so many pages, and a look at who writes unseen. */
int xl_last_copy_prepare(struct xl_last_copy *l, uint64_t pages);

/* ---- inside the pause ---- */

/* Forget what an earlier attempt took, and add the pages that are written unseen to `which`. */
int xl_last_copy_begin(struct xl_last_copy *l, struct xl_bitmap *which, uint64_t deadline);

/* Append the pages of `which`.  -E2BIG: more than there is room for; -ETIME: past the deadline. */
int xl_last_copy_add(struct xl_last_copy *l, const struct xl_bitmap *which);

/* Append a page that was read already. */
int xl_last_copy_take(struct xl_last_copy *l, xl_pfn_t pfn, uint8_t type, const uint8_t *page);

/* The end of the copy: compare the pages that are written unseen with the guest, and take those that
 * changed.  Fails if any page of the pause could not be mapped although it exists. */
int xl_last_copy_verify(struct xl_last_copy *l);

/* ---- outside again ---- */

/* All of it into the pipeline, as one more round; the suspects into the cut. */
int xl_last_copy_put(struct xl_last_copy *l);

#endif
