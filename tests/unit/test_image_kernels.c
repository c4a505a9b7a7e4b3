/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dump files in whose memory a kexec has left two kernels, and files that say that there is none.
 *
 * With arguments `--write right|wrong|none FILE' it writes one, for test_xldumpctl.sh: VMCOREINFO is of
 * the kernel that runs, of the other one, or missing. */
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

#include "format/formats.h"
#include "image/convert.h"
#include "image/image_kernel.h"
#include "image/image_verify.h"
#include "two_kernels.h"

#define FILE_A "a.img"
#define FILE_B "b.img"

static char dir[] = "test_image_kernels.XXXXXX";
static char warning[1024]; /* the last one */
static unsigned warnings;

static void on_log(void *data, enum xldump_log_level level, const char *text)
{
	(void)data;
	if (level != XLDUMP_LOG_WARNING)
		return;
	warnings++;
	(void)snprintf(warning, sizeof(warning), "%s", text);
}

static struct xl_ctx context(void)
{
	warnings = 0;
	return (struct xl_ctx){ .log = on_log };
}

/* ---- files ---- */

/* Whose notes describe one of the kernels; -1: none. */
static void fill_cut(struct two *t, struct xl_cut *cut, int noted)
{
	struct xl_ctx x = { 0 };

	cut->nr_pfns = TWO_PAGES;
	cut->vcpus = 1;
	cut->vcpu = calloc(1, sizeof(*cut->vcpu));
	assert_non_null(cut->vcpu);
	assert_int_equal(xl_bitmap_init(&cut->present, TWO_PAGES), 0);
	for (xl_pfn_t pfn = 0; pfn < TWO_PAGES; pfn++)
		xl_bitmap_set(&cut->present, pfn);
	*cut->vcpu = t->vcpu[0];
	cut->vcpu->online = true;
	cut->type = XLDUMP_GUEST_HVM;
	cut->strategy = XLDUMP_STRATEGY_PRECOPY;
	strcpy(cut->host.capabilities, "hvm-3.0-x86_64");
	if (noted < 0)
		return;
	t->cand.wish = noted == NEW ? "2" : "1";
	assert_int_equal(xl_kernel_identify(&x, &t->cand, two_read, t, &cut->kernel), 0);
	t->cand.wish = NULL;
}

static void write_file(struct two *t, enum xldump_format f, int noted, const char *path)
{
	const struct xl_format_params params = { .format = f, .codec = XLDUMP_CODEC_NONE };
	struct xl_layout layout = { .nr_pfns = TWO_PAGES, .vcpus = 1 };
	struct xl_cut *cut = calloc(1, sizeof(*cut));
	struct xl_format *format = NULL;
	struct xl_sink *sink = NULL;
	struct xl_ctx x = { 0 };
	uint64_t size, disk;

	assert_non_null(cut);
	fill_cut(t, cut, noted);
	layout.present = &cut->present;
	assert_int_equal(xl_sink_file_open(&x, path, true, &sink), 0);
	assert_int_equal(xl_format_open(&x, &layout, sink, &params, &format), 0);
	for (xl_pfn_t pfn = 0; pfn < TWO_PAGES; pfn++)
		assert_int_equal(xl_format_put(&x, format, pfn, two_page(t, pfn)), 0);
	if (xl_format_seal(&x, format, cut) < 0 || xl_sink_commit(&x, sink, &size, &disk) < 0)
		fail_msg("%s", x.err);
	xl_format_close(format);
	xl_sink_close(sink);
	xl_cut_deinit(cut);
	free(cut);
}

static const enum xldump_format formats[] = {
	XLDUMP_FORMAT_ELF, XLDUMP_FORMAT_XENCORE, XLDUMP_FORMAT_KDUMP
};

/* ---- what is read ---- */

static int kernel_of(const char *path, const char *wish, bool scan, struct xl_image_vm *vm)
{
	struct xl_image *img = NULL;
	struct xl_ctx x = context();
	int r;

	memset(vm, 0, sizeof(*vm));
	if (xl_image_open(&x, path, &img) < 0)
		fail_msg("%s", x.err);
	img->kernel = wish;
	r = xl_image_vm_init(&x, img, scan, vm);
	xl_image_close(img);
	return r;
}

static void assert_kernel(const char *path, const char *wish, const char *release, unsigned warned)
{
	for (int scan = 0; scan < 2; scan++) {
		struct xl_image_vm vm;

		assert_int_equal(kernel_of(path, wish, scan, &vm), 0);
		assert_string_equal(vm.k.release, release);
		assert_int_equal(warnings, warned);
		xl_image_vm_deinit(&vm);
	}
}

/* Whether VMCOREINFO in the notes is that of the kernel. */
static void assert_noted(const char *path, const char *release)
{
	struct xl_image *img = NULL;
	struct xl_ctx x = { 0 };
	char line[128];

	(void)snprintf(line, sizeof(line), "OSRELEASE=%s\n", release);
	assert_int_equal(xl_image_open(&x, path, &img), 0);
	assert_non_null(img->vmcoreinfo);
	assert_memory_equal(img->vmcoreinfo, line, strlen(line));
	xl_image_close(img);
}

static void ignore(void *data, enum xl_verify_level level, const char *line)
{
	if (level != XL_VERIFY_BROKEN)
		return;
	print_message("# %s\n", line);
	*(bool *)data |= strstr(line, "do not run the kernel") != NULL;
}

static bool is_broken(const char *path)
{
	bool broken = false;
	struct xl_image *img = NULL;
	struct xl_ctx x = { 0 };
	struct xl_verify v = { .x = &x, .quick = true, .fn = ignore, .data = &broken };

	assert_int_equal(xl_image_open(&x, path, &img), 0);
	v.img = img;
	assert_int_equal(xl_image_verify(&v), 0);
	assert_int_equal(v.broken, broken);
	xl_image_close(img);
	return broken;
}

static int convert(const char *from, const char *to, const char *wish)
{
	const struct xl_convert how = { .params = { .format = XLDUMP_FORMAT_ELF } };
	struct xl_image *img = NULL;
	struct xl_sink *sink = NULL;
	struct xl_ctx x = context();
	uint64_t size, disk;
	int r;

	assert_int_equal(xl_image_open(&x, from, &img), 0);
	img->kernel = wish;
	assert_int_equal(xl_sink_file_open(&x, to, true, &sink), 0);
	r = xl_image_convert(&x, img, &how, sink);
	if (r == 0)
		assert_int_equal(xl_sink_commit(&x, sink, &size, &disk), 0);
	xl_sink_close(sink);
	xl_image_close(img);
	return r;
}

/* ---- tests ---- */

static void test_notes_are_right(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_init(&t);
	for (int runs = OLD; runs <= NEW; runs++) {
		two_in_kernel(&t, 0, runs);
		for (size_t i = 0; i < XL_ARRAY_SIZE(formats); i++) {
			const char *release = runs == NEW ? TWO_NEW : TWO_OLD;

			write_file(&t, formats[i], runs, FILE_A);
			assert_kernel(FILE_A, NULL, release, 0);
			assert_kernel(FILE_A, "1", TWO_OLD, 0);
			assert_kernel(FILE_A, TWO_NEW, TWO_NEW, 0);
			assert_false(is_broken(FILE_A));
		}
	}
}

/* As a dump was that took the first kernel found. */
static void test_notes_are_wrong(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_init(&t);
	two_in_kernel(&t, 0, NEW);
	write_file(&t, XLDUMP_FORMAT_ELF, OLD, FILE_A);
	assert_kernel(FILE_A, NULL, TWO_NEW, 1);
	assert_non_null(strstr(warning, "1: " TWO_OLD ", 2: " TWO_NEW " (runs)"));
	assert_kernel(FILE_A, "1", TWO_OLD, 0);
	assert_true(is_broken(FILE_A));
	/* It is mended when it is written again. */
	assert_int_equal(convert(FILE_A, FILE_B, NULL), 0);
	assert_noted(FILE_B, TWO_NEW);
	assert_kernel(FILE_B, NULL, TWO_NEW, 0);
	assert_false(is_broken(FILE_B));
}

/* Under a kdump kernel it is the crashed one that is wanted. */
static void test_crashed(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_init(&t);
	two_say(&t, OLD, "CRASHTIME=1700000000\n");
	two_in_kernel(&t, 0, NEW);
	write_file(&t, XLDUMP_FORMAT_ELF, OLD, FILE_A);
	assert_kernel(FILE_A, NULL, TWO_OLD, 0);
	assert_false(is_broken(FILE_A));
	/* Where the dump is about the kernel that saves it, it can be had. */
	write_file(&t, XLDUMP_FORMAT_ELF, NEW, FILE_A);
	assert_kernel(FILE_A, NULL, TWO_NEW, 0);
	assert_kernel(FILE_A, "1", TWO_OLD, 0);
	assert_int_equal(convert(FILE_A, FILE_B, "1"), 0);
	assert_noted(FILE_B, TWO_OLD);
	assert_kernel(FILE_B, NULL, TWO_OLD, 0);
}

static void test_no_such_kernel(void **state)
{
	_cleanup_(two_deinit) struct two t;
	struct xl_image_vm vm;

	(void)state;
	two_init(&t);
	two_in_kernel(&t, 0, NEW);
	write_file(&t, XLDUMP_FORMAT_ELF, NEW, FILE_A);
	assert_int_equal(kernel_of(FILE_A, "3", false, &vm), -ENXIO);
	assert_int_equal(convert(FILE_A, FILE_B, "6.1"), -ENXIO);
}

/* Nothing tells, as in a file of another tool without notes. */
static void test_unknown(void **state)
{
	_cleanup_(two_deinit) struct two t;
	struct xl_image_vm vm;

	(void)state;
	two_init(&t);
	write_file(&t, XLDUMP_FORMAT_XENCORE, OLD, FILE_A);
	assert_int_equal(kernel_of(FILE_A, NULL, true, &vm), 0);
	assert_int_equal(vm.k.all.n, 2);
	xl_image_vm_deinit(&vm);
}

/* Whoever wrote the file has looked at every page: nobody need do so again. */
static void test_none_by_the_notes(void **state)
{
	_cleanup_(two_deinit) struct two t;
	struct xl_image_vm vm;

	(void)state;
	two_init(&t);
	two_in_kernel(&t, 0, NEW);
	for (size_t i = 0; i < XL_ARRAY_SIZE(formats); i++) {
		write_file(&t, formats[i], -1, FILE_A);
		for (int scan = 0; scan < 2; scan++)
			assert_int_equal(kernel_of(FILE_A, NULL, scan, &vm), -ENOENT);
		assert_kernel(FILE_A, "2", TWO_NEW, 0);
	}
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(FILE_A);
	(void)unlink(FILE_B);
	return chdir("..") == 0 ? rmdir(dir) : -1;
}

static int write_one(const char *what, const char *path)
{
	_cleanup_(two_deinit) struct two t;

	two_init(&t);
	two_in_kernel(&t, 0, NEW);
	write_file(&t, XLDUMP_FORMAT_ELF, !strcmp(what, "none") ? -1 : !strcmp(what, "right"), path);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notes_are_right),
		cmocka_unit_test(test_notes_are_wrong),
		cmocka_unit_test(test_crashed),
		cmocka_unit_test(test_no_such_kernel),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_none_by_the_notes),
	};

	if (argc == 4 && strcmp(argv[1], "--write") == 0)
		return write_one(argv[2], argv[3]);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
