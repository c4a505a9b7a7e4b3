/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The undo journal of a dump: what it owes to a guest should its process die.
 *
 * One file for each dump under way, in a folder that only root can use.  What is about to be done
 * to the guest is recorded before, and struck out after it was undone, so that whoever finds the
 * journal of a dead process can do it (hv/recover.h).  The file is mapped: recording is a store to
 * memory, which works inside the pause too and outlives SIGKILL.  It does not outlive the host, nor
 * does what it is about.
 *
 * The owner holds a lock on its journal (flock), which ends with the process.  A child that a
 * program forks without exec inherits it and would make a dead owner look alive: the daemon's
 * workers are forked before they open anything, and fork nothing.
 *
 * Every function accepts NULL, for "no journal", and then does nothing.
 */
#ifndef XL_HV_UNDO_H
#define XL_HV_UNDO_H

#include "base/ctx.h"

#ifndef XL_UNDO_DIR /* a test of a whole program has another one */
#define XL_UNDO_DIR "/run/xldump/undo"
#endif

/* What is owed.  One word, so that any change is one store. */
enum {
	/* A pause or an unpause has been asked for, and it is not recorded that it was done. */
	XL_UNDO_PAUSE_MAYBE = 1 << 0,
	XL_UNDO_PAUSED = 1 << 1,        /* one unpause */
	XL_UNDO_PAUSED_BEFORE = 1 << 2, /* somebody else's pause was seen just before ours */
	XL_UNDO_LOG_MAYBE = 1 << 3,     /* as PAUSE_MAYBE, for log-dirty mode */
	XL_UNDO_LOG = 1 << 4,
	XL_UNDO_DM_LOG = 1 << 5, /* the device model's, asked for or on: off is off, asked twice */
	XL_UNDO_PARTIAL = 1 << 6, /* a file with a temporary name */
	XL_UNDO_CAP = 1 << 7,     /* the scheduler's cap that it had, as xl_undo_cap() was told */
};

#define XL_UNDO_ALL_PAUSE (XL_UNDO_PAUSE_MAYBE | XL_UNDO_PAUSED | XL_UNDO_PAUSED_BEFORE)
#define XL_UNDO_ALL_LOG (XL_UNDO_LOG_MAYBE | XL_UNDO_LOG)
/* What the guest is owed. */
#define XL_UNDO_GUEST (XL_UNDO_ALL_PAUSE | XL_UNDO_ALL_LOG | XL_UNDO_DM_LOG | XL_UNDO_CAP)

struct xl_undo;

/* Begin a journal.  Fails with XLDUMP_CAUSE_OUTPUT where it cannot be written: without it, no guest
 * must be touched.
 *
 * @param dir  XL_UNDO_DIR, or another one in tests; it and its parent are made if need be */
_must_check_ int xl_undo_open(struct xl_ctx *x, const char *dir, uint32_t domid,
			      const uint8_t uuid[16], struct xl_undo **ret);

/* The end of the dump.  The journal goes, unless the guest is still owed something: then it stays,
 * for the next one to try. */
void xl_undo_close(struct xl_undo *u);

/* Strike out `clear`, record `set`.  One atomic store: also inside the pause. */
void xl_undo_update(struct xl_undo *u, uint32_t clear, uint32_t set);

/* Around the switching on of log-dirty mode.  Nobody replays a journal in between, so that a mode
 * that is just being switched on for one dump is not taken for that of another. */
_must_check_ int xl_undo_log_begin(struct xl_ctx *x, struct xl_undo *u);
void xl_undo_log_end(struct xl_undo *u, bool on);

/* Whether another living dump of the same domain says that the dirty log is its own. */
bool xl_undo_log_has_other_owner(struct xl_undo *u);

/* The guest is about to be slowed, and had this cap. */
void xl_undo_cap(struct xl_undo *u, uint32_t before);

/* A file with this name is about to be made, and is to go if we die. */
void xl_undo_partial(struct xl_undo *u, int dirfd, const char *name);

#endif
