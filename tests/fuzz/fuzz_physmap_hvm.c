/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory layout of an auto-translated guest, which changes while it is looked at.
 *
 *	q:nr_gfns d:tot_pages b:pod b:n, n x w:frame of Xen's own
 *	b:n, n x (d:first d:count b:type), and the same once more for the second look, preceded by
 *	q:nr_gfns d:tot_pages
 */
#include "fuzz_hv.h"
#include "guest/physmap.h"

/* What one look may cost.  Larger guests differ in nothing but time. */
#define NR_MAX 0x140000

/* Anything between believable and beyond belief. */
static void take_nr(struct fuzz_hv *f, struct fuzz_in *in)
{
	uint64_t nr = fuzz_u64(in);

	f->nr_gfns = nr > XL_MAX_PFNS ? nr : nr % NR_MAX;
}

static void take_types(struct fuzz_hv *f, struct fuzz_in *in)
{
	fuzz_hv_take_types(f, f->nr_gfns < NR_MAX ? f->nr_gfns : NR_MAX, in, 4);
}

static bool is_xen(const struct fuzz_hv *f, uint64_t gfn)
{
	for (size_t i = 0; i < f->xen_frames; i++) {
		if (f->xen_frame[i] == gfn)
			return true;
	}
	return false;
}

/* Nothing is in the map that is not in the guest; all of it, if its count was true. */
static void check_first(const struct fuzz_hv *f, const struct xl_physmap *m)
{
	uint64_t there = 0, seen = 0;

	FUZZ_CHECK(m->nr_pfns == f->nr_gfns && m->present.nbits == m->nr_pfns && !m->p2m);
	for (uint64_t gfn = 0; gfn < m->nr_pfns; gfn++) {
		bool ram = fuzz_hv_type(f, gfn) == XL_PAGE_NOTAB;
		bool present = xl_bitmap_test(&m->present, gfn);
		bool xen = xl_bitmap_test(&m->xen, gfn);

		FUZZ_CHECK(!present || ram || xen);
		FUZZ_CHECK(!xen || (present && is_xen(f, gfn)));
		there += ram;
		seen += present && ram && !xen;
	}
	FUZZ_CHECK(there > f->dom.tot_pages || seen == there || f->xen_frames);
}

static void check_second(const struct fuzz_hv *f, const struct xl_physmap *m,
			 const struct xl_bitmap *before, const struct xl_bitmap *dirty)
{
	uint64_t left = xl_bitmap_count(&m->present) - xl_bitmap_count(&m->xen);
	bool wrong = false;

	for (uint64_t gfn = 0; gfn < m->nr_pfns; gfn++) {
		bool ram = fuzz_hv_type(f, gfn) == XL_PAGE_NOTAB;
		bool present = xl_bitmap_test(&m->present, gfn);

		if (xl_bitmap_test(&m->xen, gfn))
			continue;
		wrong = wrong || (present && !ram);
		if (present && !xl_bitmap_test(before, gfn))
			FUZZ_CHECK(ram && xl_bitmap_test(dirty, gfn));
	}
	/* Pages that are gone may be in it only as long as their number does not tell. */
	FUZZ_CHECK(!wrong || left <= f->dom.tot_pages);
}

static void look_again(struct fuzz_hv *f, struct xl_physmap *m, struct fuzz_in *in)
{
	struct xl_bitmap before, dirty;
	int r;

	take_nr(f, in);
	f->dom.tot_pages = fuzz_u32(in);
	take_types(f, in);
	if (xl_bitmap_init(&before, m->nr_pfns) < 0 || xl_bitmap_init(&dirty, m->nr_pfns) < 0)
		abort();
	xl_bitmap_copy(&before, &m->present);
	r = xl_physmap_refresh(&f->hv, &f->dom, m, &dirty);
	if (f->nr_gfns > m->nr_pfns)
		FUZZ_CHECK(r < 0);
	if (r == 0)
		check_second(f, m, &before, &dirty);
	xl_bitmap_deinit(&before);
	xl_bitmap_deinit(&dirty);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct xl_physmap m = { 0 };
	struct xl_ctx x = { 0 };
	struct fuzz_hv f;

	fuzz_hv_init(&f);
	f.dom.pv = false;
	take_nr(&f, &in);
	f.dom.tot_pages = fuzz_u32(&in);
	f.pod = fuzz_u8(&in);
	f.xen_frames = fuzz_u8(&in) % (XL_ARRAY_SIZE(f.xen_frame) + 1);
	for (size_t i = 0; i < f.xen_frames; i++)
		f.xen_frame[i] = fuzz_u16(&in);
	take_types(&f, &in);
	if (xl_physmap_build(&x, &f.hv, &f.dom, f.host.max_mfn, &m) == 0) {
		FUZZ_CHECK(f.nr_gfns <= XL_MAX_PFNS);
		check_first(&f, &m);
		look_again(&f, &m, &in);
	}
	/* Each gfn is asked for twice at most, each time in the first look and in the second. */
	FUZZ_CHECK(f.type_calls <= 4 * (NR_MAX / XL_TYPES_MAX + 8));
	xl_physmap_deinit(&m);
	fuzz_hv_deinit(&f);
	return 0;
}
