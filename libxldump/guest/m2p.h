/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a host's frame to the guest's page: the p2m of a PV guest the other way round. */
#ifndef XL_GUEST_M2P_H
#define XL_GUEST_M2P_H

#include "base/cleanup.h"
#include "base/types.h"

/* 6 to 11 bytes per page. */
struct xl_m2p {
	uint32_t *slot; /* open addressing; pfn + 1, 0 is free */
	uint64_t mask;
	uint64_t mult; /* of the hash; secret, or a guest could choose frames that collide */
	unsigned shift;
	const xl_mfn_t *p2m; /* borrowed */
	uint64_t nr_pfns;
};

/* Invert p2m, which must outlive the result.  When two pfns claim one mfn (a hostile guest) the
 * lower one has it.  -ENOMEM; -E2BIG for more pfns than a PV guest can have (16 TiB). */
_must_check_ int xl_m2p_init(struct xl_m2p *m, const xl_mfn_t *p2m, uint64_t nr_pfns);
void xl_m2p_deinit(struct xl_m2p *m);

/* The pfn of an mfn, or XL_INVALID_FRAME when it is none of the guest's. */
xl_pfn_t xl_m2p_lookup(const struct xl_m2p *m, xl_mfn_t mfn);

#endif
