/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages that are equal. */
#ifndef XL_FORMAT_KDUMP_SAME_H
#define XL_FORMAT_KDUMP_SAME_H

#include "base/cleanup.h"
#include "format/kdump_place.h"

/* Contents that were seen.  The table owns the place of each, and counts who uses it. */
struct xl_same {
	uint64_t hash[2];
	xl_place_t at;  /* XL_PLACE_NONE while it is in the batch */
	uint32_t users; /* 0: free */
	bool owned;     /* by the one page that has it for the first time, so long as it has it */
	xl_pfn_t owner;
};

struct xl_same_table {
	struct xl_same *entry;
	size_t n; /* a power of two */
	uint64_t seed;
};

_must_check_ int xl_same_init(struct xl_same_table *t, uint64_t nr_pfns);
void xl_same_deinit(struct xl_same_table *t);

/* The entry of this content for a page that has it now.  *ret_new: it was not there, its place is
 * to be set.  An entry that only its owner uses may have to make room for it: then *ret_moved is
 * the owner and *ret_place what is its own place from now on; else *ret_moved is XL_INVALID_FRAME.
 * -ENOENT: there is no room. */
_must_check_ int xl_same_take(struct xl_same_table *t, xl_pfn_t pfn, const void *page, uint32_t *ret_entry,
			      bool *ret_new, xl_pfn_t *ret_moved, xl_place_t *ret_place);

/* pfn has it no longer.  True: nobody has, and the place is for the caller to drop. */
bool xl_same_release(struct xl_same_table *t, uint32_t entry, xl_pfn_t pfn, xl_place_t *ret);

#endif
