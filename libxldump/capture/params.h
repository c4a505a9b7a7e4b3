/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of a capture. */
#ifndef XL_CAPTURE_PARAMS_H
#define XL_CAPTURE_PARAMS_H

#include "xldump.h"

struct xl_capture_params {
	enum xldump_strategy strategy;
	uint64_t max_pause_ns; /* 0: no limit */
	bool throttle;         /* rather a slower guest than no dump */
	bool extend_pause;     /* rather a longer pause than no dump */
	unsigned max_rounds;
	unsigned dump_level;   /* pages that are left out: page/classify.h; 0: none */
	const char *scratch;   /* folder for a temporary file; NULL: in memory.  With a dump_level only */
	uint64_t patience_ns;  /* how long the hypervisor may fail for the moment; 0: 5 s */
	xldump_progress_fn progress;
	void *progress_data;
};

#endif
