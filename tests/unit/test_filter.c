/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages a dump level leaves out: for the struct pages of kernels from 4.3 to 7.0, and for
 * memory that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_mm.h"
#include "page/filter.h"

#define LAST 31

static struct xl_ctx ctx;
static xl_pfn_t image_start, image_end;

static int judge(struct fake_mm *m, unsigned level, struct xl_filter *f)
{
	struct xl_kernel k = { 0 };
	int r;

	memset(&ctx, 0, sizeof(ctx));
	memset(f, 0, sizeof(*f));
	assert_int_equal(xl_kernel_identify(&ctx, &m->f.cand, fake_read, &m->f, &k), 0);
	image_start = k.image_start >> XL_PAGE_SHIFT;
	image_end = k.image_end >> XL_PAGE_SHIFT;
	assert_true(image_start < image_end);
	m->reads = 0;
	r = xl_filter_judge(&ctx, &k, level, &m->present, NULL, fake_mm_read, m, f);
	xl_kernel_deinit(&k);
	return r;
}

/* ---- a scene, and what is left out of it ---- */

#define H FAKE_MM_HIGH

struct item {
	xl_pfn_t pfn;
	uint64_t n;
	unsigned levels; /* any of them leaves it out */
	enum xl_page_kind kind;
};

static const struct item scene_items[] = {
	{ 0x40, 4, 16, XL_KIND_FREE },
	{ H + 0x100, 1, 2 | 4, XL_KIND_CACHE },
	{ H + 0x101, 1, 4, XL_KIND_CACHE_PRIVATE },
	{ H + 0x102, 1, 8, XL_KIND_USER },
	{ H + 0x103, 1, 2 | 4, XL_KIND_CACHE }, /* in the swap cache */
	{ H + 0x104, 1, LAST, XL_KIND_HWPOISON },
	{ H + 0x140, 16, 8, XL_KIND_USER }, /* a compound page of a process */
	{ H + 0x184, 1, 8, XL_KIND_USER },  /* a head that lies about its order */
	{ H + 0x200, 512, 8, XL_KIND_USER }, /* hugetlb */
	{ H + 0x400, 1024, 16, XL_KIND_FREE },
	{ H + FAKE_MM_SECTION - 1, 1, 16, XL_KIND_FREE },
};

static void scene(struct fake_mm *m)
{
	const struct fake_mm_kernel *k = m->k;

	fake_mm_free(m, 0x40, 2);
	fake_mm_free(m, 0x50, 11); /* not an order: stays in */
	fake_mm_flag(m, H + 0x100, k->lru);
	fake_mm_flag(m, H + 0x101, k->lru);
	fake_mm_flag(m, H + 0x101, k->private_flag);
	fake_mm_flag(m, H + 0x102, k->lru);
	fake_mm_mapping(m, H + 0x102, 0xffff888012345671);
	fake_mm_flag(m, H + 0x103, k->swapcache);
	fake_mm_flag(m, H + 0x103, k->swapbacked);
	fake_mm_flag(m, H + 0x104, k->hwpoison);

	/* Stay in: a slab page with what looks like a mapping, or like a free page, and an owner's
	 * private flag that is no swap cache. */
	fake_mm_flag(m, H + 0x106, k->slab);
	if (k->slab_type)
		fake_mm_type(m, H + 0x106, k->slab_type);
	fake_mm_mapping(m, H + 0x106, 1);
	fake_mm_flag(m, H + 0x107, k->slab);
	if (k->slab >= 0)
		fake_mm_free(m, H + 0x107, 0);
	if (k->swapbacked >= 0)
		fake_mm_flag(m, H + 0x108, k->swapcache);

	fake_mm_compound(m, H + 0x140, 4, false);
	fake_mm_flag(m, H + 0x140, k->lru);
	fake_mm_mapping(m, H + 0x140, 1);
	fake_mm_compound(m, H + 0x184, 3, false); /* its block would begin at 0x180 */
	fake_mm_mapping(m, H + 0x184, 1);
	fake_mm_compound(m, H + 0x200, 9, true);
	fake_mm_free(m, H + 0x400, 10);
	fake_mm_free(m, H + FAKE_MM_SECTION - 1, 0);
}

static void expect(struct fake_mm *m, unsigned level, const struct xl_filter *f)
{
	uint64_t count[_XL_KINDS] = { 0 };
	struct xl_bitmap want;

	assert_int_equal(xl_bitmap_init(&want, FAKE_MM_PFNS), 0);
	for (size_t i = 0; i < XL_ARRAY_SIZE(scene_items); i++) {
		const struct item *t = &scene_items[i];

		for (uint64_t j = 0; (t->levels & level) && j < t->n; j++) {
			xl_bitmap_set(&want, t->pfn + j);
			count[t->kind]++;
		}
	}
	for (xl_pfn_t pfn = 0; pfn < FAKE_MM_PFNS; pfn++)
		if (xl_bitmap_test(&want, pfn) != xl_bitmap_test(&f->excluded, pfn))
			fail_msg("%s, level %u: pfn %#" PRIx64 " is %s", m->k->release, level, pfn,
				 xl_bitmap_test(&want, pfn) ? "in" : "out");
	assert_memory_equal(f->count, count, sizeof(count));
	xl_bitmap_deinit(&want);
}

static void test_levels(void **state)
{
	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(fake_mm_kernels); i++) {
		struct fake_mm m;
		struct xl_filter f;

		fake_mm_init(&m, &fake_mm_kernels[i]);
		scene(&m);
		for (unsigned level = 1; level <= XLDUMP_LEVEL_MAX; level++) {
			if (judge(&m, level, &f) < 0)
				fail_msg("%s: %s", m.k->release, ctx.err);
			expect(&m, level, &f);
			assert_int_equal(f.level, level);
			assert_int_equal(f.unknown, FAKE_MM_SECTION); /* section 1 */
			assert_int_equal(f.image, 0);
			xl_filter_deinit(&f);
		}
		fake_mm_deinit(&m);
	}
}

static void test_offline_and_unaccepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(fake_mm_kernels); i++) {
		const struct fake_mm_kernel *k = &fake_mm_kernels[i];
		struct fake_mm m;
		struct xl_filter f;

		if (!k->offline)
			continue;
		fake_mm_init(&m, k);
		fake_mm_type(&m, H + 3, k->offline);
		fake_mm_type(&m, H + 5, k->offline); /* slab, then: the flag is looked at first */
		fake_mm_flag(&m, H + 5, k->slab);
		assert_int_equal(judge(&m, XLDUMP_LEVEL_ZERO, &f), 0);
		assert_int_equal(f.count[XL_KIND_OFFLINE], k->slab >= 0 ? 1 : 2);
		assert_true(xl_bitmap_test(&f.excluded, H + 3));
		xl_filter_deinit(&f);

		fake_mm_type(&m, H + 0x400, k->unaccepted ? k->unaccepted : UINT32_MAX);
		assert_int_equal(judge(&m, XLDUMP_LEVEL_FREE, &f), 0);
		assert_int_equal(f.count[XL_KIND_FREE], k->unaccepted ? 1024 : 0);
		xl_filter_deinit(&f);
		fake_mm_deinit(&m);
	}
}

/* ---- what is never left out, and what does not exist ---- */

#define KERNEL_6_12 (&fake_mm_kernels[6])

static void test_image_stays(void **state)
{
	struct fake_mm m;
	struct xl_filter f;

	(void)state;
	fake_mm_init(&m, KERNEL_6_12);
	fake_mm_free(&m, 0, 10); /* reaches beyond the start of the image */
	assert_int_equal(judge(&m, XLDUMP_LEVEL_FREE, &f), 0);
	assert_int_equal(image_start, FAKE_TEXT_PA >> XL_PAGE_SHIFT);
	assert_true(image_end <= 1024);
	assert_int_equal(f.image, image_end - image_start);
	assert_int_equal(f.count[XL_KIND_FREE], 1024 - f.image);
	assert_true(xl_bitmap_next(&f.excluded, image_start) >= image_end);
	xl_filter_deinit(&f);
	fake_mm_deinit(&m);
}

static void test_holes(void **state)
{
	struct fake_mm m;
	struct xl_filter f;

	(void)state;
	fake_mm_init(&m, KERNEL_6_12);
	fake_mm_free(&m, H + 8, 3);
	fake_mm_free(&m, H + 16, 0);
	xl_bitmap_clear(&m.present, H + 10);
	xl_bitmap_clear(&m.present, H + 15);
	xl_bitmap_clear(&m.present, H + 16);
	assert_int_equal(judge(&m, XLDUMP_LEVEL_FREE, &f), 0);
	assert_int_equal(f.count[XL_KIND_FREE], 6);
	assert_false(xl_bitmap_test(&f.excluded, H + 10));
	assert_false(xl_bitmap_test(&f.excluded, H + 16));
	xl_filter_deinit(&f);
	fake_mm_deinit(&m);
}

/* Nothing of a section is believed that is not there, whole, and in the kernel's half. */
static void test_sections(void **state)
{
	struct fake_mm m;
	struct xl_filter f;

	(void)state;
	fake_mm_init(&m, KERNEL_6_12);
	fake_mm_free(&m, H + 8, 0);
	fake_mm_section(&m, 2, m.vmemmap | 0x2e); /* not present */
	assert_int_equal(judge(&m, XLDUMP_LEVEL_FREE, &f), 0);
	assert_int_equal(f.count[XL_KIND_FREE], 0);
	assert_int_equal(f.unknown, 2 * FAKE_MM_SECTION);
	xl_filter_deinit(&f);

	fake_mm_section(&m, 2, 0x7f); /* in a process */
	assert_int_equal(judge(&m, XLDUMP_LEVEL_FREE, &f), 0);
	assert_int_equal(f.unknown, 2 * FAKE_MM_SECTION);
	xl_filter_deinit(&f);

	fake_mm_section(&m, 0, 0);
	assert_int_equal(judge(&m, XLDUMP_LEVEL_FREE, &f), -EIO);
	assert_int_equal(ctx.cause, XLDUMP_CAUSE_UNSUPPORTED);
	assert_non_null(strstr(ctx.err, "without -d"));
	fake_mm_deinit(&m);
}

/* ---- VMCOREINFO that lacks something ---- */

static void refuse(const char *line, const char *instead, const char *word)
{
	struct fake_mm_kernel k = *KERNEL_6_12;
	char more[2048];
	struct fake_mm m;
	struct xl_filter f;
	char *at;

	(void)snprintf(more, sizeof(more), "%s", k.more);
	at = strstr(more, line);
	assert_non_null(at);
	memmove(at, strchr(at, '\n') + 1, strlen(strchr(at, '\n') + 1) + 1);
	(void)snprintf(more + strlen(more), sizeof(more) - strlen(more), "%s", instead);
	k.more = more;
	fake_mm_init(&m, &k);
	assert_int_equal(judge(&m, XLDUMP_LEVEL_MAX, &f), -EOPNOTSUPP);
	assert_int_equal(ctx.cause, XLDUMP_CAUSE_UNSUPPORTED);
	if (!strstr(ctx.err, word))
		fail_msg("\"%s\" does not say \"%s\"", ctx.err, word);
	fake_mm_deinit(&m);
}

static void test_refused(void **state)
{
	static const char *const needed[] = {
		"SIZE(page)", "SIZE(mem_section)", "OFFSET(mem_section.section_mem_map)",
		"OFFSET(page.flags)", "OFFSET(page.mapping)", "OFFSET(page._mapcount)",
		"OFFSET(page.private)", "OFFSET(page.compound_head)", "LENGTH(zone.free_area)",
		"NUMBER(PG_lru)", "NUMBER(PG_private)", "NUMBER(PG_swapcache)",
		"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)",
	};

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(needed); i++) {
		char lie[100];

		refuse(needed[i], "", needed[i]);
		(void)snprintf(lie, sizeof(lie), "%s=99999999999\n", needed[i]);
		refuse(needed[i], lie, needed[i]);
		(void)snprintf(lie, sizeof(lie), "%s=-99999999999\n", needed[i]);
		refuse(needed[i], lie, needed[i]);
	}
	refuse("NUMBER(PG_head_mask)", "", "NUMBER(PG_head_mask)");
	refuse("NUMBER(PG_head_mask)", "NUMBER(PG_head_mask)=0\n", "NUMBER(PG_head_mask)");
	refuse("NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)", "", "NUMBER(PG_slab)");
	refuse("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)", "", "OFFSET(page.compound_order)");
	refuse("OFFSET(page._mapcount)", "OFFSET(page._mapcount)=61\n", "OFFSET(page._mapcount)");
	refuse("OFFSET(page.flags)", "OFFSET(page.flags)=-1\n", "OFFSET(page.flags)");
	refuse("NUMBER(SECTION_SIZE_BITS)", "NUMBER(SECTION_SIZE_BITS)=12\n",
	       "NUMBER(SECTION_SIZE_BITS)");
	refuse("NUMBER(PG_lru)", "NUMBER(PG_lru)=64\n", "NUMBER(PG_lru)");
}

static void test_no_kernel(void **state)
{
	struct xl_kernel none = { 0 };
	struct xl_filter f;
	struct fake_mm m;

	(void)state;
	memset(&ctx, 0, sizeof(ctx));
	fake_mm_init(&m, KERNEL_6_12);
	assert_int_equal(xl_filter_judge(&ctx, &none, 31, &m.present, NULL, fake_mm_read, &m, &f),
			 -EOPNOTSUPP);
	assert_non_null(strstr(ctx.err, "no Linux kernel"));
	fake_mm_deinit(&m);
}

/* ---- hostile memory ---- */

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 16;
}

/* Whatever struct pages say: only pages that exist, never the image, and no work beyond one look at
 * each group of them. */
static void check_harmless(struct fake_mm *m, const struct xl_filter *f)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < _XL_KINDS; i++)
		sum += f->count[i];
	assert_int_equal(xl_bitmap_count(&f->excluded), sum);
	for (xl_pfn_t pfn = xl_bitmap_next(&f->excluded, 0); pfn < FAKE_MM_PFNS;
	     pfn = xl_bitmap_next(&f->excluded, pfn + 1)) {
		assert_true(xl_bitmap_test(&m->present, pfn));
		assert_true(pfn < image_start || pfn >= image_end);
	}
	/* 5 levels and the page, and as much for the section. */
	assert_true(m->reads <= FAKE_MM_PFNS / XL_MM_GROUP * 16);
}

static void test_hostile_pages(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(fake_mm_kernels); i++) {
		struct fake_mm m;
		struct xl_filter f;

		fake_mm_init(&m, &fake_mm_kernels[i]);
		memset(m.f.mem + FAKE_MM_LOW_PA, 0xff, FAKE_MEMORY - FAKE_MM_LOW_PA);
		assert_int_equal(judge(&m, XLDUMP_LEVEL_MAX, &f), 0);
		check_harmless(&m, &f);
		xl_filter_deinit(&f);

		for (size_t at = FAKE_MM_LOW_PA; at < FAKE_MEMORY; at += 8)
			xl_put_le64(m.f.mem + at, next_random(&seed) << 20 ^ next_random(&seed));
		assert_int_equal(judge(&m, XLDUMP_LEVEL_MAX, &f), 0);
		check_harmless(&m, &f);
		xl_filter_deinit(&f);

		/* All heads of compound pages of all the memory there is, and free blocks between. */
		for (xl_pfn_t pfn = 0; pfn < FAKE_MM_SECTION - 1; pfn += 2) {
			fake_mm_compound(&m, H + pfn, 1, true);
			fake_mm_page(&m, H + pfn + 1)[m.k->order] = (unsigned char)(pfn / 2);
			fake_mm_free(&m, pfn, 10);
		}
		assert_int_equal(judge(&m, XLDUMP_LEVEL_MAX, &f), 0);
		check_harmless(&m, &f);
		xl_filter_deinit(&f);
		fake_mm_deinit(&m);
	}
}

/* Tables that lead in a circle, or nowhere, and sections that are each other. */
static void test_hostile_tables(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct fake_mm m;
		struct xl_filter f;

		fake_mm_init(&m, &fake_mm_kernels[round % XL_ARRAY_SIZE(fake_mm_kernels)]);
		for (int n = 0; n < 200; n++) {
			uint64_t at = FAKE_MM_TABLES_PA + next_random(&seed) % 0x3000 / 8 * 8;

			xl_put_le64(m.f.mem + at, (next_random(&seed) % 0x240 << 12) | 0x63);
			fake_mm_section(&m, n % 128, next_random(&seed) << 16 | 1);
		}
		fake_entry(&m.f, FAKE_TABLES_PA, m.vmemmap >> (m.f.l5 ? 48 : 39) & 511,
			   round % 2 ? FAKE_TABLES_PA | 0x63 : FAKE_MM_TABLES_PA | 0x63);
		if (judge(&m, XLDUMP_LEVEL_MAX, &f) == 0)
			check_harmless(&m, &f);
		else
			assert_int_equal(ctx.cause, XLDUMP_CAUSE_UNSUPPORTED);
		xl_filter_deinit(&f);
		fake_mm_deinit(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_offline_and_unaccepted),
		cmocka_unit_test(test_image_stays),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_kernel),
		cmocka_unit_test(test_hostile_pages),
		cmocka_unit_test(test_hostile_tables),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
