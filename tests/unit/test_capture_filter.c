/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps of simulated guests with pages left out, while the guest's kernel goes on allocating and
 * freeing: what is left out is what the struct pages of T say, no page more and none less. */
#include "sim_test.h"

#include "fake_mm.h"
#include "page/canonicalise.h"
#include "page/filter.h"

#define PRECOPY XLDUMP_STRATEGY_PRECOPY
#define KERNEL (&fake_mm_kernels[6])
#define PAGES 3300
#define LAST_PFN 3072 /* the kernel has memory for the struct pages of so many */

/* The kernel's memory, from the first of its pages to the last that it writes to by itself. */
#define KERNEL_FIRST (FAKE_TEXT_PA >> XL_PAGE_SHIFT)
#define KERNEL_END ((FAKE_MM_LOW_PA >> XL_PAGE_SHIFT) + 0x200)

static const char *scratch_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir ? dir : "/tmp";
}

/* A page that is written to, and is put to other uses again and again; or any. */
static xl_pfn_t pick(struct sim *s)
{
	xl_pfn_t pfn = s->data[sim_below(s, s->nr_data / 8)];

	return sim_below(s, 4) && pfn < LAST_PFN ? pfn : sim_below(s, LAST_PFN);
}

/* The guest's memory management at work: one page is put to another use. */
static void manage_memory(struct sim *s)
{
	xl_pfn_t pfn = pick(s);
	uint64_t pa = FAKE_MM_LOW_PA + pfn * 64;
	const struct fake_mm_kernel *k = KERNEL;
	uint8_t page[64] = { 0 };
	uint32_t type = UINT32_MAX;

	switch (sim_below(s, 4)) {
	case 0:
		type = k->buddy;
		xl_put_le64(page + k->private_, sim_below(s, 4));
		break;
	case 1:
		xl_put_le64(page + k->flags, 1ULL << k->lru);
		break;
	case 2:
		xl_put_le64(page + k->flags, 1ULL << k->lru);
		xl_put_le64(page + k->mapping, 1);
		break;
	default:
		break;
	}
	xl_put_le32(page + k->mapcount, type);
	sim_write(s, pa >> XL_PAGE_SHIFT, pa & XL_PAGE_MASK, page, sizeof(page));
}

static void set_type(struct sim *s, uint64_t pa, uint8_t type)
{
	uint8_t *table = sim_page(s, s->p2m[pa >> XL_PAGE_SHIFT]);

	s->frame[s->p2m[pa >> XL_PAGE_SHIFT]].type = type;
	for (size_t i = 0; i < XL_PTES_PER_PAGE; i++) {
		uint64_t pte = xl_get_le64(table + 8 * i), pfn = pte >> 12 & 0xffffffffff;

		if ((pte & 1) && pfn < s->nr_pfns && s->p2m[pfn])
			xl_put_le64(table + 8 * i, (pte & 0xfff) | (uint64_t)s->p2m[pfn] << 12);
	}
}

/* The tables under which the struct pages are, as Xen knows them. */
static void make_pv(struct sim *s)
{
	set_type(s, FAKE_TABLES_PA, XL_PAGE_L4TAB);
	set_type(s, FAKE_TABLES_PA + 0x3000, XL_PAGE_L3TAB);
	set_type(s, FAKE_MM_TABLES_PA + 0x1000, XL_PAGE_L3TAB);
	set_type(s, FAKE_MM_TABLES_PA + 0x2000, XL_PAGE_L2TAB);
	set_type(s, FAKE_MM_TABLES_PA + 0x3000, XL_PAGE_L1TAB);
	set_type(s, FAKE_MM_TABLES_PA + 0x4000, XL_PAGE_L2TAB);
	set_type(s, FAKE_MM_TABLES_PA + 0x5000, XL_PAGE_L1TAB);
}

static void install(struct sim *s, const struct fake_mm *m)
{
	size_t n = 0;

	for (xl_pfn_t pfn = KERNEL_FIRST; pfn < FAKE_MEMORY >> XL_PAGE_SHIFT; pfn++) {
		if (!s->p2m[pfn])
			sim_pv_set_p2m(s, pfn, sim_alloc(s, SIM_GUEST, pfn));
		assert_int_equal(s->frame[s->p2m[pfn]].type, XL_PAGE_NOTAB);
		memcpy(sim_page(s, s->p2m[pfn]), m->f.mem + (pfn << XL_PAGE_SHIFT), XL_PAGE_SIZE);
	}
	if (s->dom.pv)
		make_pv(s);
	/* Other programs keep away from it. */
	for (size_t i = 0; i < s->nr_data; i++)
		if (s->data[i] < KERNEL_FIRST || s->data[i] >= KERNEL_END)
			s->data[n++] = s->data[i];
	s->nr_data = n;
	for (unsigned i = 0; i < LAST_PFN / 2; i++)
		manage_memory(s);
	s->program[SIM_CRASHER] = (struct sim_program){ .act = manage_memory, .interval = 4000 };
}

/* ---- the guest at T, judged ---- */

struct truth {
	const struct sim_truth *t;
	const struct xl_m2p *m2p;
};

static int read_truth(void *data, uint64_t paddr, void *buf, size_t len)
{
	const struct truth *v = data;
	uint8_t copy[2 * XL_PAGE_SIZE] __attribute__((__aligned__(8)));
	size_t i = 0;

	/* The library's reads of this memory never go over the end of a page. */
	assert_true((paddr & XL_PAGE_MASK) + len <= XL_PAGE_SIZE);
	while (i < v->t->n && v->t->pfn[i] != paddr >> XL_PAGE_SHIFT)
		i++;
	if (i == v->t->n)
		return -EFAULT;
	memcpy(copy, v->t->page + i * XL_PAGE_SIZE, XL_PAGE_SIZE);
	if (v->t->type[i] >= XL_PAGE_L1TAB && v->t->type[i] <= XL_PAGE_L4TAB) {
		struct xl_edits edits = { 0 };

		assert_int_equal(xl_canonicalise(v->m2p, v->t->type[i], v->t->pfn[i],
						 (uint64_t *)copy, &edits), 0);
		xl_edits_deinit(&edits);
	}
	memcpy(buf, copy + (paddr & XL_PAGE_MASK), len);
	return 0;
}

static void check_excluded(const struct sim *s, const struct sim_dump *d, unsigned level)
{
	_cleanup_(xl_m2p_deinit) struct xl_m2p m2p = { 0 };
	struct truth truth = { &s->truth, &m2p };
	struct xl_ctx x = { 0 };
	struct xl_bitmap all, tables;
	struct xl_filter f;

	if (d->cut.p2m)
		assert_int_equal(xl_m2p_init(&m2p, d->cut.p2m, d->cut.nr_pfns), 0);
	assert_int_equal(xl_bitmap_init(&all, d->cut.nr_pfns), 0);
	assert_int_equal(xl_bitmap_init(&tables, d->cut.nr_pfns), 0);
	for (size_t i = 0; i < s->truth.n; i++) {
		xl_bitmap_set(&all, s->truth.pfn[i]);
		/* They are left in whatever is said of them. */
		if (s->truth.type[i] != XL_PAGE_NOTAB)
			xl_bitmap_set(&tables, s->truth.pfn[i]);
	}
	assert_int_equal(xl_filter_judge(&x, &d->cut.kernel, level, &all, &tables, read_truth, &truth,
					 &f), 0);
	assert_int_equal(d->cut.dump_level, level);
	assert_true(xl_bitmap_count(&f.excluded) > 40);
	assert_int_equal(f.unknown, 0);
	for (xl_pfn_t pfn = 0; pfn < d->cut.nr_pfns; pfn++)
		if (xl_bitmap_test(&f.excluded, pfn) != xl_bitmap_test(&d->cut.excluded, pfn))
			fail_msg("pfn %#" PRIx64 " was to be %s at T, and is not", pfn,
				 xl_bitmap_test(&f.excluded, pfn) ? "out" : "in");
	assert_memory_equal(f.count, d->cut.excluded_count, sizeof(f.count));
	assert_int_equal(f.unknown, d->cut.unjudged);
	xl_filter_deinit(&f);
	xl_bitmap_deinit(&all);
	xl_bitmap_deinit(&tables);
}

/* What is left out was not even read, but for what came to be out later. */
static void check_skipped(const struct sim_dump *d)
{
	uint64_t out = xl_bitmap_count(&d->cut.excluded);

	assert_true(d->cut.round[0].copied + out / 2 <= xl_bitmap_count(&d->cut.present) + out);
}

static void kernel_for(struct fake_mm *m, enum xldump_guest_type type)
{
	memset(m, 0, sizeof(*m));
	fake_defaults(&m->f);
	m->small = type == XLDUMP_GUEST_PV;
	if (m->small) {
		m->f.kaslr = 0;
		m->f.phys_base = FAKE_TEXT_PA - 0x1000000;
	}
	fake_mm_build(m, KERNEL);
}

static void dump(enum xldump_guest_type type, enum xldump_strategy strategy, unsigned level,
		 uint64_t seed)
{
	const struct sim_params p = {
		.seed = seed, .type = type, .pages = PAGES, .compact = true,
		.no_shadow = strategy == XLDUMP_STRATEGY_AUTO,
		.programs = SIM_RUN(SIM_DIRTIER) | SIM_RUN(SIM_TABLES),
	};
	const struct xl_capture_params cp = {
		.strategy = strategy, .max_rounds = 4, .dump_level = level,
		.scratch = scratch_dir(),
		/* Also with pauses that are given up. */
		.max_pause_ns = seed % 3 == 2 ? 60000 : 0, .extend_pause = true,
	};
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	_cleanup_(fake_mm_deinit) struct fake_mm m;
	struct sim_dump d;

	kernel_for(&m, type);
	install(s, &m);
	assert_int_equal(judge(s, &cp, &d), 0);
	if (d.r < 0)
		fail_msg("%s", d.x.err);
	if (strategy == XLDUMP_STRATEGY_AUTO)
		assert_int_equal(d.cut.strategy, XLDUMP_STRATEGY_RESCAN);
	check_excluded(s, &d, level);
	check_skipped(&d);
	sim_dump_deinit(&d);
}

static const enum xldump_strategy strategies[] = {
	XLDUMP_STRATEGY_PRECOPY, XLDUMP_STRATEGY_RESCAN, XLDUMP_STRATEGY_STOP
};

static void test_exact(void **state)
{
	(void)state;
	for (int type = XLDUMP_GUEST_PV; type <= XLDUMP_GUEST_HVM; type++) {
		/* Page tables that become other pages meanwhile, and are to be out, are rare. */
		uint64_t n = number_of_seeds(type == XLDUMP_GUEST_PV ? 6 : 2);

		for (size_t i = 0; i < XL_ARRAY_SIZE(strategies); i++)
			for (uint64_t seed = first_seed(); seed < first_seed() + n; seed++)
				dump((enum xldump_guest_type)type, strategies[i], 31, seed);
	}
	/* Precopy is tried, and then rescan, with what is known by then. */
	dump(XLDUMP_GUEST_PV, XLDUMP_STRATEGY_AUTO, 31, 7);
	dump(XLDUMP_GUEST_PVH, XLDUMP_STRATEGY_PRECOPY, XLDUMP_LEVEL_FREE, 9);
	dump(XLDUMP_GUEST_PV, XLDUMP_STRATEGY_PRECOPY, XLDUMP_LEVEL_USER, 9);
}

/* ---- guests that cannot be judged ---- */

static int dump_unknown(enum xldump_strategy strategy, unsigned level, const char *dir, bool kernel,
			struct sim_dump *d)
{
	const struct sim_params p = { .seed = 3, .type = XLDUMP_GUEST_PVH, .pages = PAGES,
				      .compact = true };
	const struct xl_capture_params cp = { .strategy = strategy,
					      .dump_level = level, .scratch = dir };
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	_cleanup_(fake_mm_deinit) struct fake_mm m;

	kernel_for(&m, p.type);
	if (kernel)
		install(s, &m);
	assert_int_equal(judge(s, &cp, d), 0);
	return d->r;
}

static void test_refused(void **state)
{
	struct sim_dump d;

	(void)state;
	assert_int_equal(dump_unknown(PRECOPY, 31, scratch_dir(), false, &d), -EOPNOTSUPP);
	assert_int_equal(d.x.cause, XLDUMP_CAUSE_UNSUPPORTED);
	assert_non_null(strstr(d.x.err, "without -d"));
	sim_dump_deinit(&d);

	/* Not the hypervisor's fault: it is not tried again in another way. */
	assert_int_equal(dump_unknown(XLDUMP_STRATEGY_AUTO, 31, scratch_dir(), false, &d), -EOPNOTSUPP);
	assert_int_equal(d.cut.strategy, XLDUMP_STRATEGY_PRECOPY);
	assert_string_equal(d.cut.reason, "");
	sim_dump_deinit(&d);

	/* A dump into a pipe leaves no file behind, nor a trace of one. */
	assert_int_equal(dump_unknown(PRECOPY, 31, NULL, true, &d), 0);
	assert_true(d.cut.excluded.nbits > 0);
	sim_dump_deinit(&d);

	/* Zeros need no judge. */
	assert_int_equal(dump_unknown(PRECOPY, XLDUMP_LEVEL_ZERO, scratch_dir(), false, &d), 0);
	assert_int_equal(d.cut.excluded.nbits, 0);
	sim_dump_deinit(&d);

	assert_int_equal(dump_unknown(PRECOPY, 31, "/nonexistent/folder", true, &d), -ENOENT);
	assert_int_equal(d.x.cause, XLDUMP_CAUSE_OUTPUT);
	assert_non_null(strstr(d.x.err, "/nonexistent/folder"));
	sim_dump_deinit(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
