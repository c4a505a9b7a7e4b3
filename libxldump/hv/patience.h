/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam to the hypervisor, with patience: an operation that fails for a reason that may pass, as a
 * busy domain 0 has them (no memory for the moment, a signal), is tried again, for some seconds while
 * the guest runs, and while it is paused for as long as is allowed.
 *
 * That Xen has lost track of dirty pages is -ENOMEM, too; it stays so until the log is off, and no
 * attempt is mistaken for a success.  Passed on at once are: pause() that fails with -EINTR, since it
 * may have been done; unpause() and logdirty_stop(), whose callers insist themselves. */
#ifndef XL_HV_PATIENCE_H
#define XL_HV_PATIENCE_H

#include "hv/hv.h"

#define XL_PATIENCE_NS 5000000000ULL

struct xl_patience {
	struct xl_hv hv;    /* first */
	struct xl_hv *real;
	uint64_t run_ns;    /* while nothing succeeds and the guest is not paused by us */
	uint64_t pause_ns;  /* for all waiting in one pause of ours */
	bool paused;        /* by us */
	uint64_t waited;    /* since an operation last succeeded; in a pause, since it began */
};

/* Nothing is to be released; the real seam stays the caller's, and outlives this.  pause_ns is 0:
 * nothing is tried again in a pause; run_ns is XL_PATIENCE_NS. */
void xl_patience_init(struct xl_patience *p, struct xl_hv *real);

#endif
