/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages that need not be read: by what is known so far, the dump will leave them out.
 *
 * What is left out is judged by the struct pages of T.  Those are copied first, in each round and in
 * the pause; whichever page they then say stays in is copied like one that was written to.  So at T
 * nothing is missing of what stays in. */
#ifndef XL_CAPTURE_SKIP_H
#define XL_CAPTURE_SKIP_H

#include "capture/last_copy.h"

/* With a dump level by which pages can be skipped: find the guest's kernel and where its struct pages
 * are, and set e->follow.  Before anything is copied, and before the guest is slowed or stopped.  Does
 * nothing a second time.
 *
 * -EOPNOTSUPP with XLDUMP_CAUSE_UNSUPPORTED: no pages of this guest can be left out. */
_must_check_ int xl_skip_prepare(struct xl_engine *e);

/* If e->follow: copy the struct pages, so that it is known what can be skipped from now on. */
_must_check_ int xl_skip_begin(struct xl_engine *e);

/* Move between the pages that are to be copied and those that are skipped, as the struct pages have
 * it by now.  Allocates nothing.
 *
 * @param which     to be copied
 * @param deadline  give up with -ETIME rather than pass it (hv clock); UINT64_MAX: never
 * Returns 0, or what the hypervisor says when it is asked for the types of a PV guest's pages. */
_must_check_ int xl_skip_sift(struct xl_engine *e, struct xl_bitmap *which, uint64_t deadline);

/* Look at the struct pages among what the last copy has taken so far. */
void xl_skip_look(struct xl_engine *e, const struct xl_last_copy *last);

/* Inside the pause: the pages of `which` that hold struct pages are copied, then the rest is sifted
 * and copied.
 *
 * @param now  as long as which: scratch */
_must_check_ int xl_skip_last_copy(struct xl_engine *e, struct xl_last_copy *last, struct xl_bitmap *which,
				   struct xl_bitmap *now);

#endif
