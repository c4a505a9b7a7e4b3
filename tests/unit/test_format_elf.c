/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ELF format, page by page and byte by byte, as an independent reader sees it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "elf_guest.h"
#include "format/elf_private.h"

static uint32_t rnd(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33);
}

/* ---- pages ---- */

static void test_slots(void **state)
{
	static const uint64_t sizes[] = { 1, 63, 64, 65, 511, 512, 513, 1024, 5000 };
	struct xl_bitmap present;

	(void)state;
	assert_int_equal(xl_bitmap_init(&present, 5100), 0);
	for (xl_pfn_t pfn = 0; pfn < 5100; pfn++) {
		if (rnd() % 3)
			xl_bitmap_set(&present, pfn);
	}
	for (size_t i = 0; i < XL_ARRAY_SIZE(sizes); i++) {
		struct xl_slots s;
		uint64_t n = 0;

		/* bits at and beyond nr_pfns are not looked at */
		assert_int_equal(xl_slots_init(&s, sizes[i], &present), 0);
		for (xl_pfn_t pfn = 0; pfn < sizes[i]; pfn++) {
			assert_int_equal(xl_slots_rank(&s, pfn), n);
			n += xl_bitmap_test(&present, pfn);
		}
		assert_int_equal(s.count, n);
		assert_int_equal(xl_bitmap_count(&s.present), n);
		assert_int_equal(xl_bitmap_next(&s.present, sizes[i]), sizes[i]);
		xl_slots_deinit(&s);
	}
	xl_bitmap_deinit(&present);
}

static void test_two_runs_and_a_hole(void **state)
{
	struct guest *g = guest_new(0x1000, 2);
	struct look l;

	(void)state;
	guest_ram(g, 0, 0xa0);
	guest_ram(g, 0x100, 0x300);
	guest_ram(g, 0xff0, 0x10);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_finish(g);
	look_open(&l);
	assert_int_equal(l.phnum, 4);
	look_close(&l);
	guest_free(g);
}

static void test_zero_pages_are_holes(void **state)
{
	struct guest *g = guest_new(4096, 1);

	(void)state;
	guest_ram(g, 0, 4096);
	guest_open(g, false);
	for (xl_pfn_t pfn = 0; pfn < 4096; pfn++)
		guest_put(g, pfn, pfn % 16 == 0);
	guest_finish(g);
	assert_true(g->file_bytes > 4096 * 4096);
	assert_in_range(g->disk_bytes, 256 * 4096, 256 * 4096 + 128 * 1024);
	guest_free(g);
}

/* The last one put wins, in any order, and zeros over data give the space back. */
static void test_put_again(void **state)
{
	struct guest *g = guest_new(4096, 1);

	(void)state;
	guest_ram(g, 0, 4096);
	guest_open(g, false);
	guest_put_all(g, 3);
	for (unsigned i = 0; i < 20000; i++)
		guest_put(g, rnd() % 4096, rnd() % 3 ? i + 2 : 0);
	/* at once: data over data, zeros over data, data over zeros */
	guest_put(g, 7, 30000), guest_put(g, 8, 30000), guest_put(g, 7, 30001);
	guest_put(g, 9, 30000), guest_put(g, 9, 0), guest_put(g, 10, 0), guest_put(g, 10, 30000);
	for (xl_pfn_t pfn = 2048; pfn < 4096; pfn++)
		guest_put(g, pfn, 0);
	guest_finish(g);
	assert_in_range(g->disk_bytes, 4096, 2048 * 4096);
	guest_free(g);
}

static void test_no_pages(void **state)
{
	struct guest *g = guest_new(0, 0);

	(void)state;
	guest_open(g, false);
	guest_finish(g);
	guest_free(g);

	g = guest_new(1, 1);
	guest_ram(g, 0, 1);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_finish(g);
	guest_free(g);
}

static void test_caller_errors(void **state)
{
	static const uint8_t page[4096] = { 1 };
	struct guest *g = guest_new(100, 1);

	(void)state;
	guest_ram(g, 0, 100);
	guest_open(g, false);
	assert_int_equal(xl_format_put(&g->ctx, g->format, 100, page), -EINVAL);
	for (xl_pfn_t pfn = 0; pfn < 99; pfn++)
		guest_put(g, pfn, 1);
	xl_err_clear(&g->ctx);
	assert_int_equal(xl_format_seal(&g->ctx, g->format, &g->cut), -EINVAL);
	assert_non_null(strstr(g->ctx.err, "page 0x63 was never read"));
	guest_free(g);
}

/* ---- the memory map changes between layout and cut ---- */

static void balloon(uint64_t nr_pfns, unsigned chance, unsigned zero_every)
{
	struct guest *g = guest_new(nr_pfns, 2);

	guest_ram(g, 0, nr_pfns / 2);
	guest_ram(g, nr_pfns / 2 + 37, nr_pfns / 4);
	guest_open(g, false);
	guest_put_all(g, zero_every);
	for (unsigned n = 0; n < nr_pfns / chance; n++) {
		xl_pfn_t pfn = rnd() % nr_pfns;

		if (xl_bitmap_test(&g->cut.present, pfn)) {
			xl_bitmap_clear(&g->cut.present, pfn);
			continue;
		}
		xl_bitmap_set(&g->cut.present, pfn);
		guest_put(g, pfn, rnd() % 3);
	}
	guest_finish(g);
	guest_free(g);
}

static void test_balloon(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++)
		balloon(3000 + i * 17, 1 + i * i * 10, i % 4);
}

static void range(struct guest *g, bool present, xl_pfn_t first, uint64_t n)
{
	for (xl_pfn_t pfn = first; pfn < first + n; pfn++) {
		if (!present) {
			xl_bitmap_clear(&g->cut.present, pfn);
			continue;
		}
		xl_bitmap_set(&g->cut.present, pfn);
		guest_put(g, pfn, pfn % 5);
	}
}

/* All up, all down, and both ends: whole ranges, larger than what is moved at once. */
static void test_balloon_ranges(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct guest *g = guest_new(4000, 1);

		guest_ram(g, 1000, 2000);
		guest_open(g, false);
		guest_put_all(g, 7);
		range(g, i & 1, i & 1 ? 0 : 1000, 900);
		range(g, i & 2, i & 2 ? 3000 : 2500, 400);
		range(g, i & 4, i & 4 ? 3500 : 2000, 300);
		guest_finish(g);
		guest_free(g);
	}
}

/* A page that came and went again leaves nothing behind; one that went and came is there. */
static void test_there_and_back(void **state)
{
	struct guest *g = guest_new(1000, 1);

	(void)state;
	guest_ram(g, 0, 500);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_put(g, 700, 9);
	xl_bitmap_clear(&g->layout, 3); /* the caller's bitmap is not looked at any more */
	guest_finish(g);
	assert_in_range(g->file_bytes, 500 * 4096, 800 * 4096);
	guest_free(g);
}

static void test_space_after_balloon(void **state)
{
	struct guest *g = guest_new(20000, 1);

	(void)state;
	guest_ram(g, 0, 20000);
	guest_open(g, false);
	for (xl_pfn_t pfn = 0; pfn < 20000; pfn++)
		guest_put(g, pfn, pfn % 100 == 0);
	xl_bitmap_clear(&g->cut.present, 1);
	guest_finish(g);
	assert_in_range(g->disk_bytes, 200 * 4096, 200 * 4096 + 512 * 1024);
	guest_free(g);
}

/* ---- many segments ---- */

/* The room in front was for one run and becomes too small. */
static void test_headers_grow(void **state)
{
	struct guest *g = guest_new(12000, 1);

	(void)state;
	guest_ram(g, 0, 12000);
	guest_open(g, false);
	guest_put_all(g, 5);
	for (xl_pfn_t pfn = 0; pfn < 12000; pfn += 2)
		xl_bitmap_clear(&g->cut.present, pfn);
	guest_finish(g);
	guest_free(g);

	/* even when no page changes its slot number */
	g = guest_new(12001, 1);
	for (xl_pfn_t pfn = 1; pfn < 12000; pfn += 2)
		guest_ram(g, pfn, 1);
	g->layout_vcpus = 1;
	g->cut.vcpus = 1;
	guest_open(g, false);
	guest_put_all(g, 5);
	g->cut.vcpu = realloc(g->cut.vcpu, 2000 * sizeof(*g->cut.vcpu));
	for (uint32_t i = 1; i < 2000; i++)
		g->cut.vcpu[i] = g->cut.vcpu[0];
	g->cut.vcpus = 2000;
	guest_finish(g);
	guest_free(g);
}

static void test_xnum(void **state)
{
	static const uint64_t runs[] = { 65533, 65534, 65540 };

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(runs); i++) {
		struct guest *g = guest_new(runs[i] * 2, 1);
		struct look l;

		for (uint64_t n = 0; n < runs[i]; n++)
			guest_ram(g, n * 2, 1);
		guest_open(g, false);
		for (uint64_t n = 0; n < runs[i]; n++)
			guest_put(g, n * 2, n % 1000 == 0);
		guest_finish(g);
		look_open(&l);
		assert_int_equal(l.phnum, runs[i] + 1);
		assert_int_equal(l.ehdr.e_phnum, runs[i] == 65533 ? 65534 : PN_XNUM);
		look_close(&l);
		guest_free(g);
	}
}

static void phdr(const struct look *l, int i, uint64_t first, uint64_t pages, uint64_t vaddr)
{
	GElf_Phdr p;

	assert_non_null(gelf_getphdr(l->elf, i, &p));
	assert_int_equal(p.p_paddr, first << 12);
	assert_int_equal(p.p_filesz, pages << 12);
	assert_true(p.p_vaddr == vaddr);
}

static void test_image(void **state)
{
	struct guest *g = guest_new(0x8000, 1);
	struct look l;

	(void)state;
	guest_ram(g, 0, 0xa0);
	guest_ram(g, 0x100, 0x7f00);
	g->cut.kernel.image_start = 0x1000000;
	g->cut.kernel.image_end = 0x3000000;
	g->cut.kernel.phys_base = -0x400000;
	g->cut.kernel.page_offset = 0xffff888000000000;
	guest_open(g, false);
	for (xl_pfn_t pfn = xl_bitmap_next(&g->layout, 0); pfn < g->nr_pfns;
	     pfn = xl_bitmap_next(&g->layout, pfn + 1))
		guest_put(g, pfn, pfn % 64 == 0);
	guest_finish(g);
	look_open(&l);
	assert_int_equal(l.phnum, 5);
	phdr(&l, 1, 0, 0xa0, 0xffff888000000000);
	phdr(&l, 2, 0x100, 0xf00, 0xffff888000100000);
	phdr(&l, 3, 0x1000, 0x2000, 0xffffffff81000000 + 0x400000);
	phdr(&l, 4, 0x3000, 0x5000, 0xffff888003000000);
	look_close(&l);
	guest_free(g);
}

/* Some readers look at 65,535 program headers at most: that of the image, which lies behind more runs,
 * is among them. */
static void test_image_early(void **state)
{
	static const uint64_t runs[] = { 65532, 65540 };

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(runs); i++) {
		uint64_t image = (runs[i] - 2) * 2, end = image + 16;
		struct guest *g = guest_new(end + 8, 1);
		struct look l;

		for (uint64_t n = 0; n < runs[i] - 2; n++)
			guest_ram(g, n * 2, 1);
		guest_ram(g, image, 3);
		guest_ram(g, image + 5, 14); /* the last three are behind the image */
		g->cut.kernel.image_start = image << 12;
		g->cut.kernel.image_end = end << 12;
		g->cut.kernel.phys_base = (int64_t)(image << 12) - 0x1000000;
		g->cut.kernel.page_offset = 0xffff888000000000;
		guest_open(g, false);
		for (xl_pfn_t pfn = xl_bitmap_next(&g->layout, 0); pfn < g->nr_pfns;
		     pfn = xl_bitmap_next(&g->layout, pfn + 1))
			guest_put(g, pfn, pfn % 64 == 0 || pfn >= image);
		guest_finish(g);
		look_open(&l);
		assert_int_equal(l.phnum, runs[i] + 2);
		if (runs[i] < 65535) {
			phdr(&l, 1, 0, 1, 0xffff888000000000);
			phdr(&l, (int)runs[i] - 1, image, 3, 0xffffffff81000000);
			phdr(&l, (int)runs[i], image + 5, 11, 0xffffffff81005000);
		} else {
			phdr(&l, 1, image, 3, 0xffffffff81000000);
			phdr(&l, 2, image + 5, 11, 0xffffffff81005000);
			phdr(&l, 3, 0, 1, 0xffff888000000000);
			phdr(&l, 4, 2, 1, 0xffff888000002000);
		}
		phdr(&l, (int)runs[i] + 1, end, 3, 0xffff888000000000 + (end << 12));
		look_close(&l);
		guest_free(g);
	}
}

/* crash does not check bounds in a file of one segment. */
static void test_single_run(void **state)
{
	struct guest *g = guest_new(1000, 1);
	struct look l;

	(void)state;
	guest_ram(g, 10, 101);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_finish(g);
	look_open(&l);
	assert_int_equal(l.phnum, 3);
	phdr(&l, 1, 10, 50, 0);
	phdr(&l, 2, 60, 51, 0);
	look_close(&l);
	guest_free(g);
}

/* ---- sections only ---- */

static char *whole_file(size_t *ret_len)
{
	FILE *f = fopen(GUEST_FILE, "r");
	char *b;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*ret_len = (size_t)ftell(f);
	rewind(f);
	b = malloc(*ret_len);
	assert_int_equal(fread(b, 1, *ret_len, f), *ret_len);
	fclose(f);
	return b;
}

static void test_sections_only(void **state)
{
	char *file[2];
	size_t len[2];

	(void)state;
	for (int only = 0; only < 2; only++) {
		struct guest *g = guest_new(500, 3);

		guest_ram(g, 0, 100);
		guest_ram(g, 200, 300);
		g->cut.has_shared_info = true;
		guest_open(g, only);
		guest_put_all(g, 3);
		guest_finish(g);
		file[only] = whole_file(&len[only]);
		guest_free(g);
	}
	assert_int_equal(len[0], len[1]);
	for (size_t i = 0; i < len[0]; i++) {
		if ((i >= 32 && i < 40) || (i >= 56 && i < 58))
			assert_int_equal(file[1][i], 0);
		else
			assert_int_equal(file[0][i], file[1][i]);
	}
	free(file[0]);
	free(file[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_two_runs_and_a_hole),
		cmocka_unit_test(test_zero_pages_are_holes),
		cmocka_unit_test(test_put_again),
		cmocka_unit_test(test_no_pages),
		cmocka_unit_test(test_caller_errors),
		cmocka_unit_test(test_balloon),
		cmocka_unit_test(test_balloon_ranges),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_space_after_balloon),
		cmocka_unit_test(test_headers_grow),
		cmocka_unit_test(test_xnum),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_image_early),
		cmocka_unit_test(test_single_run),
		cmocka_unit_test(test_sections_only),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, guest_folder_enter, guest_folder_leave);
}
