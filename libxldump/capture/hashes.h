/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hash of every page as it was put: tells, later, whether the guest's page still is that.
 *
 * 64 bits a page (8 bytes for 4 KiB, 0.2 %).  A page that changed and hashes the same would stay
 * stale: one in 2^64 for a page that is not made for it, and a guest that makes one spoils its
 * own dump alone; XXH3 is keyed by a secret of this run so that it would have to guess.
 */
#ifndef XL_CAPTURE_HASHES_H
#define XL_CAPTURE_HASHES_H

#include "base/cleanup.h"
#include "base/types.h"

struct xl_hashes {
	uint64_t *hash; /* by pfn; 0: not put */
	uint64_t secret;
};

_must_check_ int xl_hashes_init(struct xl_hashes *h, uint64_t nr_pfns);
void xl_hashes_deinit(struct xl_hashes *h);

/* The page was put, or is gone: XL_PAGE_XTAB, and page is not looked at. */
void xl_hashes_set(struct xl_hashes *h, xl_pfn_t pfn, uint8_t type, const uint8_t *page);

/* Whether it was put like that. */
bool xl_hashes_same(const struct xl_hashes *h, xl_pfn_t pfn, uint8_t type, const uint8_t *page);

#endif
