/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inverse of a p2m, as a hash table: the frames of a guest may lie anywhere in the host. */
#include "guest/m2p.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* Multiply-shift with a random odd factor: runs of frames spread well, and a guest that picks the
 * frames in its p2m cannot know which of them collide. */
static uint64_t home(const struct xl_m2p *m, xl_mfn_t mfn)
{
	return (mfn * m->mult) >> m->shift;
}

static void insert(struct xl_m2p *m, xl_pfn_t pfn)
{
	xl_mfn_t mfn = m->p2m[pfn];
	uint64_t i = home(m, mfn);

	for (; m->slot[i]; i = (i + 1) & m->mask) {
		if (m->p2m[m->slot[i] - 1] == mfn)
			return; /* a lower pfn has it */
	}
	m->slot[i] = (uint32_t)(pfn + 1);
}

int xl_m2p_init(struct xl_m2p *m, const xl_mfn_t *p2m, uint64_t nr_pfns)
{
	uint64_t used = 0, mult;
	unsigned bits = 4;

	if (nr_pfns >= UINT32_MAX)
		return -E2BIG;
	for (uint64_t pfn = 0; pfn < nr_pfns; pfn++)
		used += p2m[pfn] != XL_INVALID_FRAME;
	/* At most three quarters full: linear probing stays short. */
	while (((uint64_t)3 << bits) / 4 < used)
		bits++;

	if (getrandom(&mult, sizeof(mult), GRND_NONBLOCK) != (ssize_t)sizeof(mult))
		mult = (uintptr_t)m * 0x9e3779b97f4a7c15ULL; /* early boot: ASLR is all we have */
	*m = (struct xl_m2p){
		.slot = calloc((size_t)1 << bits, sizeof(*m->slot)),
		.mask = ((uint64_t)1 << bits) - 1,
		.mult = mult | 1,
		.shift = 64 - bits,
		.p2m = p2m,
		.nr_pfns = nr_pfns,
	};
	if (!m->slot)
		return -ENOMEM;
	for (uint64_t pfn = 0; pfn < nr_pfns; pfn++) {
		if (p2m[pfn] != XL_INVALID_FRAME)
			insert(m, pfn);
	}
	return 0;
}

void xl_m2p_deinit(struct xl_m2p *m)
{
	free(m->slot);
	m->slot = NULL;
}

xl_pfn_t xl_m2p_lookup(const struct xl_m2p *m, xl_mfn_t mfn)
{
	if (mfn == XL_INVALID_FRAME)
		return XL_INVALID_FRAME;
	for (uint64_t i = home(m, mfn); m->slot[i]; i = (i + 1) & m->mask) {
		xl_pfn_t pfn = m->slot[i] - 1;

		if (m->p2m[pfn] == mfn)
			return pfn;
	}
	return XL_INVALID_FRAME;
}
