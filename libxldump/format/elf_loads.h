/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PT_LOAD segments of a dump, one after the other. */
#ifndef XL_FORMAT_ELF_LOADS_H
#define XL_FORMAT_ELF_LOADS_H

#include "format/slots.h"
#include "guest/kernel.h"

struct xl_loads {
	const struct xl_bitmap *present;
	xl_pfn_t split[3]; /* segments end here as well, where they would run across */
	xl_pfn_t next;
	bool image_early, image_done; /* the segments of the image come first */

	/* Of the kernel image: it is mapped where the kernel runs, all else in the direct map. */
	xl_pfn_t image_first, image_end;
	uint64_t image_bias, direct_bias; /* virtual minus physical address; 0: unknown */
};

struct xl_load {
	xl_pfn_t first;
	uint64_t pages;
	uint64_t vaddr;
};

void xl_loads_init(struct xl_loads *l, const struct xl_slots *slots,
		   const struct xl_kernel *kernel);

/* The next segment, or false.  They ascend, but for the kernel image in a file of more segments than
 * readers look at. */
bool xl_loads_next(struct xl_loads *l, struct xl_load *ret);

/* How many there are in all; does not move l. */
uint64_t xl_loads_count(const struct xl_loads *l);

#endif
