/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages that are equal, found by a hash of 128 bits and stored once.
 *
 * The table is bounded: entries that only one page uses make room for new ones, so what is found
 * are mostly pages that are read soon after each other.  A guest could look for two pages with one
 * hash, if it knew the seed, to spoil its own dump.
 */
#include "format/kdump_same.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

/* Entries for each page of the guest, and their number at most: 48 MiB. */
#define PAGES_PER_ENTRY 8
#define MIN_ENTRIES 1024
#define MAX_ENTRIES ((size_t)1 << 20)

/* Entries in which a content may be. */
#define WAYS 8

int xl_same_init(struct xl_same_table *t, uint64_t nr_pfns)
{
	t->n = MIN_ENTRIES;
	while (t->n < MAX_ENTRIES && t->n < nr_pfns / PAGES_PER_ENTRY)
		t->n *= 2;
	t->entry = calloc(t->n, sizeof(*t->entry));
	/* Without randomness a known seed does, too. */
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != (ssize_t)sizeof(t->seed))
		t->seed = 0;
	return t->entry ? 0 : -ENOMEM;
}

void xl_same_deinit(struct xl_same_table *t)
{
	free(t->entry);
}

static bool is(const struct xl_same *e, const XXH128_hash_t *h)
{
	return e->users && e->hash[0] == h->low64 && e->hash[1] == h->high64;
}

int xl_same_take(struct xl_same_table *t, xl_pfn_t pfn, const void *page, uint32_t *ret_entry,
		 bool *ret_new, xl_pfn_t *ret_moved, xl_place_t *ret_place)
{
	const XXH128_hash_t h = XXH3_128bits_withSeed(page, XL_PAGE_SIZE, t->seed);
	size_t base = h.low64 & (t->n - 1) & ~(size_t)(WAYS - 1);
	struct xl_same *room = NULL;

	*ret_moved = XL_INVALID_FRAME;
	for (struct xl_same *e = &t->entry[base]; e < &t->entry[base + WAYS]; e++) {
		if (is(e, &h) && e->users < UINT32_MAX) {
			e->users++;
			*ret_entry = (uint32_t)(e - t->entry);
			*ret_new = false;
			return 0;
		}
		if (!e->users)
			room = e;
	}
	for (size_t i = 0; i < WAYS && !room; i++) {
		/* Not always the first one. */
		struct xl_same *e = &t->entry[base + ((i + h.high64) & (WAYS - 1))];

		if (e->users == 1 && e->owned && e->at != XL_PLACE_NONE) {
			*ret_moved = e->owner;
			*ret_place = e->at;
			room = e;
		}
	}
	if (!room)
		return -ENOENT;
	*room = (struct xl_same){
		.hash = { h.low64, h.high64 }, .users = 1, .owned = true, .owner = pfn
	};
	*ret_entry = (uint32_t)(room - t->entry);
	*ret_new = true;
	return 0;
}

bool xl_same_release(struct xl_same_table *t, uint32_t entry, xl_pfn_t pfn, xl_place_t *ret)
{
	struct xl_same *e = &t->entry[entry];

	if (e->owner == pfn)
		e->owned = false;
	*ret = e->at;
	return --e->users == 0;
}
