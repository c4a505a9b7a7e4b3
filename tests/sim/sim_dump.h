/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole dump of a simulated guest into memory, and the judgement of it. */
#ifndef XLDUMP_TESTS_SIM_DUMP_H
#define XLDUMP_TESTS_SIM_DUMP_H

#include "sim.h"

struct sim_dump {
	struct xl_ctx x;
	struct xl_physmap map;
	struct xl_pipeline *pipe;
	struct xl_cut cut;
	struct xl_format *format;
	int r; /* what the dump ended with */
	unsigned warnings;
	bool overrun; /* of them, one that the pause was longer than allowed */
};

/* Build the map, capture, seal.  A failure is in d->r, never the test's. */
void sim_dump_run(struct sim *s, const struct xl_capture_params *params, struct sim_dump *d);
/* The same, or raw, for a format that has page tables as the guest had them. */
void sim_dump_run_as(struct sim *s, const struct xl_capture_params *params, bool raw,
		     struct sim_dump *d);
void sim_dump_deinit(struct sim_dump *d);

/* The page as it would be in the file; NULL when there is none. */
const uint8_t *sim_dump_page(const struct sim_dump *d, xl_pfn_t pfn);

/* Whether it was finished: its file would have appeared. */
bool sim_dump_published(const struct sim_dump *d);

/* Whether the dump, if it succeeded, is the guest at T, and, whether or not it did, whether we have
 * left nothing behind.  0, or -1 with a text that says what is wrong. */
int sim_check(const struct sim *s, const struct sim_dump *d, char *why, size_t size);

/* The second half alone. */
int sim_check_left_alone(const struct sim *s, const struct sim_dump *d, char *why, size_t size);

#endif
