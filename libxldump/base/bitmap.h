/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bitmaps indexed by pfn, in the bit order of Xen's log-dirty bitmap (little endian: bit n is bit
 * n % 8 of byte n / 8), so that one can be handed to the other on x86. */
#ifndef XL_BASE_BITMAP_H
#define XL_BASE_BITMAP_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct xl_bitmap {
	uint64_t *word;
	uint64_t nbits;
};

static inline size_t xl_bitmap_words(uint64_t nbits)
{
	return (nbits + 63) / 64;
}

/* Bytes that hold the bits, a whole number of words. */
static inline size_t xl_bitmap_bytes(const struct xl_bitmap *b)
{
	return xl_bitmap_words(b->nbits) * 8;
}

_must_check_ static inline int xl_bitmap_init(struct xl_bitmap *b, uint64_t nbits)
{
	b->word = calloc(xl_bitmap_words(nbits) + 1, sizeof(*b->word));
	b->nbits = b->word ? nbits : 0;
	return b->word ? 0 : -ENOMEM;
}

static inline void xl_bitmap_deinit(struct xl_bitmap *b)
{
	free(b->word);
	b->word = NULL;
	b->nbits = 0;
}

static inline bool xl_bitmap_test(const struct xl_bitmap *b, uint64_t n)
{
	return n < b->nbits && (b->word[n / 64] >> (n % 64) & 1);
}

static inline void xl_bitmap_set(struct xl_bitmap *b, uint64_t n)
{
	assert(n < b->nbits);
	b->word[n / 64] |= (uint64_t)1 << (n % 64);
}

static inline void xl_bitmap_clear(struct xl_bitmap *b, uint64_t n)
{
	assert(n < b->nbits);
	b->word[n / 64] &= ~((uint64_t)1 << (n % 64));
}

static inline void xl_bitmap_zero(struct xl_bitmap *b)
{
	memset(b->word, 0, xl_bitmap_bytes(b));
}

/* ---- of two bitmaps of one size; dst and src may be the same ---- */

static inline void xl_bitmap_copy(struct xl_bitmap *dst, const struct xl_bitmap *src)
{
	assert(dst->nbits == src->nbits);
	memmove(dst->word, src->word, xl_bitmap_bytes(src));
}

static inline void xl_bitmap_or(struct xl_bitmap *dst, const struct xl_bitmap *src)
{
	assert(dst->nbits == src->nbits);
	for (size_t i = 0; i < xl_bitmap_words(dst->nbits); i++)
		dst->word[i] |= src->word[i];
}

static inline void xl_bitmap_and(struct xl_bitmap *dst, const struct xl_bitmap *src)
{
	assert(dst->nbits == src->nbits);
	for (size_t i = 0; i < xl_bitmap_words(dst->nbits); i++)
		dst->word[i] &= src->word[i];
}

static inline void xl_bitmap_andnot(struct xl_bitmap *dst, const struct xl_bitmap *src)
{
	assert(dst->nbits == src->nbits);
	for (size_t i = 0; i < xl_bitmap_words(dst->nbits); i++)
		dst->word[i] &= ~src->word[i];
}

/* Add what is in a and not in b. */
static inline void xl_bitmap_or_andnot(struct xl_bitmap *dst, const struct xl_bitmap *a,
				       const struct xl_bitmap *b)
{
	assert(dst->nbits == a->nbits && a->nbits == b->nbits);
	for (size_t i = 0; i < xl_bitmap_words(dst->nbits); i++)
		dst->word[i] |= a->word[i] & ~b->word[i];
}

/* The first set bit at or after n, or nbits when there is none. */
static inline uint64_t xl_bitmap_next(const struct xl_bitmap *b, uint64_t n)
{
	size_t w = n / 64, nw = xl_bitmap_words(b->nbits);
	uint64_t v;

	if (n >= b->nbits)
		return b->nbits;
	v = b->word[w] & (~(uint64_t)0 << (n % 64));
	while (!v) {
		if (++w >= nw)
			return b->nbits;
		v = b->word[w];
	}
	n = (uint64_t)w * 64 + (unsigned)__builtin_ctzll(v);
	return n < b->nbits ? n : b->nbits;
}

/* The first clear bit at or after n, or nbits when there is none. */
static inline uint64_t xl_bitmap_next_clear(const struct xl_bitmap *b, uint64_t n)
{
	size_t w = n / 64, nw = xl_bitmap_words(b->nbits);
	uint64_t v;

	if (n >= b->nbits)
		return b->nbits;
	v = ~b->word[w] & (~(uint64_t)0 << (n % 64));
	while (!v) {
		if (++w >= nw)
			return b->nbits;
		v = ~b->word[w];
	}
	n = (uint64_t)w * 64 + (unsigned)__builtin_ctzll(v);
	return n < b->nbits ? n : b->nbits;
}

static inline uint64_t xl_bitmap_count(const struct xl_bitmap *b)
{
	uint64_t n = 0;
	size_t full = b->nbits / 64;

	for (size_t i = 0; i < full; i++)
		n += (unsigned)__builtin_popcountll(b->word[i]);
	if (b->nbits % 64)
		n += (unsigned)__builtin_popcountll(b->word[full] &
						    (((uint64_t)1 << (b->nbits % 64)) - 1));
	return n;
}

#endif
