/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests that dump simulated guests share: many of them, and which one it was. */
#ifndef XLDUMP_TESTS_SIM_TEST_H
#define XLDUMP_TESTS_SIM_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../sim/sim_dump.h"

/* Kinds of guest, as a test walks over them. */
struct guest {
	const char *name;
	struct sim_params params;
};

static const struct guest guests[] = {
	{ "PV", { .type = XLDUMP_GUEST_PV } },
	{ "PV, three-level p2m", { .type = XLDUMP_GUEST_PV, .three_level = true } },
	{ "PV, Xen 4.17", { .type = XLDUMP_GUEST_PV, .xen_minor = 17 } },
	{ "PVH", { .type = XLDUMP_GUEST_PVH } },
	{ "PVH above 4 GiB, Xen 4.17", { .type = XLDUMP_GUEST_PVH, .xen_minor = 17, .high = true } },
	{ "HVM", { .type = XLDUMP_GUEST_HVM } },
	{ "HVM above 4 GiB, Xen 4.17", { .type = XLDUMP_GUEST_HVM, .xen_minor = 17, .high = true } },
	{ "PV, 32 bits", { .type = XLDUMP_GUEST_PV, .narrow = true } },
	{ "PV, 32 bits, three-level p2m",
	  { .type = XLDUMP_GUEST_PV, .narrow = true, .three_level = true } },
};

#define SIM_QUIET_PROGRAMS (SIM_RUN(SIM_DIRTIER) | SIM_RUN(SIM_STAMPER) | SIM_RUN(SIM_TABLES))
#define SIM_OUTSIDE (SIM_RUN(SIM_DEVICE) | SIM_RUN(SIM_RINGS) | SIM_RUN(SIM_XEN) | \
		     SIM_RUN(SIM_GRANTS))
#define SIM_LAYOUT (SIM_RUN(SIM_BALLOONER) | SIM_RUN(SIM_P2M_MOVER))

/* Seeds from 1 on for each combination: XLDUMP_SIM_SEEDS, for a long run, or `usual`. */
static inline uint64_t number_of_seeds(uint64_t usual)
{
	const char *v = getenv("XLDUMP_SIM_SEEDS");

	return v ? strtoull(v, NULL, 10) : usual;
}

/* The first seed: XLDUMP_SIM_FIRST, to go on from, or to repeat one that failed. */
static inline uint64_t first_seed(void)
{
	const char *v = getenv("XLDUMP_SIM_FIRST");

	return v ? strtoull(v, NULL, 10) : 1;
}

_printf_(2, 3) static inline void say(const struct sim_params *p, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_message("# seed %" PRIu64 " type %d xen 4.%u programs %#x%s%s%s: %s\n", p->seed,
		      (int)p->type, p->xen_minor, p->programs, p->narrow ? " 32-bit" : "",
		      p->three_level ? " three-level" : "", p->high ? " high" : "", text);
}

/* Create the guest or fail the test. */
static inline struct sim *new_sim(const struct sim_params *p)
{
	struct sim *s = NULL;

	assert_int_equal(sim_create(p, &s), 0);
	return s;
}

/* One dump and its judgement; 0 when there is nothing to be said against either. */
static inline int judge(struct sim *s, const struct xl_capture_params *cp, struct sim_dump *d)
{
	char why[512];

	sim_dump_run(s, cp, d);
	if (sim_check(s, d, why, sizeof(why)) == 0)
		return 0;
	say(&s->params, "strategy %d, result %d: %s", (int)cp->strategy, d->r, why);
	return -1;
}

#endif
