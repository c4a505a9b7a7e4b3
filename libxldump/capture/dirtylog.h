/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dirty log of a guest while a dump holds it: switched on, fetched, watched, switched off.
 *
 * Xen has one log for each domain, and it has no owner.  Whoever saves or migrates the domain takes
 * it without asking: libxl switches it off and on again (xg_sr_save.c, enable_logdirty), and what
 * was in it is gone.  How that is noticed:
 *
 *  - Xen counts the pages in the log, and only fetching the log resets the count; switching it off
 *    drops the pages and leaves the count (xen/arch/x86/mm/paging.c).  So at every fetch there must
 *    be at least as many pages as were counted just before: fewer, and some were dropped, or were
 *    fetched by somebody else.
 *  - Between two fetches the count only grows, so it is looked at now and then: if it went down,
 *    somebody else has fetched.
 *    (Both allow for as many pages as the guest has given back or got meanwhile: Xen 4.19 and later
 *    take those out of the log, and new ones may lie beyond the frames that we ask for.)
 *  - After the last fetch the log must still be on: asking to switch it on must fail.  Nor may
 *    another dump say that it is its own, which can have begun after a save had ended.
 *  - libxl does it from a process that lives until the log is off again.  While there is one, the
 *    log is not ours, whatever the counts say.
 *
 * The last two together miss nothing that goes through libxl on this host: its process is there, or
 * has switched the log off.  The first two are for any other toolstack, and less sure.  They see
 * nothing when no page was dirty at the moment of the theft (then only what the guest wrote between
 * the thief's switching off and on is missing from the dump), or no more than it dirtied between our
 * look and our fetch, some microseconds; and when the thief fetches the log before we look at it
 * again, or when it has as many pages again by our next look.  (Fetching returns a count, too, but
 * one that includes pages it has not returned, when Xen interrupts itself in a large guest.)
 *
 * The log is not switched off when it is somebody else's.  One gap remains: a save that takes the
 * log between our last look and our switching it off, well below a millisecond, loses it; the look
 * afterwards sees its process, and warns.
 */
#ifndef XL_CAPTURE_DIRTYLOG_H
#define XL_CAPTURE_DIRTYLOG_H

#include "capture/engine.h"

struct xl_dirtylog {
	struct xl_engine *e;
	struct xl_bitmap fresh; /* as fetched */
	bool on, dm_on;
	bool verified;       /* only just: it is ours */
	bool lost;           /* somebody else has taken it: not ours to switch off */
	uint64_t seen;       /* pages counted at the last look since the last fetch */
	uint64_t looked;     /* when that was */
	uint64_t tot_min, tot_max; /* pages that the domain had, since the beginning */
	uint64_t fetch_ns;   /* what the last fetch took */
	uint64_t fetches_ns; /* and all together since somebody set it to 0 */
};

/* Switch it on, that of the device model too.  Recorded in the undo journal. */
_must_check_ int xl_dirtylog_start(struct xl_dirtylog *l, struct xl_engine *e);

/* Number of dirty pages.  -ESTALE when the log is not ours any more.  Also inside the pause. */
_must_check_ int xl_dirtylog_count(struct xl_dirtylog *l, uint64_t *ret);

/* Now and then in a long copy: as xl_dirtylog_count(), but rarely. */
_must_check_ int xl_dirtylog_watch(struct xl_dirtylog *l);

/* Fetch and reset the log and add it to `into`.  -ESTALE as above.  Also inside the pause. */
_must_check_ int xl_dirtylog_fetch(struct xl_dirtylog *l, bool last, struct xl_bitmap *into);

/* After the last fetch, outside the pause: 0 if the log has been ours all the time. */
_must_check_ int xl_dirtylog_verify(struct xl_dirtylog *l);

/* An error of the above in words; -ESTALE gets XLDUMP_CAUSE_BUSY. */
_must_check_ int xl_dirtylog_err(struct xl_dirtylog *l, int r, const char *what);

/* Switch off what is on, unless it is somebody else's.  Harmless when called twice. */
void xl_dirtylog_stop(struct xl_dirtylog *l);

/* The same, and free what it has; accepts a zeroed one. */
void xl_dirtylog_deinit(struct xl_dirtylog *l);

#endif
