/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One simulated dump as a value: the guest, what goes on, what fails, and how it is dumped.  It comes
 * from a text that a human wrote, or from a seed; either way it runs, and is judged, by the same code,
 * and a random one can be written down as a text. */
#ifndef XLDUMP_TESTS_SIM_CASE_H
#define XLDUMP_TESTS_SIM_CASE_H

#include <stdio.h>

#include "sim_dump.h"

struct sim_case {
	struct sim_params p;
	struct xl_capture_params cp;
	struct sim_fault fault;
	uint64_t every[SIM_NR_PROGRAMS]; /* ns between two acts; 0: as usual */
	uint64_t pod, paged;             /* pages that are not there */
	uint32_t cap;                    /* that the guest has before */
	bool logging;                    /* somebody else has switched on the dirty log */
	bool paused, crashed;            /* before we come */
};

#define SIM_MAX_VIOLATIONS 4

struct sim_result {
	int r;
	enum xldump_cause cause;
	char error[XL_ERR_MAX];
	enum xldump_strategy strategy;
	char reason[256];
	uint64_t suspects, pages;
	unsigned rounds, warnings;
	uint64_t pause_ns;     /* the longest of ours, by the simulator's clock */
	uint64_t cap_changes;  /* how often the guest was slowed, or its cap given back */
	bool was_stopped;
	bool overrun;          /* stopped for longer than allowed, and that was said */
	bool stolen;           /* the dirty log is in use by who took it */
	bool owed;             /* the guest could not be let go, and that was said */
	bool fault_hit;
	unsigned violations;
	char violation[SIM_MAX_VIOLATIONS][512];
};

/* What an operation can say on a real host, besides that the domain is gone; 0 ends the errors. */
struct sim_plausible {
	enum sim_op op;
	int err[4];
};

extern const struct sim_plausible sim_plausible[];
extern const size_t sim_nr_plausible;

/* Dump, and hold the dump and us against the rules.  -errno only when there is no simulation. */
int sim_case_run(const struct sim_case *c, struct sim_result *ret);

/* From a text, see simdump --help.  -EINVAL with the line in `why`. */
int sim_case_parse(FILE *f, struct sim_case *ret, char *why, size_t size);
void sim_case_print(const struct sim_case *c, FILE *f);

void sim_case_random(uint64_t seed, struct sim_case *ret);

void sim_result_print(const struct sim_result *res, FILE *f);

#endif
