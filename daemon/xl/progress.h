/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Progress on standard error: a bar on a terminal, a line now and then otherwise. */
#ifndef XL_CLI_PROGRESS_H
#define XL_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "xldump.h"

struct progress {
	bool quiet;
	bool terminal;     /* standard error is one */
	bool bar_shown;    /* a bar stands on the line of the cursor */
	uint64_t last_ns;  /* when something was last printed */
	int last_phase;
	unsigned last_round;
};

void progress_init(struct progress *p, bool quiet);

/* xldump_progress_fn; data is a struct progress. */
void progress_update(void *data, const struct xldump_progress *now);

/* Take the bar away, so that something else can be printed. */
void progress_clear(struct progress *p);

#endif
