/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pause of a guest that ends, whatever happens in between: use with _cleanup_(xl_pause_end). */
#ifndef XL_CAPTURE_PAUSE_H
#define XL_CAPTURE_PAUSE_H

#include <signal.h>

#include "base/ctx.h"
#include "hv/hv.h"

struct xl_pause {
	struct xl_ctx *x;
	struct xl_hv *hv;
	uint32_t domid;
	bool owed;      /* exactly one unpause */
	uint64_t since; /* ns, hv clock, just before the pause was asked for */
	uint64_t lasted;
	sigset_t signals; /* the thread's mask before */
};

/* Stop all vCPUs; synchronous.  Leaves the error chain to the caller, who can tell whether the
 * domain is gone.  Until the end, the signals with which a terminal stops a process (SIGTSTP,
 * SIGTTIN, SIGTTOU) wait: the guest would stand still with us.  SIGSTOP cannot wait. */
_must_check_ int xl_pause_begin(struct xl_ctx *x, struct xl_hv *hv, uint32_t domid,
				struct xl_pause *p);

/* Let them go, if they are owed that.  On failure the chain is set with
 * XLDUMP_CAUSE_STILL_PAUSED, unless the domain is gone, which is as good.  Harmless when called
 * twice or on a zeroed structure. */
int xl_pause_finish(struct xl_pause *p);

static inline void xl_pause_end(struct xl_pause *p)
{
	(void)xl_pause_finish(p);
}

#endif
