/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every allocation fails once: it is said, the guest gets what it is owed, and nothing leaks. */
#include <errno.h>

#include "fake_kernel.h"
#include "format/formats.h"
#include "no_memory.h"
#include "sim_test.h"

static void dump_without(struct sim *s, const struct xl_capture_params *cp, size_t at,
			 struct sim_dump *d)
{
	no_memory_at = at;
	no_memory_count = 0;
	no_memory_on = true;
	sim_dump_run(s, cp, d);
	no_memory_on = false;
}

/* Whether the run had so many allocations. */
static bool one(const struct sim_params *p, const struct xl_capture_params *cp, size_t at)
{
	_cleanup_(sim_destroyp) struct sim *s = new_sim(p);
	struct sim_dump d;
	char why[512];
	bool hit;

	if (cp->strategy == XLDUMP_STRATEGY_STILL)
		s->dom.shutdown = true;
	dump_without(s, cp, at, &d);
	hit = no_memory_count >= at;
	if (sim_check(s, &d, why, sizeof(why)) < 0)
		fail_msg("strategy %d, allocation %zu: result %d (%s): %s", (int)cp->strategy, at,
			 d.r, d.x.err, why);
	if (d.r < 0)
		assert_int_equal(d.r, -ENOMEM);
	assert_true(hit || d.r == 0);
	sim_dump_deinit(&d);
	return hit;
}

static void every_allocation(enum xldump_strategy strategy)
{
	static const struct sim_params small[] = {
		{ .seed = 11, .type = XLDUMP_GUEST_PV, .pages = 200 },
		{ .seed = 12, .type = XLDUMP_GUEST_PV, .pages = 200, .three_level = true },
		{ .seed = 13, .type = XLDUMP_GUEST_PVH, .pages = 200, .compact = true },
		{ .seed = 14, .type = XLDUMP_GUEST_HVM, .pages = 200, .compact = true },
	};
	const struct xl_capture_params cp = { .strategy = strategy, .max_rounds = 3 };

	for (size_t g = 0; g < XL_ARRAY_SIZE(small); g++) {
		struct sim_params p = small[g];

		p.programs = SIM_QUIET_PROGRAMS;
		/* Those in the middle are pages of the dump, one like the other. */
		for (size_t at = 1; one(&p, &cp, at); at += at < 60 || at > p.pages + 40 ? 1 : 19)
			;
	}
}

static void test_precopy(void **state)
{
	(void)state;
	every_allocation(XLDUMP_STRATEGY_PRECOPY);
}

static void test_rescan(void **state)
{
	(void)state;
	every_allocation(XLDUMP_STRATEGY_RESCAN);
}

static void test_still(void **state)
{
	(void)state;
	every_allocation(XLDUMP_STRATEGY_STILL);
}

static void test_stop(void **state)
{
	(void)state;
	every_allocation(XLDUMP_STRATEGY_STOP);
}

/* The look at the kernel. */
static void test_kernel(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	bool hit = true;

	(void)state;
	fake_defaults(&f);
	fake_build(&f);
	for (size_t at = 1; hit; at++) {
		_cleanup_(xl_kernel_deinit) struct xl_kernel k = { 0 };
		struct xl_ctx x = { 0 };
		int r;

		no_memory_at = at;
		no_memory_count = 0;
		no_memory_on = true;
		r = xl_kernel_identify(&x, &f.cand, fake_read, &f, &k);
		no_memory_on = false;
		hit = no_memory_count >= at;
		assert_true(r == 0 || (hit && x.err[0]));
	}
}

/* ---- formats ---- */

static int make_file(struct xl_ctx *x, const struct xl_format_params *params, struct xl_cut *cut)
{
	const struct xl_layout layout = { .nr_pfns = 600, .present = &cut->present, .vcpus = 1 };
	_cleanup_(xl_sink_closep) struct xl_sink *sink = NULL;
	struct xl_format *format = NULL;
	uint8_t page[XL_PAGE_SIZE];
	int r = xl_sink_file_open(x, "test_no_memory.dump", false, &sink);

	if (r == 0)
		r = xl_format_open(x, &layout, sink, params, &format);
	for (unsigned i = 0; r == 0 && i < 1200; i++) {
		memset(page, (int)(i * 7 / 3), sizeof(page));
		memcpy(page, &i, sizeof(i) - i % 2);
		r = xl_format_put(x, format, i % 600, page);
	}
	if (r == 0)
		r = xl_format_seal(x, format, cut);
	xl_format_close(format);
	return r;
}

static void every_allocation_of(const struct xl_format_params *params)
{
	struct xl_cut *cut = calloc(1, sizeof(*cut));
	bool hit = true;

	assert_non_null(cut);
	cut->nr_pfns = 600;
	assert_int_equal(xl_bitmap_init(&cut->present, 600), 0);
	for (xl_pfn_t pfn = 0; pfn < 600; pfn++)
		xl_bitmap_set(&cut->present, pfn);
	for (size_t at = 1; hit; at++) {
		struct xl_ctx x = { 0 };
		int r;

		no_memory_at = at;
		no_memory_count = 0;
		no_memory_on = true;
		r = make_file(&x, params, cut);
		no_memory_on = false;
		hit = no_memory_count >= at;
		/* What makes the file only smaller can be done without. */
		assert_true(r == 0 || (hit && r == -ENOMEM && x.err[0]));
		assert_true(at > 5 || r < 0);
	}
	xl_cut_deinit(cut);
	free(cut);
}

static void test_formats(void **state)
{
	const struct xl_format_params elf = { .format = XLDUMP_FORMAT_ELF };
	struct xl_format_params kdump = { .format = XLDUMP_FORMAT_KDUMP, .threads = 3 };

	(void)state;
	every_allocation_of(&elf);
	for (int codec = 0; codec < _XLDUMP_CODEC_MAX; codec++) {
		kdump.codec = (enum xldump_codec)codec;
		every_allocation_of(&kdump);
	}
}

static void test_no_random(void **state)
{
	const struct xl_capture_params precopy = { .strategy = XLDUMP_STRATEGY_PRECOPY,
						   .max_rounds = 3 },
				       rescan = { .strategy = XLDUMP_STRATEGY_RESCAN };
	const struct sim_params p = { .seed = 11, .type = XLDUMP_GUEST_PV, .pages = 200 };
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	struct sim_dump d;

	(void)state;
	/* The inverse of the p2m does without, a hash does not. */
	no_random = true;
	assert_int_equal(judge(s, &precopy, &d), 0);
	assert_int_equal(d.r, 0);
	sim_dump_deinit(&d);
	assert_int_equal(judge(s, &rescan, &d), 0);
	assert_int_equal(d.r, -ENOSYS);
	sim_dump_deinit(&d);
	no_random = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precopy), cmocka_unit_test(test_rescan),
		cmocka_unit_test(test_still),	cmocka_unit_test(test_stop),
		cmocka_unit_test(test_kernel),	cmocka_unit_test(test_formats),
		cmocka_unit_test(test_no_random),
	};

	(void)guests;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
