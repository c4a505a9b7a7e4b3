/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands under everything: bitmaps, texts, names. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bitmap.h"
#include "base/domain.h"
#include "base/text.h"
#include "guest/kmem.h"
#include "xldump.h"

#define NBITS 130

static struct xl_bitmap bits(const char *set)
{
	struct xl_bitmap b;

	assert_int_equal(xl_bitmap_init(&b, NBITS), 0);
	for (int n, k; sscanf(set, "%d%n", &n, &k) == 1; set += k)
		xl_bitmap_set(&b, (uint64_t)n);
	return b;
}

static void expect(struct xl_bitmap *b, const char *set)
{
	struct xl_bitmap want = bits(set);

	assert_memory_equal(b->word, want.word, xl_bitmap_bytes(b));
	xl_bitmap_deinit(&want);
	xl_bitmap_deinit(b);
}

static void test_bitmaps(void **state)
{
	struct xl_bitmap a = bits("0 1 63 64 129"), b = bits("1 64 65"), c = bits("7"), d = bits("8");

	(void)state;
	xl_bitmap_copy(&c, &a);
	xl_bitmap_and(&c, &b);
	expect(&c, "1 64");
	c = bits("7 64");
	xl_bitmap_or(&c, &b);
	expect(&c, "1 7 64 65");
	xl_bitmap_or_andnot(&d, &a, &b);
	expect(&d, "0 8 63 129");
	xl_bitmap_andnot(&a, &b);
	expect(&a, "0 63 129");
	xl_bitmap_andnot(&b, &b);
	expect(&b, "");
}

static void shown(const char *text, size_t len, const char *ascii, const char *letters)
{
	char buf[64];

	assert_string_equal(xl_escape(text, len, buf, sizeof(buf)), ascii);
	assert_int_equal(xl_unescape(buf), len);
	assert_memory_equal(buf, text, len);
	assert_string_equal(xl_printable(text, len, buf, sizeof(buf)), letters);
	assert_int_equal(xl_unescape(buf), len);
	assert_memory_equal(buf, text, len);
}

/* Two texts that differ are shown differently, and each can be had back. */
static void test_texts(void **state)
{
	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	shown("web-01", 6, "web-01", "web-01");
	shown("m\xc3\xbcller", 7, "m\\xc3\\xbcller", "m\xc3\xbcller");
	shown("\xe6\x97\xa5\xf0\x9f\x90\xa7", 7, "\\xe6\\x97\\xa5\\xf0\\x9f\\x90\\xa7",
	      "\xe6\x97\xa5\xf0\x9f\x90\xa7");
	shown("a\0b\n\x1b", 5, "a\\x00b\\x0a\\x1b", "a\\x00b\\x0a\\x1b");
	/* Latin-1; the overlong, a surrogate, beyond the last, cut off; a control character */
	shown("\xfc!", 2, "\\xfc!", "\\xfc!");
	shown("\xc0\xaf", 2, "\\xc0\\xaf", "\\xc0\\xaf");
	shown("\xe0\x80\xaf", 3, "\\xe0\\x80\\xaf", "\\xe0\\x80\\xaf");
	shown("\xed\xa0\x80", 3, "\\xed\\xa0\\x80", "\\xed\\xa0\\x80");
	shown("\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80");
	shown("a\xc3", 2, "a\\xc3", "a\\xc3");
	shown("\xc2\x9b" "1m", 4, "\\xc2\\x9b1m", "\\xc2\\x9b1m");
	/* What looks like an escape is one; other backslashes are themselves. */
	shown("a\\x1b", 5, "a\\x5cx1b", "a\\x5cx1b");
	shown("\\\x1b", 2, "\\\\x1b", "\\\\x1b");
	shown("C:\\xen\\x4", 9, "C:\\xen\\x4", "C:\\xen\\x4");
	shown("\\x4\x80", 4, "\\x4\\x80", "\\x4\\x80");
}

static void test_texts_plain_locale(void **state)
{
	char buf[32];

	(void)state;
	(void)setlocale(LC_CTYPE, "C");
	assert_string_equal(xl_printable("\xc3\xbc", 2, buf, sizeof(buf)), "\\xc3\\xbc");
}

static void test_texts_cut(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(xl_escape("ab\xff", 3, buf, 6), "ab");
	assert_string_equal(xl_escape("ab\xff", 3, buf, 7), "ab\\xff");
	assert_string_equal(xl_escape("ab", 2, buf, 1), "");
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	assert_string_equal(xl_printable("a\xc3\xbc", 3, buf, 3), "a");
}

static void test_same_domain(void **state)
{
	struct { uint32_t domid; uint8_t uuid[16]; } a = { 5, { 1 } }, b = { 5, { 1 } };

	(void)state;
	assert_true(xl_same_domain(&a, &b));
	b.domid = 6;
	assert_false(xl_same_domain(&a, &b));
	b.domid = 5;
	b.uuid[15] = 1;
	assert_false(xl_same_domain(&a, &b));
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < _XLDUMP_CAUSE_MAX; i++)
		assert_non_null(xldump_cause_name((enum xldump_cause)i));
	assert_null(xldump_cause_name(_XLDUMP_CAUSE_MAX));
	assert_string_equal(xldump_cause_name(XLDUMP_CAUSE_PAUSE_LIMIT), "pause-limit");
	assert_string_equal(xldump_phase_name(XLDUMP_PHASE_SYNC), "sync");
	assert_null(xldump_phase_name((enum xldump_phase)(XLDUMP_PHASE_SYNC + 1)));
}

/* Each byte is that of its address; there is no page 3. */
static int read_part(void *data, xl_pfn_t pfn, size_t offset, void *buf, size_t len)
{
	uint8_t *out = buf;

	++*(unsigned *)data;
	if (pfn == 3)
		return -EFAULT;
	assert_true(len > 0 && offset + len <= XL_PAGE_SIZE);
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(pfn * 16 + offset + i);
	return 0;
}

static void test_read_across(void **state)
{
	uint8_t buf[3 * XL_PAGE_SIZE];
	unsigned calls = 0;

	(void)state;
	assert_int_equal(xl_read_across(0x1ffe, buf, 2 + XL_PAGE_SIZE, read_part, &calls), 0);
	assert_int_equal(calls, 2);
	assert_int_equal(buf[0], (0x10 + 0xfe) & 0xff);
	assert_int_equal(buf[1], (0x10 + 0xff) & 0xff);
	assert_int_equal(buf[2], 0x20);
	assert_int_equal(xl_read_across(0x2fff, buf, 2, read_part, &calls), -EFAULT);
	assert_int_equal(xl_read_across(0x3000, buf, 0, read_part, &calls), 0);
	assert_int_equal(xl_read_across(UINT64_MAX, buf, 1, read_part, &calls), 0);
	calls = 0;
	assert_int_equal(xl_read_across(UINT64_MAX, buf, 2, read_part, &calls), -EFAULT);
	assert_int_equal(calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bitmaps),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_texts_plain_locale),
		cmocka_unit_test(test_texts_cut),
		cmocka_unit_test(test_same_domain),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_read_across),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
