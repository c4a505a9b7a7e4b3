/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a dump would cost, without making it: some pages are read, and the dirty log is on for a
 * second.  The guest is not paused. */
#ifndef XL_CAPTURE_ESTIMATE_H
#define XL_CAPTURE_ESTIMATE_H

#include "capture/capture.h"
#include "codec/compress.h"

struct xl_estimate_params {
	enum xldump_guest_type type;
	enum xldump_strategy strategy;
	const struct xl_codec *codec; /* NULL: pages are written as they are */
	int level;
	unsigned threads;
	uint64_t max_pause_ns; /* 0: no limit */
	unsigned max_rounds;
};

struct xl_estimate {
	enum xldump_strategy strategy; /* never AUTO */
	char reason[256];
	bool stopped;          /* the guest does not run anyway */
	bool over_limit;       /* the pause would be longer than was allowed */
	uint64_t pages;        /* that the guest has */
	uint64_t page_bytes;   /* that they would take on disk */
	uint64_t copy_ns;      /* reading and compressing, all rounds; not the disk */
	uint64_t pause_ns;
	unsigned rounds;       /* the one in the pause included */
	uint64_t sampled;      /* pages that were read for it */
	uint64_t watched_ns;   /* how long the dirty log was on; 0: it was not */
	uint64_t dirtied;      /* pages that the guest wrote meanwhile */
};

/* The dirty log is off when this returns, whatever happened, unless somebody else has taken it.  It is
 * recorded in the undo journal.
 *
 * Errors are those that the dump would give: XLDUMP_CAUSE_BUSY where the log is on already,
 * XLDUMP_CAUSE_UNSUPPORTED for precopy where it cannot be had. */
_must_check_ int xl_estimate(struct xl_ctx *x, struct xl_hv *hv, const struct xl_domain *dom,
			     const struct xl_estimate_params *params, struct xl_physmap *map,
			     struct xl_estimate *ret);

#endif
