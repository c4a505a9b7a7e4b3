/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hash of every page as it was put. */
#include "capture/hashes.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

#include "hv/hv.h"

int xl_hashes_init(struct xl_hashes *h, uint64_t nr_pfns)
{
	if (getrandom(&h->secret, sizeof(h->secret), 0) != sizeof(h->secret))
		return -errno;
	h->hash = calloc(nr_pfns, sizeof(*h->hash));
	return h->hash ? 0 : -ENOMEM;
}

void xl_hashes_deinit(struct xl_hashes *h)
{
	free(h->hash);
	h->hash = NULL;
}

/* The type belongs to it: a page that has become a page table must be put anew though its bytes are
 * the same. */
static uint64_t hash_of(const struct xl_hashes *h, uint8_t type, const uint8_t *page)
{
	uint64_t v;

	if (type == XL_PAGE_XTAB)
		return 0;
	v = XXH3_64bits_withSeed(page, XL_PAGE_SIZE, h->secret + type);
	return v ? v : 1;
}

void xl_hashes_set(struct xl_hashes *h, xl_pfn_t pfn, uint8_t type, const uint8_t *page)
{
	h->hash[pfn] = hash_of(h, type, page);
}

bool xl_hashes_same(const struct xl_hashes *h, xl_pfn_t pfn, uint8_t type, const uint8_t *page)
{
	return h->hash[pfn] == hash_of(h, type, page);
}
