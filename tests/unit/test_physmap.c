/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layout of guests, honest and hostile, running and not. */
#include <errno.h>

#include "base/bytes.h"
#include "sim_test.h"

#define SI_MAX_PFN 3088
#define SI_FRAME_LIST_LIST 3096
#define SI_P2M_CR3 3112
#define SI_P2M_VADDR 3120
#define SI_P2M_GENERATION 3128

/* The same of 32 bits; the numbers have 4 bytes. */
#define SI32_MAX_PFN 2316
#define SI32_FRAME_LIST_LIST 2320
#define SI32_P2M_CR3 2328
#define SI32_P2M_VADDR 2332

static struct sim *s;
static struct xl_ctx ctx;
static struct xl_physmap map;

static int teardown(void **state)
{
	(void)state;
	assert_string_equal(s->broken, "");
	assert_int_equal(s->mapped, 0);
	xl_physmap_deinit(&map);
	sim_destroy(s);
	s = NULL;
	return 0;
}

static void guest(enum xldump_guest_type type, bool three_level, uint64_t pages)
{
	const struct sim_params p = {
		.seed = 21, .type = type, .three_level = three_level, .pages = pages
	};

	s = new_sim(&p);
	ctx = (struct xl_ctx){ 0 };
}

static void narrow_guest(bool three_level, uint64_t pages)
{
	const struct sim_params p = { .seed = 21, .type = XLDUMP_GUEST_PV, .narrow = true,
				      .three_level = three_level, .pages = pages };

	s = new_sim(&p);
	ctx = (struct xl_ctx){ 0 };
}

static void put32(unsigned at, uint32_t value)
{
	xl_put_le32(s->shared_info + at, value);
}

/* A number of 4 bytes in the p2m or the lists. */
static void write32(xl_pfn_t pfn, size_t index, uint32_t value)
{
	uint8_t le[4];

	xl_put_le32(le, value);
	sim_write(s, pfn, index * sizeof(le), le, sizeof(le));
}

static struct xl_domain now(void)
{
	struct xl_domain dom;

	assert_int_equal(s->hv.ops->domain_info(&s->hv, SIM_DOMID, &dom), 0);
	return dom;
}

static int build(void)
{
	struct xl_domain dom = now();

	return xl_physmap_build(&ctx, &s->hv, &dom, s->nr_frames - 1, &map);
}

static int refresh(struct xl_bitmap *dirty)
{
	struct xl_domain dom = now();

	return xl_physmap_refresh(&s->hv, &dom, &map, dirty);
}

/* The map is what the guest is. */
static void assert_true_map(void)
{
	uint64_t n = 0;

	assert_true(map.nr_pfns >= s->nr_pfns);
	for (xl_pfn_t pfn = 0; pfn < s->nr_pfns; pfn++) {
		bool is = s->p2m[pfn] &&
			  (s->frame[s->p2m[pfn]].owner == SIM_GUEST || pfn == s->xen_page);

		if (is != xl_bitmap_test(&map.present, pfn))
			fail_msg("pfn %#" PRIx64 " %s", pfn, is ? "is missing" : "is not there");
		if (is && s->dom.pv)
			assert_int_equal(map.p2m[pfn], s->p2m[pfn]);
		n += is;
	}
	assert_int_equal(xl_bitmap_count(&map.present), n);
}

static void assert_refused(int r, enum xldump_cause cause)
{
	assert_int_equal(build(), r);
	assert_int_equal(ctx.cause, cause);
	assert_true(ctx.err[0]);
	assert_null(map.p2m);
}

/* ---- PV ---- */

static void test_linear(void **state)
{
	(void)state;
	guest(XLDUMP_GUEST_PV, false, 3000);
	assert_int_equal(build(), 0);
	assert_true_map();
	assert_int_equal(refresh(NULL), 0);
	assert_true_map();
}

static void test_three_level(void **state)
{
	(void)state;
	guest(XLDUMP_GUEST_PV, true, 3000);
	assert_int_equal(build(), 0);
	assert_true_map();
}

static void test_not_published(void **state)
{
	(void)state;
	guest(XLDUMP_GUEST_PV, true, 600);
	xl_put_le64(s->shared_info + SI_FRAME_LIST_LIST, 0);
	assert_refused(-EOPNOTSUPP, XLDUMP_CAUSE_UNSUPPORTED);
	xl_err_clear(&ctx);
	xl_put_le64(s->shared_info + SI_FRAME_LIST_LIST, ~(uint64_t)0);
	assert_refused(-EOPNOTSUPP, XLDUMP_CAUSE_UNSUPPORTED);
}

static void test_absurd_size(void **state)
{
	static const uint64_t size[] = { 0, ~(uint64_t)0, 1ULL << 61, 1ULL << 33, 1ULL << 32, 1 << 24 };

	(void)state;
	guest(XLDUMP_GUEST_PV, false, 600);
	for (size_t i = 0; i < XL_ARRAY_SIZE(size); i++) {
		xl_put_le64(s->shared_info + SI_MAX_PFN, size[i]);
		xl_err_clear(&ctx);
		assert_refused(-ERANGE, XLDUMP_CAUSE_UNSUPPORTED);
	}
}

/* More than there is, and not absurd: the rest are holes. */
static void test_too_large(void **state)
{
	(void)state;
	guest(XLDUMP_GUEST_PV, false, 600);
	xl_put_le64(s->shared_info + SI_MAX_PFN, s->nr_pfns + 100000);
	assert_int_equal(build(), 0);
	assert_true_map();
}

static void test_bad_address(void **state)
{
	static const uint64_t va[] = {
		0x0000900000000000ULL, 0xffff700000000000ULL, /* not canonical */
		0xfffffffffffff000ULL,                        /* wraps */
		0x00007ffffffff000ULL,                        /* runs into the gap */
		0xffffc90000000008ULL,                        /* not a page's */
	};

	(void)state;
	guest(XLDUMP_GUEST_PV, false, 2000);
	for (size_t i = 0; i < XL_ARRAY_SIZE(va); i++) {
		xl_put_le64(s->shared_info + SI_P2M_VADDR, va[i]);
		xl_err_clear(&ctx);
		assert_int_equal(build(), -EINVAL);
		assert_true(ctx.err[0]);
	}
}

static void check_credible(void)
{
	for (xl_pfn_t pfn = 0; pfn < map.nr_pfns; pfn++) {
		bool is = map.p2m[pfn] != XL_INVALID_FRAME;

		assert_int_equal(is, xl_bitmap_test(&map.present, pfn));
		assert_true(!is || (map.p2m[pfn] && map.p2m[pfn] < s->nr_frames));
	}
}

/* Whatever the tables hold, it ends, and nothing is believed that is not a frame of the host. */
static void test_hostile_tables(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		guest(XLDUMP_GUEST_PV, seed % 2, 1500);
		s->rng = seed;
		for (unsigned k = 0; k < 6; k++) {
			static const uint64_t odd[] = {
				0, ~(uint64_t)0, 1ULL << 62 | 5, 1ULL << 63 | 7, 0x1001, 0xfff,
			};
			xl_pfn_t t = s->p2m_table[sim_below(s, seed % 2 ? 2 : 4)];
			/* Itself, another table, any frame, nonsense. */
			const uint64_t v[] = { s->p2m[t], s->p2m[s->p2m_table[0]],
					       sim_below(s, s->nr_frames + 9),
					       odd[sim_below(s, XL_ARRAY_SIZE(odd))] };
			uint64_t e = v[sim_below(s, 4)];

			sim_write64(s, t, sim_below(s, 2) ? sim_below(s, 512) : sim_below(s, 8),
				    seed % 2 ? e : e << 12 | 1);
		}
		if (build() == 0)
			check_credible();
		if (seed < 59)
			teardown(NULL);
	}
}

static void test_missing_tables(void **state)
{
	(void)state;
	guest(XLDUMP_GUEST_PV, false, 1500);
	sim_write64(s, s->p2m_table[0], 402, 0);
	assert_int_equal(build(), 0);
	assert_int_equal(xl_bitmap_count(&map.present), 0);
}

static void test_unreadable_list(void **state)
{
	(void)state;
	guest(XLDUMP_GUEST_PV, true, 1500);
	/* The mid list is a frame of somebody else. */
	s->frame[s->p2m[s->p2m_table[1]]].owner = SIM_STRANGER;
	assert_int_equal(build(), 0);
	assert_int_equal(xl_bitmap_count(&map.present), 0);
	s->frame[s->p2m[s->p2m_table[1]]].owner = SIM_GUEST;
}

static void test_entries(void **state)
{
	xl_pfn_t pfn[5];

	(void)state;
	guest(XLDUMP_GUEST_PV, false, 900);
	for (size_t i = 0; i < 5; i++)
		pfn[i] = s->data[10 + i];
	/* Linux's bits for foreign and identity frames; an alias; no frame of this host; Xen's. */
	sim_write64(s, s->p2m_page[pfn[0] / 512], pfn[0] % 512, 1ULL << 63 | s->p2m[pfn[0]]);
	sim_write64(s, s->p2m_page[pfn[1] / 512], pfn[1] % 512, 1ULL << 62 | pfn[1]);
	sim_write64(s, s->p2m_page[pfn[2] / 512], pfn[2] % 512, s->p2m[pfn[4]]);
	sim_write64(s, s->p2m_page[pfn[3] / 512], pfn[3] % 512, s->nr_frames);
	assert_int_equal(build(), 0);
	assert_false(xl_bitmap_test(&map.present, pfn[0]));
	assert_false(xl_bitmap_test(&map.present, pfn[1]));
	assert_true(xl_bitmap_test(&map.present, pfn[2]));
	assert_int_equal(map.p2m[pfn[2]], map.p2m[pfn[4]]);
	assert_false(xl_bitmap_test(&map.present, pfn[3]));
}

static void moves(void)
{
	struct xl_bitmap dirty;
	size_t per_page = s->params.narrow ? 1024 : 512;

	assert_int_equal(build(), 0);
	assert_int_equal(xl_bitmap_init(&dirty, map.nr_pfns), 0);
	assert_int_equal(s->hv.ops->logdirty_start(&s->hv, SIM_DOMID, map.nr_pfns), 0);
	for (unsigned i = 0; i < 40; i++) {
		sim_pv_move_p2m(s);
		(void)sim_balloon_out(s, sim_below(s, s->nr_data));
		(void)sim_balloon_out(s, sim_below(s, s->nr_data));
		(void)sim_balloon_in(s, 0);
		assert_int_equal(s->hv.ops->logdirty_fetch(&s->hv, SIM_DOMID, false, &dirty), 0);
		assert_int_equal(refresh(&dirty), 0);
		assert_true_map();
	}
	/* What has appeared is to be read. */
	xl_bitmap_zero(&dirty);
	xl_bitmap_set(&dirty, s->p2m_page[s->out[0] / per_page]);
	assert_true(sim_balloon_in(s, 0));
	assert_int_equal(refresh(&dirty), 0);
	assert_true(xl_bitmap_test(&dirty, s->data[s->nr_data - 1]));
	xl_bitmap_deinit(&dirty);
}

static void test_moves_linear(void **state)
{
	(void)state;
	guest(XLDUMP_GUEST_PV, false, 1500);
	moves();
}

static void test_moves_list(void **state)
{
	(void)state;
	guest(XLDUMP_GUEST_PV, true, 1500);
	moves();
}

static void test_narrow_moves_linear(void **state)
{
	(void)state;
	narrow_guest(false, 3000);
	moves();
}

static void test_narrow_moves_list(void **state)
{
	(void)state;
	narrow_guest(true, 3000);
	moves();
}

static void test_growth_and_shrinkage(void **state)
{
	uint64_t was;

	(void)state;
	guest(XLDUMP_GUEST_PV, false, 1500);
	was = s->nr_pfns;
	assert_int_equal(build(), 0);
	xl_put_le64(s->shared_info + SI_MAX_PFN, was + 1);
	assert_int_equal(refresh(NULL), -EOVERFLOW);
	xl_put_le64(s->shared_info + SI_MAX_PFN, 700);
	assert_int_equal(refresh(NULL), 0);
	assert_int_equal(xl_bitmap_next(&map.present, 700), map.nr_pfns);
	assert_int_equal(map.p2m[s->data[s->nr_data - 1]], XL_INVALID_FRAME);
	xl_put_le64(s->shared_info + SI_MAX_PFN, was);
	assert_int_equal(refresh(NULL), 0);
	assert_true_map();
}

/* ---- PV, 32 bits ---- */

static void test_narrow_linear(void **state)
{
	(void)state;
	narrow_guest(false, 5000);
	/* Its array lies under two tables of level 1. */
	assert_true(s->nr_p2m_pages > 2);
	assert_int_equal(build(), 0);
	assert_true(map.narrow);
	assert_true_map();
	assert_int_equal(refresh(NULL), 0);
	assert_true_map();
}

static void test_narrow_three_level(void **state)
{
	(void)state;
	narrow_guest(true, 5000);
	assert_int_equal(build(), 0);
	assert_true(map.narrow);
	assert_true_map();
}

/* A guest of 64 bits is not taken for one. */
static void test_wide(void **state)
{
	(void)state;
	guest(XLDUMP_GUEST_PV, false, 600);
	assert_int_equal(build(), 0);
	assert_false(map.narrow);
}

static struct xl_hv_ops odd_ops;

static int odd_width(struct xl_hv *hv, uint32_t domid, unsigned *ret)
{
	(void)hv;
	(void)domid;
	*ret = 128;
	return 0;
}

static void test_odd_width(void **state)
{
	(void)state;
	guest(XLDUMP_GUEST_PV, false, 600);
	odd_ops = *s->hv.ops;
	odd_ops.guest_width = odd_width;
	s->hv.ops = &odd_ops;
	assert_refused(-EOPNOTSUPP, XLDUMP_CAUSE_UNSUPPORTED);
	assert_non_null(strstr(ctx.err, "128-bit"));
}

static void test_narrow_not_published(void **state)
{
	(void)state;
	narrow_guest(true, 600);
	put32(SI32_FRAME_LIST_LIST, 0);
	assert_refused(-EOPNOTSUPP, XLDUMP_CAUSE_UNSUPPORTED);
	xl_err_clear(&ctx);
	put32(SI32_FRAME_LIST_LIST, ~0U);
	assert_refused(-EOPNOTSUPP, XLDUMP_CAUSE_UNSUPPORTED);
}

static void test_narrow_absurd_size(void **state)
{
	static const uint32_t size[] = { 0, ~0U, 1U << 31, 1U << 24 };

	(void)state;
	narrow_guest(false, 600);
	for (size_t i = 0; i < XL_ARRAY_SIZE(size); i++) {
		put32(SI32_MAX_PFN, size[i]);
		xl_err_clear(&ctx);
		assert_refused(-ERANGE, XLDUMP_CAUSE_UNSUPPORTED);
	}
}

static void test_narrow_bad_address(void **state)
{
	static const uint32_t va[] = { 0xfffff000, 0xf51ff008 }; /* wraps; not a page's */

	(void)state;
	narrow_guest(false, 2000);
	for (size_t i = 0; i < XL_ARRAY_SIZE(va); i++) {
		put32(SI32_P2M_VADDR, va[i]);
		xl_err_clear(&ctx);
		assert_int_equal(build(), -EINVAL);
		assert_true(ctx.err[0]);
	}
	/* The last byte of the address space is one. */
	put32(SI32_P2M_VADDR, (uint32_t)-(s->nr_p2m_pages * XL_PAGE_SIZE));
	xl_err_clear(&ctx);
	assert_int_equal(build(), 0);
}

/* The upper bits of the frame of a CR3 are its lower ones: not a frame of this host. */
static void test_narrow_cr3(void **state)
{
	(void)state;
	narrow_guest(false, 2000);
	put32(SI32_P2M_CR3, xl_get_le32(s->shared_info + SI32_P2M_CR3) | 1);
	assert_int_equal(build(), 0);
	assert_int_equal(xl_bitmap_count(&map.present), 0);
}

static void test_narrow_entries(void **state)
{
	xl_pfn_t pfn[5];

	(void)state;
	narrow_guest(false, 900);
	for (size_t i = 0; i < 5; i++)
		pfn[i] = s->data[10 + i];
	/* Linux's bits for foreign and identity frames; an alias; no frame of this host; a hole. */
	write32(s->p2m_page[0], pfn[0], 1U << 31 | s->p2m[pfn[0]]);
	write32(s->p2m_page[0], pfn[1], 1U << 30 | (uint32_t)pfn[1]);
	write32(s->p2m_page[0], pfn[2], s->p2m[pfn[4]]);
	write32(s->p2m_page[0], pfn[3], (uint32_t)s->nr_frames);
	assert_int_equal(build(), 0);
	assert_false(xl_bitmap_test(&map.present, pfn[0]));
	assert_false(xl_bitmap_test(&map.present, pfn[1]));
	assert_true(xl_bitmap_test(&map.present, pfn[2]));
	assert_int_equal(map.p2m[pfn[2]], map.p2m[pfn[4]]);
	assert_false(xl_bitmap_test(&map.present, pfn[3]));
}

/* On a host so large that the marked entries could be frames of it. */
static void test_narrow_large_host(void **state)
{
	struct xl_domain dom;
	xl_pfn_t pfn;

	(void)state;
	narrow_guest(false, 900);
	pfn = s->data[10];
	write32(s->p2m_page[0], pfn, 1U << 30 | s->p2m[pfn]);
	dom = now();
	assert_int_equal(xl_physmap_build(&ctx, &s->hv, &dom, 1ULL << 33, &map), 0);
	assert_false(xl_bitmap_test(&map.present, pfn));
	assert_true(xl_bitmap_test(&map.present, s->data[11]));
}

/* Whatever the tables and lists hold, it ends, and nothing is believed that is not a frame of the host. */
static void test_narrow_hostile(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		narrow_guest(seed % 2, 2500);
		s->rng = seed;
		for (unsigned k = 0; k < 6; k++) {
			static const uint64_t odd[] = {
				0, ~(uint64_t)0, 1ULL << 62 | 5, 0x80000007, 0x1001, 0xfff,
			};
			xl_pfn_t t = s->p2m_table[sim_below(s, seed % 2 ? 2 : 3)];
			const uint64_t v[] = { s->p2m[t], s->p2m[s->p2m_table[0]],
					       sim_below(s, s->nr_frames + 9),
					       odd[sim_below(s, XL_ARRAY_SIZE(odd))] };
			uint64_t e = v[sim_below(s, 4)];
			size_t i = sim_below(s, 2) ? sim_below(s, 512) : sim_below(s, 8);

			if (seed % 2)
				write32(t, i, (uint32_t)e);
			else
				sim_write64(s, t, i, e << 12 | 1);
		}
		if (build() == 0)
			check_credible();
		if (seed < 59)
			teardown(NULL);
	}
}

/* ---- auto-translated ---- */

static void auto_guest(bool high, unsigned programs)
{
	const struct sim_params p = { .seed = 8, .type = XLDUMP_GUEST_PVH, .pages = 1200,
				      .high = high, .programs = programs };

	s = new_sim(&p);
	ctx = (struct xl_ctx){ 0 };
}

static void test_holes(void **state)
{
	(void)state;
	auto_guest(true, 0);
	assert_int_equal(build(), 0);
	assert_true_map();
	assert_null(map.p2m);
	assert_int_equal(xl_physmap_frame(&map, 0x100001), 0x100001);
	/* All owned pages were found where they usually are: the rest was not asked for. */
	assert_true(s->calls[SIM_page_types] < 1000);
}

static void test_ballooned(void **state)
{
	(void)state;
	for (int high = 0; high < 2; high++) {
		auto_guest(high, 0);
		for (unsigned i = 0; i < 30; i++)
			(void)sim_balloon_out(s, i % 2 ? s->nr_data - 1 : sim_below(s, s->nr_data));
		assert_int_equal(build(), 0);
		assert_true_map();
		for (unsigned i = 0; i < 60; i++) {
			if (s->nr_out && i % 3)
				assert_true(sim_balloon_in(s, sim_below(s, s->nr_out)));
			else
				assert_true(sim_balloon_out(s, sim_below(s, s->nr_data)));
			assert_int_equal(refresh(NULL), 0);
			assert_true_map();
		}
		if (!high)
			teardown(NULL);
	}
}

static void test_pod(void **state)
{
	(void)state;
	auto_guest(false, 0);
	s->pod = 5;
	assert_refused(-EOPNOTSUPP, XLDUMP_CAUSE_UNSUPPORTED);
	assert_int_equal(s->calls[SIM_page_types] + s->calls[SIM_map], 0);
}

static void test_paged_and_shared(void **state)
{
	(void)state;
	auto_guest(false, 0);
	s->dom.paged_pages = 1;
	assert_refused(-EOPNOTSUPP, XLDUMP_CAUSE_UNSUPPORTED);
	s->dom.paged_pages = 0;
	s->dom.shr_pages = 1;
	xl_err_clear(&ctx);
	assert_refused(-EOPNOTSUPP, XLDUMP_CAUSE_UNSUPPORTED);
	assert_int_equal(s->calls[SIM_page_types] + s->calls[SIM_map], 0);
}

#define T(f) cmocka_unit_test_teardown(f, teardown)

/* It says itself where its highest page is, and must not size our memory by that. */
static struct xl_hv_ops far_ops;
static uint64_t far_gfns;

static int far(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	(void)hv;
	(void)domid;
	*ret = far_gfns;
	return 0;
}

static void test_far_gfn(void **state)
{
	static const uint64_t absurd[] = { 0, ~(uint64_t)0, 1ULL << 33, 1ULL << 32, 1ULL << 24 };

	(void)state;
	guest(XLDUMP_GUEST_PVH, false, 600);
	far_ops = *s->hv.ops;
	far_ops.nr_gfns = far;
	s->hv.ops = &far_ops;
	for (size_t i = 0; i < XL_ARRAY_SIZE(absurd); i++) {
		far_gfns = absurd[i];
		xl_err_clear(&ctx);
		assert_refused(-ERANGE, XLDUMP_CAUSE_UNSUPPORTED);
	}
	/* What a small guest may have, and what a large one needs. */
	far_gfns = 2ULL << 20;
	xl_err_clear(&ctx);
	assert_int_equal(build(), 0);
	xl_physmap_deinit(&map);
	s->max_pages = 1ULL << 20;
	far_gfns = 1ULL << 24;
	assert_int_equal(build(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_linear), T(test_three_level), T(test_not_published), T(test_absurd_size), T(test_far_gfn),
		T(test_too_large), T(test_bad_address), T(test_hostile_tables),
		T(test_missing_tables), T(test_unreadable_list), T(test_entries),
		T(test_moves_linear), T(test_moves_list), T(test_growth_and_shrinkage),
		T(test_narrow_linear), T(test_narrow_three_level), T(test_wide), T(test_odd_width),
		T(test_narrow_not_published), T(test_narrow_absurd_size), T(test_narrow_bad_address),
		T(test_narrow_cr3), T(test_narrow_entries), T(test_narrow_large_host),
		T(test_narrow_hostile), T(test_narrow_moves_linear), T(test_narrow_moves_list),
		T(test_holes), T(test_ballooned), T(test_pod), T(test_paged_and_shared),
	};

	(void)guests;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
