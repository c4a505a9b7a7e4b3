/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kdump format, page by page, as the strict reader of tests/readers sees it. */
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
#include "format/digest.h"
#include "../readers/kdump.h"

static uint32_t rnd(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33);
}

static unsigned char *whole_file(uint64_t *ret_len)
{
	FILE *f = fopen(GUEST_FILE, "r");
	unsigned char *b;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*ret_len = (uint64_t)ftell(f);
	rewind(f);
	b = malloc(*ret_len + 1);
	assert_int_equal(fread(b, 1, *ret_len, f), *ret_len);
	fclose(f);
	return b;
}

static void look_at(struct kdump *k)
{
	uint64_t size;
	unsigned char *file = whole_file(&size);

	if (kdump_open(k, file, size) < 0)
		fail_msg("%s", k->error);
}

static void look_away(struct kdump *k)
{
	free((void *)k->file);
	kdump_close(k);
}

static void open_with(struct guest *g, enum xldump_codec codec, unsigned threads)
{
	const struct xl_format_params params = {
		.format = XLDUMP_FORMAT_KDUMP, .codec = codec, .threads = threads
	};

	guest_open_as(g, &params);
}

/* ---- records ---- */

struct record {
	const unsigned char *data;
	uint64_t offset, size;
};

/* Where the note of that type says; no data: there is none. */
static struct record record_of(const struct kdump *k, const char *name)
{
	struct record r = { 0 };
	uint32_t type, size;
	const unsigned char *p = kdump_note(k, "XLDUMP", 1, &type, &size);

	assert_non_null(p);
	assert_int_equal(type, 0x584c4432);
	assert_int_equal(size % 40, 8);
	assert_int_equal(xl_get_le64(p), k->size);
	for (p += 8, size -= 8; size; p += 40, size -= 40) {
		assert_non_null(memchr(p, 0, 24));
		if (strcmp((const char *)p, name) != 0)
			continue;
		r.offset = xl_get_le64(p + 24);
		r.size = xl_get_le64(p + 32);
		r.data = k->file + r.offset;
		assert_int_equal(r.offset % 8, 0);
		assert_true(r.size > 0 && r.offset <= k->size && r.size <= k->size - r.offset);
	}
	return r;
}

static void assert_u64s(const struct kdump *k, const char *name, const uint64_t *want, size_t n)
{
	struct record r = record_of(k, name);

	assert_int_equal(r.size, n * 8);
	for (size_t i = 0; i < n; i++)
		assert_true(xl_get_le64(r.data + 8 * i) == want[i]);
}

static int read_file(void *data, uint64_t offset, void *buf, size_t len)
{
	memcpy(buf, ((const struct kdump *)data)->file + offset, len);
	return 0;
}

/* They are of all pages, and of all else: pages and records do not overlap. */
static void check_digests(struct kdump *k)
{
	struct record r = record_of(k, ".xldump_digests");
	struct xl_digest_gaps gaps = { .meta = r.offset + 24 };
	uint64_t first = UINT64_MAX, end = 0, meta = 0, n = 0;
	uint8_t page[4096];

	assert_int_equal(r.size, 48 + 8 * k->pages);
	assert_memory_equal(r.data, "XLDIGEST\1\0\0\0\1\0\0\0", 16);
	assert_int_equal(xl_get_le64(r.data + 16), k->pages);
	gaps.data = xl_get_le64(r.data + 32);
	gaps.data_size = xl_get_le64(r.data + 40);
	for (uint64_t pfn = 0; pfn < k->max_mapnr; pfn++) {
		struct kdump_desc d;

		if (!kdump_has(k, pfn))
			continue;
		d = kdump_desc(k, pfn);
		first = d.offset < first ? d.offset : first;
		end = d.offset + d.size > end ? d.offset + d.size : end;
		assert_int_equal(kdump_page(k, pfn, page), 0);
		assert_true(xl_get_le64(r.data + 48 + 8 * n++) == xl_digest_page(page));
	}
	assert_true(n == 0 || (first >= gaps.data && end <= gaps.data + gaps.data_size));
	assert_true(r.offset >= gaps.data + gaps.data_size);
	assert_true(k->notes >= gaps.data + gaps.data_size || k->notes + k->notes_size <= gaps.data);
	assert_int_equal(xl_digest_meta(k->size, &gaps, read_file, k, &meta), 0);
	assert_true(meta == xl_get_le64(r.data + 24));
}

/* Seals; then exactly the pages of the cut are there, each as it was put last. */
static void finish(struct guest *g, struct kdump *k)
{
	uint8_t want[4096], got[4096];

	guest_seal(g);
	look_at(k);
	assert_int_equal(k->pages, xl_bitmap_count(&g->cut.present));
	for (xl_pfn_t pfn = 0; pfn < g->nr_pfns; pfn++) {
		assert_int_equal(kdump_has(k, pfn), xl_bitmap_test(&g->cut.present, pfn));
		if (!kdump_has(k, pfn))
			continue;
		guest_page(pfn, g->version[pfn], want);
		if (kdump_page(k, pfn, got) < 0)
			fail_msg("pfn %#" PRIx64 ": %s", pfn, k->error);
		if (memcmp(want, got, sizeof(got)) != 0)
			fail_msg("a page differs");
	}
	check_digests(k);
}

static void finish_all(struct guest *g)
{
	struct kdump k;

	finish(g, &k);
	look_away(&k);
	guest_free(g);
}

/* A page of one byte: compresses well.  Tells the guest nothing, which knows only its own pages. */
static void put_bytes(struct guest *g, xl_pfn_t pfn, uint8_t byte)
{
	uint8_t page[4096];

	memset(page, byte, sizeof(page));
	assert_int_equal(xl_format_put(&g->ctx, g->format, pfn, page), 0);
}

/* ---- codecs ---- */

static const struct {
	enum xldump_codec codec;
	uint32_t flag;
} codecs[] = {
	{ XLDUMP_CODEC_DEFAULT, 0x1 }, { XLDUMP_CODEC_NONE, 0 },     { XLDUMP_CODEC_ZLIB, 0x1 },
	{ XLDUMP_CODEC_LZO, 0x2 },     { XLDUMP_CODEC_SNAPPY, 0x4 }, { XLDUMP_CODEC_ZSTD, 0x20 },
};

/* Noise, which no codec makes smaller. */
static void noise(uint8_t page[4096])
{
	for (int i = 0; i < 4096; i++)
		page[i] = (uint8_t)rnd();
}

static void test_codecs(void **state)
{
	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(codecs); i++) {
		struct guest *g = guest_new(2000, 2);
		uint8_t hard[4096], got[4096];
		struct kdump k;

		guest_ram(g, 0, 700);
		guest_ram(g, 900, 1100);
		open_with(g, codecs[i].codec, 2);
		guest_put_all(g, 7);
		finish(g, &k);
		assert_int_equal(k.status, codecs[i].flag);
		assert_int_equal(kdump_desc(&k, 1).flags, codecs[i].flag);
		look_away(&k);
		guest_free(g);

		g = guest_new(10, 1);
		guest_ram(g, 0, 2);
		noise(hard);
		open_with(g, codecs[i].codec, 1);
		put_bytes(g, 0, 'x');
		assert_int_equal(xl_format_put(&g->ctx, g->format, 1, hard), 0);
		guest_seal(g);
		look_at(&k);
		assert_true(kdump_desc(&k, 0).size < 300 || !codecs[i].flag);
		assert_int_equal(kdump_page(&k, 0, got), 0);
		assert_int_equal(got[4095], 'x');
		assert_int_equal(kdump_desc(&k, 1).flags, 0);
		assert_int_equal(kdump_page(&k, 1, got), 0);
		if (memcmp(got, hard, sizeof(got)) != 0)
			fail_msg("a page differs");
		look_away(&k);
		guest_free(g);
	}
}

static uint64_t size_at_level(enum xldump_codec codec, int level)
{
	const struct xl_format_params params = {
		.format = XLDUMP_FORMAT_KDUMP, .codec = codec, .level = level, .threads = 1
	};
	struct guest *g = guest_new(100, 1);
	uint8_t page[4096];
	uint64_t size;
	struct kdump k;

	guest_ram(g, 0, 100);
	guest_open_as(g, &params);
	for (xl_pfn_t pfn = 0; pfn < 100; pfn++) {
		for (int i = 0; i < 4096; i++)
			page[i] = "the quick brown fox "[(i + rnd() % 3) % 20];
		xl_put_le64(page, pfn);
		assert_int_equal(xl_format_put(&g->ctx, g->format, pfn, page), 0);
	}
	guest_seal(g);
	size = g->file_bytes;
	look_at(&k);
	assert_int_equal(kdump_page(&k, 99, page), 0);
	assert_int_equal(page[0], 99);
	look_away(&k);
	guest_free(g);
	return size;
}

static void test_levels(void **state)
{
	(void)state;
	assert_true(size_at_level(XLDUMP_CODEC_ZLIB, 9) < size_at_level(XLDUMP_CODEC_ZLIB, 1));
	assert_true(size_at_level(XLDUMP_CODEC_ZSTD, 19) < size_at_level(XLDUMP_CODEC_ZSTD, 1));
}

static void test_codec_names(void **state)
{
	static const struct {
		const char *text;
		int r;
		enum xldump_codec codec;
		int level;
	} want[] = {
		{ "none", 0, XLDUMP_CODEC_NONE, 0 },	 { "zlib", 0, XLDUMP_CODEC_ZLIB, 0 },
		{ "zlib:9", 0, XLDUMP_CODEC_ZLIB, 9 },	 { "lzo", 0, XLDUMP_CODEC_LZO, 0 },
		{ "snappy", 0, XLDUMP_CODEC_SNAPPY, 0 }, { "zstd:19", 0, XLDUMP_CODEC_ZSTD, 19 },
		{ "zlib:10", -ERANGE, 0, 0 },		 { "zlib:0", -ERANGE, 0, 0 },
		{ "zstd:20", -ERANGE, 0, 0 },		 { "zstd:-1", -ERANGE, 0, 0 },
		{ "lzo:1", -ERANGE, 0, 0 },		 { "none:1", -ERANGE, 0, 0 },
		{ "zlib:", -EINVAL, 0, 0 },		 { "zlib:x", -EINVAL, 0, 0 },
		{ "zlib:9x", -EINVAL, 0, 0 },		 { "lz4", -EINVAL, 0, 0 },
		{ "", -EINVAL, 0, 0 },			 { "zli", -EINVAL, 0, 0 },
		{ ":1", -EINVAL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(want); i++) {
		enum xldump_codec codec = XLDUMP_CODEC_DEFAULT;
		int level = -1;

		assert_int_equal(xldump_codec_parse(want[i].text, &codec, &level), want[i].r);
		if (want[i].r == 0) {
			assert_int_equal(codec, want[i].codec);
			assert_int_equal(level, want[i].level);
		}
	}
	assert_string_equal(xldump_codec_name(XLDUMP_CODEC_SNAPPY), "snappy");
	assert_null(xldump_codec_name(_XLDUMP_CODEC_MAX));
}

/* The file does not depend on how many threads there are.  (Which equal pages are found depends on
 * a random number, so there are none here.) */
static void test_threads(void **state)
{
	static const unsigned threads[] = { 1, 2, 3, 16, 0, XLDUMP_THREADS_ALL };
	unsigned char *first = NULL;
	uint64_t size, first_size = 0;

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(threads); i++) {
		struct guest *g = guest_new(3000, 1);
		unsigned char *file;

		guest_ram(g, 0, 3000);
		open_with(g, XLDUMP_CODEC_LZO, threads[i]);
		guest_put_all(g, 3);
		for (xl_pfn_t pfn = 0; pfn < 3000; pfn += 5)
			guest_put(g, pfn, 3);
		guest_seal(g);
		file = whole_file(&size);
		if (i > 0) {
			assert_int_equal(size, first_size);
			assert_memory_equal(file, first, size);
			free(file);
		} else {
			first = file;
			first_size = size;
		}
		guest_free(g);
	}
	free(first);
}

/* ---- pages ---- */

static void test_last_one_wins(void **state)
{
	(void)state;
	for (int codec = XLDUMP_CODEC_NONE; codec < _XLDUMP_CODEC_MAX; codec++) {
		struct guest *g = guest_new(2048, 1);

		guest_ram(g, 0, 2048);
		open_with(g, (enum xldump_codec)codec, 2);
		guest_put_all(g, 3);
		/* within one batch, too: few pages, often */
		for (unsigned i = 0; i < 6000; i++)
			guest_put(g, rnd() % (i % 2 ? 40 : 2048), rnd() % 3 ? i + 2 : 0);
		guest_put(g, 7, 30000), guest_put(g, 8, 30000), guest_put(g, 7, 30001);
		guest_put(g, 9, 30000), guest_put(g, 9, 0), guest_put(g, 10, 0);
		guest_put(g, 10, 30000);
		finish_all(g);
	}
}

/* Whatever equals whatever when, contents are right: few contents on many pages. */
static void test_equal_pages(void **state)
{
	static uint8_t have[5000], page[4096];
	struct guest *g = guest_new(5000, 1);
	struct kdump k;

	(void)state;
	memset(have, 0, sizeof(have));
	guest_ram(g, 0, 5000);
	open_with(g, XLDUMP_CODEC_ZSTD, 2);
	for (unsigned i = 0; i < 40000; i++) {
		xl_pfn_t pfn = i < 5000 ? i : rnd() % (i % 3 ? 50 : 5000);

		have[pfn] = (uint8_t)(rnd() % (i % 1000 < 500 ? 3 : 250));
		put_bytes(g, pfn, have[pfn]);
	}
	guest_seal(g);
	look_at(&k);
	for (xl_pfn_t pfn = 0; pfn < 5000; pfn++) {
		assert_int_equal(kdump_page(&k, pfn, page), 0);
		assert_int_equal(page[0], have[pfn]);
		assert_int_equal(page[4095], have[pfn]);
	}
	look_away(&k);
	guest_free(g);
}

/* One place for all pages of zeros, and for all that are equal. */
static void test_stored_once(void **state)
{
	struct guest *g = guest_new(3000, 1);
	struct kdump k;

	(void)state;
	guest_ram(g, 0, 3000);
	open_with(g, XLDUMP_CODEC_NONE, 1);
	for (xl_pfn_t pfn = 0; pfn < 1000; pfn++)
		put_bytes(g, pfn, 0);
	for (xl_pfn_t pfn = 1000; pfn < 3000; pfn++)
		put_bytes(g, pfn, 'a');
	guest_seal(g);
	look_at(&k);
	for (xl_pfn_t pfn = 0; pfn < 3000; pfn++) {
		assert_int_equal(kdump_desc(&k, pfn).offset,
				 kdump_desc(&k, pfn < 1000 ? 0 : 1000).offset);
	}
	assert_true(kdump_desc(&k, 0).offset != kdump_desc(&k, 1000).offset);
	/* the tables, and 24 KB of digests: nothing like 12 MB of pages */
	assert_in_range(g->disk_bytes, 8192, 160 * 1024);
	check_digests(&k);
	look_away(&k);
	guest_free(g);
}

/* A page of which others have copies changes: they do not. */
static void test_equal_no_more(void **state)
{
	static const char want[] = "bacacaxx";
	struct guest *g = guest_new(8, 1);
	uint8_t page[4096];
	struct kdump k;

	(void)state;
	guest_ram(g, 0, 8);
	open_with(g, XLDUMP_CODEC_ZLIB, 1);
	for (xl_pfn_t pfn = 0; pfn < 8; pfn++)
		put_bytes(g, pfn, 'a');
	put_bytes(g, 0, 'b');
	put_bytes(g, 2, 'c');
	put_bytes(g, 4, 'a');
	put_bytes(g, 4, 'c');
	for (unsigned i = 0; i < 300; i++) /* a batch or more */
		put_bytes(g, 6 + i % 2, i < 298 ? (uint8_t)i : 'x');
	guest_seal(g);
	look_at(&k);
	for (xl_pfn_t pfn = 0; pfn < 8; pfn++) {
		assert_int_equal(kdump_page(&k, pfn, page), 0);
		assert_int_equal(page[77], want[pfn]);
	}
	look_away(&k);
	guest_free(g);
}

/* ---- more contents than the table of equal pages can hold ---- */

/* Pages, and what each has: a number that is not 0, all over it; 0: zeros. */
struct crowd {
	struct guest *g;
	uint32_t has[8192];
};

#define CROWD XL_ARRAY_SIZE(((struct crowd *)NULL)->has)

static void crowd_put(struct crowd *c, xl_pfn_t pfn, uint32_t number)
{
	uint32_t page[1024];

	for (size_t i = 0; i < XL_ARRAY_SIZE(page); i++)
		page[i] = number;
	c->has[pfn] = number;
	assert_int_equal(xl_format_put(&c->g->ctx, c->g->format, pfn, page), 0);
}

/* Four pages of each content: twice as many contents as the table has entries. */
static void crowd_init(struct crowd *c)
{
	c->g = guest_new(CROWD, 1);
	guest_ram(c->g, 0, CROWD);
	open_with(c->g, XLDUMP_CODEC_ZLIB, 1);
	for (xl_pfn_t pfn = 0; pfn < CROWD; pfn++)
		crowd_put(c, pfn, (uint32_t)(1 + pfn / 4 % 2048));
}

static void crowd_finish(struct crowd *c)
{
	struct kdump k;

	guest_seal(c->g);
	look_at(&k);
	for (xl_pfn_t pfn = 0; pfn < CROWD; pfn++) {
		uint32_t page[1024];

		assert_int_equal(kdump_page(&k, pfn, (uint8_t *)page), 0);
		if (page[0] != c->has[pfn] || page[1023] != c->has[pfn])
			fail_msg("page %" PRIu64 " has %" PRIu32 ", not %" PRIu32, pfn, page[0],
				 c->has[pfn]);
	}
	look_away(&k);
	guest_free(c->g);
}

/* A page is put again while its older copy waits to be compressed, and has no entry in the table. */
static void test_put_again_while_it_waits(void **state)
{
	struct crowd c = { 0 };

	(void)state;
	crowd_init(&c);
	for (xl_pfn_t pfn = 0; pfn < 1000; pfn++) {
		crowd_put(&c, pfn, (uint32_t)(100000 + pfn));
		crowd_put(&c, pfn, 0);
	}
	crowd_finish(&c);
}

/* The page that an entry was made for changes, and another keeps the content: the entry is not the
 * first one's any more, and is not taken away from the other. */
static void test_owner_goes_away(void **state)
{
	struct crowd c = { 0 };

	(void)state;
	crowd_init(&c);
	for (xl_pfn_t pfn = 0; pfn < CROWD; pfn++)
		if (pfn % 4 < 3)
			crowd_put(&c, pfn, (uint32_t)(100000 + pfn));
	for (xl_pfn_t pfn = 0; pfn < CROWD; pfn += 4)
		crowd_put(&c, pfn, (uint32_t)(200000 + pfn));
	crowd_finish(&c);
}

/* What was superseded does not make the file grow. */
static void test_space_is_used_again(void **state)
{
	struct guest *g = guest_new(4096, 1);
	uint64_t once;
	uint8_t page[4096];

	(void)state;
	guest_ram(g, 0, 4096);
	open_with(g, XLDUMP_CODEC_NONE, 1);
	guest_put_all(g, 0);
	guest_seal(g);
	once = g->file_bytes;
	guest_free(g);

	g = guest_new(4096, 1);
	guest_ram(g, 0, 4096);
	open_with(g, XLDUMP_CODEC_NONE, 1);
	for (unsigned round = 1; round < 12; round++) {
		for (xl_pfn_t pfn = 0; pfn < 4096; pfn++)
			guest_put(g, pfn, round);
	}
	guest_seal(g);
	/* one batch waits for places while its own are not given back yet */
	assert_in_range(g->file_bytes, once, once + 512 * 4096);
	guest_free(g);

	/* nor do pages of which the size changes, nor those that are not there in the end */
	g = guest_new(4096, 1);
	guest_ram(g, 0, 16);
	open_with(g, XLDUMP_CODEC_ZLIB, 1);
	for (unsigned round = 1; round < 12; round++) {
		for (xl_pfn_t pfn = 0; pfn < 4096; pfn++) {
			noise(page);
			memset(page + rnd() % 4096, 0, 1);
			memset(page, 1, rnd() % 4096);
			assert_int_equal(xl_format_put(&g->ctx, g->format, pfn, page), 0);
		}
	}
	guest_seal(g);
	assert_in_range(g->file_bytes, 16 * 4096, 2 * once);
	assert_in_range(g->disk_bytes, 4096, once / 8);
	guest_free(g);
}

/* ---- the memory map changes between layout and cut ---- */

static void test_balloon(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		uint64_t nr_pfns = 3000 + i * 17;
		struct guest *g = guest_new(nr_pfns, 2);

		guest_ram(g, 0, nr_pfns / 2);
		guest_ram(g, nr_pfns / 2 + 37, nr_pfns / 4);
		open_with(g, XLDUMP_CODEC_SNAPPY, 1);
		guest_put_all(g, i % 4);
		for (unsigned n = 0; n < nr_pfns / (1 + i * i * 10); n++) {
			xl_pfn_t pfn = rnd() % nr_pfns;

			if (xl_bitmap_test(&g->cut.present, pfn)) {
				xl_bitmap_clear(&g->cut.present, pfn);
				continue;
			}
			xl_bitmap_set(&g->cut.present, pfn);
			guest_put(g, pfn, rnd() % 3);
		}
		finish_all(g);
	}
}

/* From next to nothing to everything: the tables have room. */
static void test_balloon_up(void **state)
{
	struct guest *g = guest_new(70000, 1);

	(void)state;
	guest_ram(g, 69999, 1);
	open_with(g, XLDUMP_CODEC_ZSTD, 2);
	guest_put_all(g, 0);
	for (xl_pfn_t pfn = 0; pfn < 69999; pfn++) {
		xl_bitmap_set(&g->cut.present, pfn);
		guest_put(g, pfn, pfn % 50 == 0);
	}
	finish_all(g);
}

static void test_sizes(void **state)
{
	/* around a word, a byte, and a block of a bitmap */
	static const uint64_t sizes[] = { 0, 1, 7, 8, 9, 63, 64, 65, 32767, 32768, 32769 };

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(sizes); i++) {
		struct guest *g = guest_new(sizes[i], 1);

		if (sizes[i])
			guest_ram(g, sizes[i] - 1, 1);
		open_with(g, XLDUMP_CODEC_ZLIB, 1);
		guest_put_all(g, 0);
		finish_all(g);
	}
}

static void test_caller_errors(void **state)
{
	static const uint8_t page[4096] = { 1 };
	struct guest *g = guest_new(100, 1);

	(void)state;
	guest_ram(g, 0, 100);
	open_with(g, XLDUMP_CODEC_ZLIB, 1);
	assert_int_equal(xl_format_put(&g->ctx, g->format, 100, page), -EINVAL);
	for (xl_pfn_t pfn = 0; pfn < 99; pfn++)
		guest_put(g, pfn, 1);
	xl_err_clear(&g->ctx);
	assert_int_equal(xl_format_seal(&g->ctx, g->format, &g->cut), -EINVAL);
	assert_non_null(strstr(g->ctx.err, "page 0x63 was never read"));
	guest_free(g);
}

/* ---- headers and notes ---- */

static void check_notes(const struct guest *g, const struct kdump *k)
{
	const unsigned char *p;
	uint32_t type, size;

	for (uint32_t id = 0; id < g->cut.vcpus; id++) {
		p = kdump_note(k, "CORE", id, &type, &size);
		assert_non_null(p);
		assert_int_equal(type, 1);
		assert_int_equal(size, 336);
		assert_int_equal(xl_get_le32(p + 32), id + 1);
		assert_true(xl_get_le64(p + 112 + 8 * 16) == g->cut.vcpu[id].rip);
		p = kdump_note(k, "QEMU", id, &type, &size);
		assert_non_null(p);
		assert_int_equal(size, 440);
	}
	p = kdump_note(k, "XLDUMP", 0, &type, &size);
	assert_non_null(p);
	assert_int_equal(type, 0x584c4431);
	assert_int_equal(p[size - 1], 0);
	assert_non_null(strstr((const char *)p, "\"strategy\":\"precopy\""));
}

static void describe_kernel(struct guest *g, size_t text)
{
	struct xl_kernel *k = &g->cut.kernel;

	k->vmcoreinfo = malloc(text + 1);
	memset(k->vmcoreinfo, 'A', text);
	k->vmcoreinfo[text] = '\0';
	k->vmcoreinfo_len = text;
	k->phys_base = -0x1000000;
	strcpy(k->sysname, "Linux");
	strcpy(k->nodename, "web01");
	strcpy(k->release, "6.1.0-41-amd64");
	memset(k->version, 'v', 64);
	strcpy(k->machine, "x86_64");
	strcpy(k->domainname, "(none)");
	g->cut.instant = (struct timespec){ 1795257000, 65536000 };
}

static void test_headers(void **state)
{
	static const char *const uts[] = { "Linux", "web01", "6.1.0-41-amd64", NULL, "x86_64",
					   "(none)" };

	(void)state;
	for (size_t text = 3000; text < 3004; text++) {
		struct guest *g = guest_new(1000, 3);
		struct kdump k;

		describe_kernel(g, text);
		guest_ram(g, 0, 100);
		open_with(g, XLDUMP_CODEC_ZLIB, 1);
		guest_put_all(g, 0);
		finish(g, &k);
		for (int i = 0; i < 6; i++) {
			if (uts[i])
				assert_string_equal((const char *)k.file + 12 + 65 * i, uts[i]);
		}
		assert_int_equal(strlen((const char *)k.file + 12 + 65 * 3), 64);
		assert_int_equal(xl_get_le64(k.file + 408), 1795257000);
		assert_true((int64_t)xl_get_le64(k.file + 4096) == -0x1000000);
		assert_int_equal(k.max_mapnr, 100);
		assert_int_equal(k.nr_cpus, 3);
		assert_int_equal(k.vmcoreinfo_size, text);
		assert_memory_equal(k.file + k.vmcoreinfo, g->cut.kernel.vmcoreinfo, text);
		check_notes(g, &k);
		look_away(&k);
		guest_free(g);
	}
}

/* A guest that nothing is known of. */
static void test_unknown_kernel(void **state)
{
	struct guest *g = guest_new(10, 1);
	struct kdump k;

	(void)state;
	guest_ram(g, 0, 10);
	open_with(g, XLDUMP_CODEC_ZLIB, 1);
	guest_put_all(g, 0);
	finish(g, &k);
	assert_int_equal(k.vmcoreinfo, 0);
	assert_string_equal((const char *)k.file + 12, "");
	check_notes(g, &k);
	look_away(&k);
	guest_free(g);
}

/* What a PV guest needs to be undone, ascending, and the registers as Xen gave them. */
static void test_records(void **state)
{
	static const uint64_t p2m[10] = { 100, 101, 102, XL_INVALID_FRAME, XL_INVALID_FRAME, 7, 9,
					  10, 12, XL_INVALID_FRAME };
	static const uint64_t runs[] = { 0, 100, 3, 5, 7, 1, 6, 9, 2, 8, 12, 1 };
	static const uint64_t tables[] = { 2, 4, 5, 1 };
	static const uint64_t edits[] = { 0x2800, 0xaa, 0x2808, 0xbb, 0x5000, 0xcc };
	struct guest *g = guest_new(10, 2);
	struct record r;
	struct kdump k;

	(void)state;
	guest_ram(g, 0, 3);
	guest_ram(g, 5, 4);
	g->cut.dom.pv = true;
	g->cut.p2m = p2m;
	g->cut.table = calloc(2, sizeof(*g->cut.table));
	g->cut.table[0] = (struct xl_table){ 2, 4 };
	g->cut.table[1] = (struct xl_table){ 5, 1 };
	g->cut.tables = 2;
	assert_int_equal(xl_edits_add(&g->cut.edits, 0x5000, 0xcc), 0);
	assert_int_equal(xl_edits_add(&g->cut.edits, 0x2808, 0xbb), 0);
	assert_int_equal(xl_edits_add(&g->cut.edits, 0x2800, 0xaa), 0);
	g->cut.has_shared_info = true;
	memset(g->cut.shared_info, 's', sizeof(g->cut.shared_info));
	open_with(g, XLDUMP_CODEC_ZLIB, 1);
	guest_put_all(g, 0);
	finish(g, &k);
	assert_u64s(&k, ".xldump_p2m", runs, XL_ARRAY_SIZE(runs));
	assert_u64s(&k, ".xldump_tables", tables, XL_ARRAY_SIZE(tables));
	assert_u64s(&k, ".xldump_edits", edits, XL_ARRAY_SIZE(edits));
	r = record_of(&k, ".xen_prstatus");
	assert_int_equal(r.size, 2 * 5168);
	for (int i = 0; i < 2; i++)
		assert_memory_equal(r.data + i * 5168, g->cut.vcpu[i].context, 5168);
	r = record_of(&k, ".xen_shared_info");
	assert_int_equal(r.size, 4096);
	assert_memory_equal(r.data, g->cut.shared_info, 4096);
	assert_int_equal(record_of(&k, ".note.Xen").size, 1384);
	look_away(&k);
	guest_free(g);

	/* and what there is not has no entry */
	g = guest_new(10, 1);
	guest_ram(g, 0, 10);
	open_with(g, XLDUMP_CODEC_ZLIB, 1);
	guest_put_all(g, 0);
	finish(g, &k);
	assert_null(record_of(&k, ".xldump_p2m").data);
	assert_null(record_of(&k, ".xldump_tables").data);
	assert_null(record_of(&k, ".xldump_edits").data);
	assert_null(record_of(&k, ".xen_shared_info").data);
	look_away(&k);
	guest_free(g);
}

/* The bitmaps are as long as the memory that is there, not as what could have been: makedumpfile
 * looks for the second one where the memory of the kernel says. */
static void test_short_bitmaps(void **state)
{
	struct guest *g = guest_new(100000, 1);
	struct kdump k;

	(void)state;
	guest_ram(g, 0, 100);
	guest_ram(g, 90000, 1);
	open_with(g, XLDUMP_CODEC_ZLIB, 1);
	guest_put_all(g, 0);
	xl_bitmap_clear(&g->cut.present, 90000);
	finish(g, &k);
	assert_int_equal(k.max_mapnr, 100);
	assert_int_equal(k.bitmap2 - k.bitmap1, 4096);
	look_away(&k);
	guest_free(g);
}

/* makedumpfile does not go by the header: it takes the second bitmap from behind a first one that
 * covers the memory of the kernel, here two blocks, and no more than that of the first. */
static void test_pages_of_xen(void **state)
{
	static const uint64_t ram[] = { 100, 40000, 0x78000, 0xc0000, 0xf0000 };

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(ram); i++) {
		struct guest *g = guest_new(0xff000, 1);
		size_t len = (ram[i] + 32767) / 32768 * 4096;
		struct kdump k;

		for (xl_pfn_t pfn = 0; pfn < ram[i]; pfn += pfn % 3 ? 1 : 300)
			guest_ram(g, pfn, 1);
		guest_ram(g, ram[i] - 1, 1);
		guest_ram(g, 0xfeff8, 4);
		open_with(g, XLDUMP_CODEC_LZO, 1);
		guest_put_all(g, 5);
		finish(g, &k);
		assert_int_equal(k.max_mapnr, 0xfeffc);
		assert_memory_equal(k.bitmap1, k.bitmap2, len);
		for (size_t n = 0; n < len; n++)
			assert_int_equal(k.bitmap1[len + n] & k.bitmap2[n], k.bitmap2[n]);
		look_away(&k);
		guest_free(g);
	}
}

/* Pages that were left out are in the first bitmap alone, the last pfn among them. */
static void test_left_out(void **state)
{
	struct guest *g = guest_new(1000, 1);
	struct kdump k;

	(void)state;
	guest_ram(g, 0, 600);
	open_with(g, XLDUMP_CODEC_ZLIB, 1);
	guest_put_all(g, 0);
	assert_int_equal(xl_bitmap_init(&g->cut.excluded, g->nr_pfns), 0);
	for (xl_pfn_t pfn = 5; pfn < 600; pfn += 9) {
		xl_bitmap_clear(&g->cut.present, pfn);
		xl_bitmap_set(&g->cut.excluded, pfn);
	}
	xl_bitmap_clear(&g->cut.present, 599);
	xl_bitmap_set(&g->cut.excluded, 599);
	g->cut.dump_level = 31;
	finish(g, &k);
	assert_int_equal(k.max_mapnr, 600);
	for (xl_pfn_t pfn = 0; pfn < 600; pfn++)
		assert_true(k.bitmap1[pfn / 8] >> pfn % 8 & 1);
	/* dump_level of kdump_sub_header */
	assert_int_equal(k.file[4096 + 8], 31);
	look_away(&k);
	xl_bitmap_deinit(&g->cut.excluded);
	guest_free(g);
}

/* More vCPUs than at first: their notes go where there is room. */
static void test_more_vcpus(void **state)
{
	struct guest *g = guest_new(100, 300);
	struct kdump k;

	(void)state;
	describe_kernel(g, 4 * 4096);
	g->layout_vcpus = 1;
	guest_ram(g, 0, 100);
	open_with(g, XLDUMP_CODEC_ZLIB, 1);
	guest_put_all(g, 0);
	finish(g, &k);
	assert_true(k.notes > (uint64_t)(k.desc - k.file));
	assert_memory_equal(k.file + k.vmcoreinfo, g->cut.kernel.vmcoreinfo, 4 * 4096);
	check_notes(g, &k);
	look_away(&k);
	guest_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codecs),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_codec_names),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_last_one_wins),
		cmocka_unit_test(test_equal_pages),
		cmocka_unit_test(test_stored_once),
		cmocka_unit_test(test_equal_no_more),
		cmocka_unit_test(test_put_again_while_it_waits),
		cmocka_unit_test(test_owner_goes_away),
		cmocka_unit_test(test_space_is_used_again),
		cmocka_unit_test(test_balloon),
		cmocka_unit_test(test_balloon_up),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_caller_errors),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_unknown_kernel),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_short_bitmaps),
		cmocka_unit_test(test_pages_of_xen),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_more_vcpus),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, guest_folder_enter, guest_folder_leave);
}
