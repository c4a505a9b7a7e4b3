/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a running guest to pages and a cut.  The only folder in which a guest can be paused. */
#ifndef XL_CAPTURE_CAPTURE_H
#define XL_CAPTURE_CAPTURE_H

#include "base/ctx.h"
#include "cut/cut.h"
#include "guest/physmap.h"
#include "hv/hv.h"
#include "page/pipeline.h"

struct xl_capture_params {
	enum xldump_strategy strategy;
	uint64_t max_pause_ns; /* 0: no limit */
	bool throttle;         /* rather a slower guest than no dump */
	bool extend_pause;     /* rather a longer pause than no dump */
	unsigned max_rounds;
	unsigned dump_level;   /* pages that are left out: page/classify.h; 0: none */
	const char *scratch;   /* folder for a temporary file; NULL: in memory.  With a dump_level only */
	xldump_progress_fn progress;
	void *progress_data;
};

/* Read the guest into the pipeline and take the cut.
 *
 * When this returns, the guest is in the state it was found in and log-dirty mode is off, whatever
 * happened.  map is brought up to date to T; cut->p2m borrows from it.
 *
 * @param cut  host, dom, name and type are set by the caller; the rest is filled in here */
int xl_capture(struct xl_ctx *x, struct xl_hv *hv, const struct xl_capture_params *params,
	       struct xl_physmap *map, struct xl_pipeline *pipe, struct xl_cut *cut);

/* The strategies, for engine.c's table alone. */
struct xl_engine;
int xl_strategy_precopy(struct xl_engine *e);
int xl_strategy_rescan(struct xl_engine *e);
int xl_strategy_still(struct xl_engine *e);

#endif
