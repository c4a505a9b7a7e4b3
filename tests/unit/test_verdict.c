/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The judgement that follows a guest says what one of all its struct pages says, whatever changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_mm.h"
#include "page/filter.h"

static struct xl_ctx ctx;

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 16;
}

struct scene {
	struct fake_mm m;
	struct xl_kernel k;
	struct xl_verdict v;
	unsigned level;
};

static void scene_init(struct scene *s, const char *release, unsigned level)
{
	const struct fake_mm_kernel *k = fake_mm_kernels;
	struct xl_bitmap wanted;

	while (strcmp(k->release, release) != 0)
		k++;
	memset(s, 0, sizeof(*s));
	memset(&ctx, 0, sizeof(ctx));
	s->level = level;
	fake_mm_init(&s->m, k);
	assert_int_equal(xl_kernel_identify(&ctx, &s->m.f.cand, fake_read, &s->m.f, &s->k), 0);
	assert_int_equal(xl_verdict_init(&s->v, &s->k, level, FAKE_MM_PFNS), 0);
	assert_int_equal(xl_bitmap_init(&wanted, FAKE_MM_PFNS), 0);
	assert_int_equal(xl_filter_plan(&ctx, &s->k, &s->m.present, fake_mm_read, &s->m, &wanted,
					&s->v), 0);
	xl_bitmap_deinit(&wanted);
}

static void scene_deinit(struct scene *s)
{
	xl_verdict_deinit(&s->v);
	xl_kernel_deinit(&s->k);
	fake_mm_deinit(&s->m);
}

/* The page of the guest in which the struct page of pfn is. */
static void look(struct scene *s, xl_pfn_t pfn)
{
	uint64_t at = (uint64_t)(fake_mm_page(&s->m, pfn) - s->m.f.mem) & ~(uint64_t)XL_PAGE_MASK;

	xl_verdict_look(&s->v, at >> XL_PAGE_SHIFT, s->m.f.mem + at);
}

static void look_at_all(struct scene *s)
{
	for (xl_pfn_t pfn = 0; pfn < FAKE_MM_SECTION; pfn += XL_MM_GROUP) {
		look(s, pfn);
		look(s, pfn + FAKE_MM_HIGH);
	}
}

static void check_same(struct scene *s)
{
	struct xl_filter f = { 0 };

	xl_verdict_walk(&s->v, &s->m.present);
	assert_int_equal(xl_filter_judge(&ctx, &s->k, s->level, &s->m.present, NULL, fake_mm_read,
					 &s->m, &f), 0);
	for (xl_pfn_t pfn = 0; pfn < FAKE_MM_PFNS; pfn++)
		if (xl_bitmap_test(&f.excluded, pfn) !=
		    (xl_bitmap_test(&s->v.out, pfn) && xl_bitmap_test(&s->m.present, pfn)))
			fail_msg("pfn %#" PRIx64 " is %s", pfn,
				 xl_bitmap_test(&f.excluded, pfn) ? "to be out" : "to be in");
	xl_filter_deinit(&f);
}

static xl_pfn_t any(uint64_t *seed)
{
	xl_pfn_t pfn = next_random(seed) % FAKE_MM_SECTION;

	return next_random(seed) & 1 ? pfn : pfn + FAKE_MM_HIGH;
}

/* One struct page is another; also blocks that are not aligned, and that go over the end. */
static void change(struct scene *s, uint64_t *seed)
{
	xl_pfn_t pfn = any(seed);

	switch (next_random(seed) % 6) {
	case 0:
		fake_mm_free(&s->m, pfn, next_random(seed) % 12);
		break;
	case 1:
		pfn &= ~(xl_pfn_t)0x7fff; /* of gigabytes, from the first page of a section on */
		if (pfn < (s->k.image_end >> XL_PAGE_SHIFT))
			pfn = FAKE_MM_HIGH;
		fake_mm_compound(&s->m, pfn, 9 + (unsigned)(next_random(seed) % 6), true);
		look_at_all(s); /* its tails are in many pages */
		return;
	case 2:
		memset(fake_mm_page(&s->m, pfn), 0, 64);
		fake_mm_type(&s->m, pfn, UINT32_MAX);
		break;
	case 3:
		fake_mm_flag(&s->m, pfn, s->m.k->lru);
		break;
	case 4:
		if (xl_bitmap_test(&s->m.present, pfn))
			xl_bitmap_clear(&s->m.present, pfn);
		else
			xl_bitmap_set(&s->m.present, pfn);
		return;
	default:
		fake_mm_flag(&s->m, pfn, s->m.k->lru);
		fake_mm_mapping(&s->m, pfn, 1);
		break;
	}
	look(s, pfn);
	look(s, pfn + 1 < FAKE_MM_PFNS ? pfn + 1 : pfn);
}

static void follow(const char *release, unsigned level, uint64_t seed)
{
	struct scene s;

	scene_init(&s, release, level);
	/* Nothing has been seen: nothing is out. */
	xl_verdict_walk(&s.v, &s.m.present);
	assert_int_equal(xl_bitmap_count(&s.v.out), 0);
	look_at_all(&s);
	check_same(&s);
	for (unsigned i = 0; i < 150; i++) {
		for (uint64_t n = next_random(&seed) % 8; n; n--)
			change(&s, &seed);
		check_same(&s);
	}
	assert_true(xl_bitmap_count(&s.v.out) > 0);
	scene_deinit(&s);
}

static void test_follows(void **state)
{
	(void)state;
	follow("4.9.0-19-amd64", 31, 1);
	follow("6.4.0-1-amd64", XLDUMP_LEVEL_FREE, 2);
	follow("6.12.48+deb13-amd64", 31, 3);
	follow("7.0.1-amd64", 31, 4);
	follow("7.0.1-amd64", XLDUMP_LEVEL_USER, 5);
}

/* A block that ends, and all that it covered. */
static void test_block_ends(void **state)
{
	const xl_pfn_t pfn = FAKE_MM_HIGH;
	struct scene s;

	(void)state;
	scene_init(&s, "6.12.48+deb13-amd64", 31);
	look_at_all(&s);
	fake_mm_compound(&s.m, pfn, 14, true);
	look_at_all(&s);
	check_same(&s);
	assert_int_equal(xl_bitmap_count(&s.v.out), 1 << 14);
	/* Only its head says so, and only the head's page is looked at. */
	memset(fake_mm_page(&s.m, pfn), 0, 64);
	fake_mm_type(&s.m, pfn, UINT32_MAX);
	look(&s, pfn);
	xl_verdict_walk(&s.v, &s.m.present);
	assert_int_equal(xl_bitmap_count(&s.v.out), 0);
	check_same(&s);
	scene_deinit(&s);
}

/* Struct pages of another size are not followed. */
static void test_not_followed(void **state)
{
	static const uint8_t page[XL_PAGE_SIZE];
	struct xl_verdict none = { 0 };
	struct scene s;

	(void)state;
	xl_verdict_look(&none, 3, page);
	scene_init(&s, "6.12.48+deb13-amd64", 31);
	s.v.layout.size = 72;
	memset(s.v.group, 0, FAKE_MM_PFNS * sizeof(*s.v.group));
	xl_verdict_place(&s.v, 0, 5);
	fake_mm_free(&s.m, 0x40, 3);
	look_at_all(&s);
	xl_verdict_walk(&s.v, &s.m.present);
	assert_int_equal(xl_bitmap_count(&s.v.out), 0);
	scene_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follows),
		cmocka_unit_test(test_block_ends),
		cmocka_unit_test(test_not_followed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
