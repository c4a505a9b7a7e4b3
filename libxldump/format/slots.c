/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The slot of a page: how many present pages there are before it. */
#include "format/slots.h"

#include <errno.h>

#define PFNS_PER_COUNT 512
#define WORDS_PER_COUNT (PFNS_PER_COUNT / 64)

int xl_slots_init(struct xl_slots *s, uint64_t nr_pfns, const struct xl_bitmap *present)
{
	size_t words = xl_bitmap_words(nr_pfns);
	size_t given = xl_bitmap_words(present->nbits);

	*s = (struct xl_slots){ .nr_pfns = nr_pfns };
	if (xl_bitmap_init(&s->present, nr_pfns) < 0)
		return -ENOMEM;
	s->before = calloc(nr_pfns / PFNS_PER_COUNT + 1, sizeof(*s->before));
	if (!s->before)
		return -ENOMEM;

	if (words && given)
		memcpy(s->present.word, present->word, (words < given ? words : given) * 8);
	if (nr_pfns % 64)
		s->present.word[words - 1] &= ((uint64_t)1 << (nr_pfns % 64)) - 1;
	for (size_t w = 0; w < words; w++) {
		if (w % WORDS_PER_COUNT == 0)
			s->before[w / WORDS_PER_COUNT] = s->count;
		s->count += (unsigned)__builtin_popcountll(s->present.word[w]);
	}
	return 0;
}

void xl_slots_deinit(struct xl_slots *s)
{
	xl_bitmap_deinit(&s->present);
	free(s->before);
	s->before = NULL;
}

uint64_t xl_slots_rank(const struct xl_slots *s, xl_pfn_t pfn)
{
	uint64_t rank = s->before[pfn / PFNS_PER_COUNT];
	size_t w = pfn / PFNS_PER_COUNT * WORDS_PER_COUNT;

	for (; w < pfn / 64; w++)
		rank += (unsigned)__builtin_popcountll(s->present.word[w]);
	if (pfn % 64)
		rank += (unsigned)__builtin_popcountll(s->present.word[w] &
						       (((uint64_t)1 << (pfn % 64)) - 1));
	return rank;
}
