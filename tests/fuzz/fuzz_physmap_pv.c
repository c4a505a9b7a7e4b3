/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A PV guest's p2m, in both forms, with everything in it the guest's word.
 *
 *	w:tot_pages (0x8000: of 32 bits) w:max_pages q:max_mfn
 *	roots, as often as read: q:max_pfn q:list_list q:cr3 q:vaddr q:generation, records, 00
 *	the second one is followed by w:count and that many w:pfn, the dirty log
 */
#include "fuzz_hv.h"
#include "guest/physmap.h"

/* Offsets in shared_info (xen/include/public/arch-x86/xen.h). */
#define SI_MAX_PFN 3088

#define NARROW 0x8000

static void take_root(struct fuzz_hv *f, struct fuzz_in *in)
{
	static const unsigned at[] = { SI_MAX_PFN, 3096, 3112, 3120, 3128 };
	static const unsigned at32[] = { 2316, 2320, 2328, 2332, 2336 };

	for (size_t i = 0; i < XL_ARRAY_SIZE(at); i++) {
		uint64_t v = fuzz_u64(in);

		if (f->width == 32)
			xl_put_le32(f->shared_info + at32[i], (uint32_t)v);
		else
			xl_put_le64(f->shared_info + at[i], v);
	}
	fuzz_mem_fill(&f->mem, in);
}

static void check_map(const struct fuzz_hv *f, const struct xl_physmap *m)
{
	uint64_t have = f->dom.max_pages > f->dom.tot_pages ? f->dom.max_pages : f->dom.tot_pages;

	/* What may be allocated for, by what the domain is allowed to have. */
	FUZZ_CHECK(m->nr_pfns > 0 && m->nr_pfns <= have * 32 + (1 << 20));
	FUZZ_CHECK(m->present.nbits == m->nr_pfns);
	for (xl_pfn_t pfn = 0; pfn < m->nr_pfns; pfn++) {
		xl_mfn_t mfn = m->p2m[pfn];

		if (xl_bitmap_test(&m->present, pfn))
			FUZZ_CHECK(mfn != 0 && mfn <= f->host.max_mfn);
		else
			FUZZ_CHECK(mfn == XL_INVALID_FRAME);
	}
}

/* The map must be that of a guest seen for the first time. */
static void check_same(struct fuzz_hv *f, const struct xl_physmap *m)
{
	struct xl_ctx x = { 0 };
	struct xl_physmap other = { 0 };

	if (xl_physmap_build(&x, &f->hv, &f->dom, f->host.max_mfn, &other) < 0)
		return;
	FUZZ_CHECK(other.nr_pfns <= m->nr_pfns);
	for (xl_pfn_t pfn = 0; pfn < m->nr_pfns; pfn++)
		FUZZ_CHECK(m->p2m[pfn] ==
			   (pfn < other.nr_pfns ? other.p2m[pfn] : XL_INVALID_FRAME));
	xl_physmap_deinit(&other);
}

static void refresh_by_log(struct fuzz_hv *f, struct xl_physmap *m, struct fuzz_in *in)
{
	struct xl_bitmap dirty;
	xl_mfn_t *before = malloc(m->nr_pfns * sizeof(*before));

	if (!before || xl_bitmap_init(&dirty, m->nr_pfns) < 0)
		abort();
	memcpy(before, m->p2m, m->nr_pfns * sizeof(*before));
	for (unsigned n = fuzz_u16(in); n; n--) {
		uint16_t pfn = fuzz_u16(in);

		if (pfn < m->nr_pfns)
			xl_bitmap_set(&dirty, pfn);
	}
	if (xl_physmap_refresh(&f->hv, &f->dom, m, &dirty) == 0)
		check_map(f, m);
	/* What has appeared or moved is to be copied. */
	for (xl_pfn_t pfn = 0; pfn < m->nr_pfns; pfn++)
		FUZZ_CHECK(m->p2m[pfn] == before[pfn] || m->p2m[pfn] == XL_INVALID_FRAME ||
			   xl_bitmap_test(&dirty, pfn));
	xl_bitmap_deinit(&dirty);
	free(before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct xl_ctx x = { 0 };
	struct xl_physmap m = { 0 };
	struct fuzz_hv f;

	fuzz_hv_init(&f);
	f.dom.tot_pages = fuzz_u16(&in);
	if (f.dom.tot_pages & NARROW) {
		f.dom.tot_pages -= NARROW;
		f.width = 32;
	}
	f.dom.max_pages = fuzz_u16(&in);
	f.host.max_mfn = fuzz_u64(&in);
	/* XL_INVALID_FRAME is none. */
	if (f.host.max_mfn > (uint64_t)1 << 52)
		f.host.max_mfn >>= 12;
	take_root(&f, &in);
	if (xl_physmap_build(&x, &f.hv, &f.dom, f.host.max_mfn, &m) == 0) {
		check_map(&f, &m);
		take_root(&f, &in);
		refresh_by_log(&f, &m, &in);
		take_root(&f, &in);
		if (xl_physmap_refresh(&f.hv, &f.dom, &m, NULL) == 0) {
			check_map(&f, &m);
			check_same(&f, &m);
		}
	}
	xl_physmap_deinit(&m);
	fuzz_hv_deinit(&f);
	return 0;
}
