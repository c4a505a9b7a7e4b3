/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a page's bytes are in a kdump file and how many, in one number. */
#ifndef XL_FORMAT_KDUMP_PLACE_H
#define XL_FORMAT_KDUMP_PLACE_H

#include "base/types.h"

typedef uint64_t xl_place_t;

#define XL_PLACE_NONE 0  /* not put yet */
#define XL_PLACE_ZERO 1  /* a page of zeros; it is stored once */
#define XL_PLACE_BATCH 2 /* in the batch that is not compressed yet */
#define XL_PLACE_SAME ((uint64_t)1 << 63) /* or'ed with a number of the table of equal pages */

/* Other values: offset << 12 | size - 1.  No page lies at 0, so they are above the ones above. */
static inline xl_place_t xl_place(uint64_t offset, size_t size)
{
	return offset << XL_PAGE_SHIFT | (size - 1);
}

static inline uint64_t xl_place_offset(xl_place_t at)
{
	return at >> XL_PAGE_SHIFT;
}

static inline size_t xl_place_size(xl_place_t at)
{
	return (size_t)(at & XL_PAGE_MASK) + 1;
}

#endif
