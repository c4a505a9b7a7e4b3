/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a running guest to pages and a cut.  The only folder in which a guest can be paused. */
#ifndef XL_CAPTURE_CAPTURE_H
#define XL_CAPTURE_CAPTURE_H

#include "base/ctx.h"
#include "capture/params.h"
#include "cut/cut.h"
#include "guest/physmap.h"
#include "hv/hv.h"
#include "page/pipeline.h"

/* Read the guest into the pipeline and take the cut.
 *
 * When this returns, the guest is in the state it was found in and log-dirty mode is off, whatever
 * happened.  map is brought up to date to T; cut->p2m borrows from it.
 *
 * @param cut  host, dom, name and type are set by the caller; the rest is filled in here */
_must_check_ int xl_capture(struct xl_ctx *x, struct xl_hv *hv, const struct xl_capture_params *params,
			    struct xl_physmap *map, struct xl_pipeline *pipe, struct xl_cut *cut);

#endif
