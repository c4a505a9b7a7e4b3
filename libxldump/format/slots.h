/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranks of present pages. */
#ifndef XL_FORMAT_SLOTS_H
#define XL_FORMAT_SLOTS_H

#include "base/bitmap.h"
#include "base/cleanup.h"
#include "base/types.h"

/* Number of present pfns below each 512th, so that a rank is a look-up and at most 8 popcounts: one
 * bit of memory for 8 pfns. */
struct xl_slots {
	uint64_t nr_pfns;
	struct xl_bitmap present;
	uint64_t *before;
	uint64_t count; /* of all present pfns */
};

/* Takes a copy of present: the original may change while the guest runs. */
_must_check_ int xl_slots_init(struct xl_slots *s, uint64_t nr_pfns,
			       const struct xl_bitmap *present);
void xl_slots_deinit(struct xl_slots *s);

/* Number of present pfns below pfn, which is below nr_pfns. */
uint64_t xl_slots_rank(const struct xl_slots *s, xl_pfn_t pfn);

#endif
