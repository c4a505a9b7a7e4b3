/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump of the guest of fake_hv.h into memory. */
#ifndef TESTS_UNIT_FAKE_DUMP_H
#define TESTS_UNIT_FAKE_DUMP_H

#include "fake_hv.h"
#include "xldump.h"

struct fake_dump {
	int r;
	enum xldump_cause cause;
	char err[1024];
	uint64_t page[FAKE_PAGES]; /* first word of each */
};

/* With a journal in `dir`, as xldump_dump() does it. */
void fake_dump(struct fake_guest *g, const char *dir, enum xldump_strategy strategy,
	       struct fake_dump *ret);

#endif
