/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The copy inside the pause, which all strategies with a short pause share: into memory, within a
 * deadline, and checked against those who write to a guest although its vCPUs stand still.
 *
 * The instant T of the dump lies between two looks.  What the last look found as the one before had
 * taken it did not change from one to the other, so it is of T; and what the dirty log sees is of T
 * if nothing was logged from the copy of the dirty pages to the end of the last look.  If anything
 * was, it is taken anew, and T moves behind that: a few times.  Pages that changed even so are
 * suspects: in the dump as they were seen last, and listed by the provenance note.
 *
 * Compared are the pages that may be written unseen.  With the dirty log on: rings, and frames that
 * backends have mapped for writing.  Without: all frames that are granted for writing, mapped
 * or not; and the whole guest if it has a device model, which may write anywhere.
 */
#ifndef XL_CAPTURE_LAST_COPY_H
#define XL_CAPTURE_LAST_COPY_H

#include "capture/engine.h"
#include "capture/stash.h"
#include "guest/m2p.h"

/* Frames of one look at the grant table: as many as one has that is ten times Xen's default limit. */
#define XL_MAX_GRANTS ((size_t)640 * 512)

struct xl_last_copy {
	struct xl_engine *e;
	struct xl_stash stash;
	uint32_t *index;          /* by pfn: the last place in the stash, plus 1; 0: not taken */
	struct xl_bitmap unseen;  /* pages that may be written without the log noticing */
	struct xl_bitmap left;    /* what this look compares */
	struct xl_bitmap suspect; /* those that were seen to change in the last look */
	bool logged;              /* the dirty log is on: it sees all other writes */
	bool patient;             /* the pause may be long: with progress, and rather a suspect than
				     no dump */
	xl_frame_t *grant;        /* XL_MAX_GRANTS */
	struct xl_m2p *m2p;       /* PV: to name a grant's frame */
	uint64_t deadline;        /* hv clock */
};

/* Everything that the pause must not allocate.  Called before the rounds, when it may take time. */
_must_check_ int xl_last_copy_init(struct xl_last_copy *l, struct xl_engine *e);
void xl_last_copy_deinit(struct xl_last_copy *l);

/* Before each pause: room for so many pages, and a look at who writes unseen. */
_must_check_ int xl_last_copy_prepare(struct xl_last_copy *l, uint64_t pages);

/* ---- inside the pause ---- */

/* Forget what an earlier attempt took, and add the pages that are written unseen to `which`. */
_must_check_ int xl_last_copy_begin(struct xl_last_copy *l, struct xl_bitmap *which,
				    uint64_t deadline);

/* Append the pages of `which`.  -E2BIG: more than there is room for; -ETIME: past the deadline. */
_must_check_ int xl_last_copy_add(struct xl_last_copy *l, const struct xl_bitmap *which);

/* Append a page that was read already. */
_must_check_ int xl_last_copy_take(struct xl_last_copy *l, xl_pfn_t pfn, uint8_t type,
				   const uint8_t *page);

/* What the dirty log has since it was asked last; *ret is NULL before, and stays so if that is
 * nothing. */
typedef int (*xl_late_fn)(void *data, const struct xl_bitmap **ret);

/* The end of the copy: settle on T, with the looks that this takes.  Fails if any page of the pause
 * could not be mapped although it exists.
 *
 * @param late  NULL if there is no log */
_must_check_ int xl_last_copy_verify(struct xl_last_copy *l, xl_late_fn late, void *data);

/* Pages that may not be of T. */
void xl_last_copy_suspect(struct xl_last_copy *l, const struct xl_bitmap *which);

/* ---- outside again ---- */

/* All of it into the pipeline, as one more round; the suspects into the cut. */
_must_check_ int xl_last_copy_put(struct xl_last_copy *l);

#endif
