/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the pages go that are copied inside the pause: memory that is allocated, touched and locked
 * beforehand, so that a copy is a memcpy and nothing else. */
#ifndef XL_CAPTURE_STASH_H
#define XL_CAPTURE_STASH_H

#include "base/cleanup.h"
#include "base/types.h"

struct xl_stash {
	uint8_t *page;  /* cap pages */
	xl_pfn_t *pfn;
	uint8_t *type;
	size_t n, cap;
	size_t bytes;   /* of the mapping */
};

/* Room for at least cap pages; an existing stash that is large enough is kept, a smaller one is
 * replaced.  What is in it is forgotten. */
_must_check_ int xl_stash_reserve(struct xl_stash *s, size_t cap);

/* Accepts a zeroed structure. */
void xl_stash_deinit(struct xl_stash *s);

#endif
