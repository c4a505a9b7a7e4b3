/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads pages of the guest into our memory, a batch at a time: types, map, copy, unmap.  The copy
 * is what everything later looks at: the mapped page may change under a reader. */
#ifndef XL_CAPTURE_COPIER_H
#define XL_CAPTURE_COPIER_H

#include "base/bitmap.h"
#include "base/ctx.h"
#include "guest/physmap.h"
#include "hv/hv.h"

/* Pages of one batch.  256 is the fastest size of a mapping here and on Xen 4.17 and 4.20 both
 * (it was measured); 1 MiB is also what one write(2) should have. */
#define XL_COPY_BATCH 256

struct xl_copier {
	struct xl_ctx *x;
	struct xl_hv *hv;
	uint32_t domid;
	const struct xl_physmap *map;

	/* A page could not be mapped for a reason that may pass: it is not a hole, although its type
	 * says so.  Whoever cannot try again must look at this; he who can sets it to 0. */
	int passing;

	size_t failed; /* pages of the batch that xl_copier_each() could not read; 0: it ended otherwise */

	uint64_t read_ns; /* spent in reading, and */
	uint64_t read_pages; /* pages read: what a page costs, for the policy */

	uint8_t *bounce; /* XL_COPY_BATCH pages */
	void *pin;       /* one page of the guest, or NULL */
	xl_pfn_t pfn[XL_COPY_BATCH];
	xl_frame_t frame[XL_COPY_BATCH];
	uint8_t type[XL_COPY_BATCH];
	uint8_t asked[XL_COPY_BATCH]; /* the types of those that are mapped */
	int err[XL_COPY_BATCH];
};

_must_check_ int xl_copier_init(struct xl_copier *c, struct xl_ctx *x, struct xl_hv *hv,
				uint32_t domid, const struct xl_physmap *map);
void xl_copier_deinit(struct xl_copier *c);

/* Keep a page mapped until xl_copier_deinit(): xl_engine_pin().  -ENOENT: there is no such page now. */
_must_check_ int xl_copier_pin(struct xl_copier *c, xl_pfn_t pfn);

/* Read n <= XL_COPY_BATCH pages into dst, n pages long.  type[i] says what pfn[i] is: XL_PAGE_NOTAB,
 * a page table of a PV guest, or XL_PAGE_XTAB when there is no such page (its part of dst is not
 * touched then).  Allocates nothing.
 * A page that vanishes is not an error: the guest may balloon, and the last round sees the truth. */
_must_check_ int xl_copier_read(struct xl_copier *c, const xl_pfn_t *pfn, size_t n, uint8_t *dst,
				uint8_t *type);

/* The types of n <= XL_COPY_BATCH pages alone.  The time is counted as spent in reading. */
_must_check_ int xl_copier_types(struct xl_copier *c, const xl_pfn_t *pfn, size_t n, uint8_t *type);

/* Whether n more pages can be read before the deadline, by what a page has cost so far. */
bool xl_copier_in_time(const struct xl_copier *c, size_t n, uint64_t deadline);

/* Gather up to max pfns of `which` that are in the map, from *pos on; *pos moves behind the last. */
size_t xl_copier_gather(const struct xl_copier *c, const struct xl_bitmap *which, uint64_t *pos,
			xl_pfn_t *ret, size_t max);

/* A loop over pages. */
struct xl_each {
	const struct xl_bitmap *which;
	uint64_t deadline; /* hv clock; UINT64_MAX: none */

	/* Before each batch, with the number of pages that are done; or NULL. */
	int (*before)(void *data, uint64_t done);

	/* Each page, as xl_copier_read() gives it. */
	int (*page)(void *data, xl_pfn_t pfn, uint8_t type, const uint8_t *page);
	void *data;
};

/* Read all pages of `which` that are in the map.  Before each batch, in this order: whether the caller
 * has cancelled (-ECANCELED), each->before(), whether there is time (-ETIME; the batch is not begun).
 * Allocates and logs nothing: also for inside the pause. */
_must_check_ int xl_copier_each(struct xl_copier *c, const struct xl_each *each);

#endif
