/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges of addresses, or of offsets, and where their bytes lie.  Several may cover the same place:
 * then the one of the highest rank holds. */
#ifndef XL_IMAGE_PIECES_H
#define XL_IMAGE_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* The bytes are zeros and lie nowhere. */
#define XL_PIECE_ZEROS UINT64_MAX

/* As they are found: in any order, overlapping. */
struct xl_range {
	uint64_t start, len;
	uint64_t at; /* where the first byte lies, or XL_PIECE_ZEROS */
	uint64_t rank;
};

struct xl_ranges {
	struct xl_range *range;
	size_t n, allocated;
};

/* len is not 0, and start + len does not overflow.  One that goes on where the last one ends becomes
 * a part of it, so no other may have a rank between theirs.  -ENOMEM. */
_must_check_ int xl_ranges_add(struct xl_ranges *all, const struct xl_range *r);
void xl_ranges_deinit(struct xl_ranges *all);

struct xl_piece {
	uint64_t start, len, at;
};

struct xl_pieces {
	struct xl_piece *piece; /* ascending, disjoint; neighbours that go on in the file are one */
	size_t n;
};

/* Make the pieces of ranges, which are sorted.  -ENOMEM. */
_must_check_ int xl_pieces_init(struct xl_pieces *p, struct xl_ranges *all);

/* Accepts zeroed ones. */
void xl_pieces_deinit(struct xl_pieces *p);

/* The first piece that ends behind a place, or p->n. */
size_t xl_pieces_find(const struct xl_pieces *p, uint64_t place);

#endif
