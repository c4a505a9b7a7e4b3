/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading dump files: what is in them, and what is wrong with them.
 *
 * With arguments `--write elf|xencore|kdump|flattened FILE' it writes one, for
 * test_xldumpctl.sh. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "format/elf_format.h"
#include "format/formats.h"
#include "image/convert.h"
#include "image/image_cut.h"
#include "image/image_klog.h"
#include "image/image_verify.h"
#include "image_files.h"

#define FILE_A "a.img"
#define FILE_B "b.img"

static char dir[] = "test_image.XXXXXX";
static struct fake fake;

static uint64_t rnd(uint64_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 20) % below;
}

static struct xl_image *open_ok(const char *path)
{
	struct xl_image *img = NULL;
	struct xl_ctx x = { 0 };
	int r = xl_image_open(&x, path, &img);

	if (r < 0)
		print_message("# %s\n", x.err);
	assert_int_equal(r, 0);
	return img;
}

/* Every page is the guest's, and no other is there. */
static void check_pages(struct xl_image *img, xl_pfn_t excluded)
{
	uint8_t page[XL_PAGE_SIZE];
	struct xl_ctx x = { 0 };
	uint64_t pages = 0;

	assert_int_equal(img->nr_pfns, IMAGE_PAGES);
	for (xl_pfn_t pfn = 0; pfn < IMAGE_PAGES + 2; pfn++) {
		bool want = pfn < IMAGE_PAGES && pfn != excluded &&
			    (pfn < IMAGE_HOLE_FIRST || pfn >= IMAGE_HOLE_END);

		assert_int_equal(xl_image_has(img, pfn), want);
		x.err[0] = '\0';
		assert_int_equal(xl_image_page(&x, img, pfn, page), want ? 0 : -ENOENT);
		if (pfn == excluded)
			assert_non_null(strstr(x.err, "left out"));
		if (!want)
			continue;
		pages++;
		if (memcmp(page, fake.mem + (pfn << XL_PAGE_SHIFT), XL_PAGE_SIZE) != 0)
			fail_msg("a page differs");
	}
	assert_int_equal(img->pages, pages);
}

/* ---- what it was made from ---- */

/* The type of the guest decides how kdump files are laid out: from our note, or from what there is. */
static void test_guest_type(void **state)
{
	const enum xldump_guest_type want[] = { XLDUMP_GUEST_PV, XLDUMP_GUEST_HVM };

	(void)state;
	image_write_elf(&fake, false, FILE_A);
	image_write_kdump(&fake, 0, FILE_B);
	for (int i = 0; i < 2; i++) {
		struct xl_image *img = open_ok(i ? FILE_B : FILE_A);
		struct xl_ctx x = { 0 };
		struct xl_cut cut;

		assert_int_equal(!!img->json, !i);
		assert_int_equal(xl_image_cut_init(&x, img, &cut), 0);
		assert_int_equal(cut.type, want[i]);
		xl_image_cut_deinit(&cut);
		xl_image_close(img);
	}
}

/* ---- verify ---- */

struct findings {
	uint64_t broken;
	char text[65536];
};

static void note_finding(void *data, enum xl_verify_level level, const char *line)
{
	struct findings *f = data;
	size_t n = strlen(f->text);

	if (level == XL_VERIFY_BROKEN)
		(void)snprintf(f->text + n, sizeof(f->text) - n, "%s\n", line);
}

/* Number of broken rules, one for a file that cannot be opened; what they are in *f. */
static uint64_t verify(const char *path, bool quick, struct findings *f)
{
	struct xl_ctx x = { 0 };
	struct xl_image *img = NULL;
	struct xl_verify v = { .x = &x, .quick = quick, .fn = note_finding, .data = f };
	int r;

	f->text[0] = '\0';
	r = xl_image_open(&x, path, &img);
	if (r < 0) {
		assert_true(x.err[0]);
		(void)snprintf(f->text, sizeof(f->text), "%s\n", x.err);
		return 1;
	}
	v.img = img;
	r = xl_image_verify(&v);
	if (r < 0)
		(void)snprintf(f->text, sizeof(f->text), "%s\n", x.err);
	xl_image_close(img);
	return r < 0 ? 1 : v.broken;
}

static void assert_whole(const char *path)
{
	static struct findings f;
	uint64_t n = verify(path, false, &f);

	if (n)
		print_message("# %s: %s", path, f.text);
	assert_int_equal(n, 0);
}

/* ---- written again ---- */

static void convert(const char *from, enum xldump_format format, const char *to)
{
	const struct xl_convert how = { .params = { .format = format, .threads = 1 } };
	struct xl_image *img = open_ok(from);
	struct xl_sink *sink = NULL;
	struct xl_ctx x = { 0 };
	uint64_t size, disk;

	assert_int_equal(xl_sink_file_open(&x, to, true, &sink), 0);
	assert_int_equal(xl_image_convert(&x, img, &how, sink), 0);
	assert_int_equal(xl_sink_commit(&x, sink, &size, &disk), 0);
	xl_sink_close(sink);
	xl_image_close(img);
}

static void assert_same_notes(const struct xl_image *a, const struct xl_image *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->notes; i++) {
		const struct xl_image_note *note = &b->note[i];

		if (!strcmp(note->name, "XLDUMP") ||
		    (!strcmp(note->name, "Xen") && note->type >= XEN_NOTE_NONE))
			continue;
		assert_true(n < a->notes);
		assert_string_equal(note->name, a->note[n].name);
		assert_int_equal(note->type, a->note[n].type);
		assert_int_equal(note->size, a->note[n].size);
		assert_memory_equal(note->desc, a->note[n].desc, note->size);
		n++;
	}
	assert_int_equal(n, a->notes);
}

/* A file of another tool: its notes stay what they are, and none is made up. */
static void test_convert_keeps(void **state)
{
	static const enum xldump_format formats[] = { XLDUMP_FORMAT_KDUMP, XLDUMP_FORMAT_ELF };

	(void)state;
	image_write_kdump(&fake, 1, FILE_A);
	for (size_t i = 0; i < XL_ARRAY_SIZE(formats); i++) {
		struct xl_image *a = open_ok(FILE_A), *b;

		convert(FILE_A, formats[i], FILE_B);
		b = open_ok(FILE_B);
		assert_int_equal(a->notes, 5);
		assert_same_notes(a, b);
		assert_null(b->json);
		if (formats[i] == XLDUMP_FORMAT_KDUMP) {
			assert_int_equal(b->kdump.dump_level, IMAGE_DUMP_LEVEL);
			assert_int_equal(b->kdump.time, IMAGE_TIME);
			assert_int_equal(b->kdump.excluded, 1);
			assert_true(xl_image_left_out(b, IMAGE_EXCLUDED_PFN));
			assert_string_equal(b->kdump.uts[2], a->kdump.uts[2]);
		}
		xl_image_close(a);
		xl_image_close(b);
		assert_whole(FILE_B);
	}
}

/* One of ours, too. */
static void test_convert_keeps_ours(void **state)
{
	struct xl_image *a, *b;

	(void)state;
	image_write_elf(&fake, false, FILE_A);
	convert(FILE_A, XLDUMP_FORMAT_KDUMP, FILE_B);
	a = open_ok(FILE_A);
	b = open_ok(FILE_B);
	assert_int_equal(b->prstatus, 2);
	assert_string_equal(a->json, b->json);
	xl_image_close(a);
	xl_image_close(b);
	convert(FILE_B, XLDUMP_FORMAT_ELF, "c.img");
	b = open_ok("c.img");
	a = open_ok(FILE_A);
	assert_int_equal(a->size, b->size);
	xl_image_close(a);
	xl_image_close(b);
	assert_int_equal(unlink("c.img"), 0);
}

/* ---- pages that were left out of files of ours ---- */

#define HIGH_PFN 0xff000 /* a page of Xen's, above the memory of the kernel */

/* The second bitmap, which is in the first one once more for makedumpfile, is not about pages. */
static void test_left_out_of_ours(void **state)
{
	const struct xl_format_params params = { .format = XLDUMP_FORMAT_KDUMP, .threads = 1 };
	struct xl_cut *cut = calloc(1, sizeof(*cut));
	struct xl_layout layout = { .nr_pfns = HIGH_PFN + 1, .vcpus = 1 };
	uint8_t page[XL_PAGE_SIZE] = { 1 };
	struct xl_format *format = NULL;
	struct xl_sink *sink = NULL;
	struct xl_ctx x = { 0 };
	struct xl_image *img;
	uint64_t size, disk;

	(void)state;
	assert_non_null(cut);
	cut->type = XLDUMP_GUEST_PVH;
	cut->nr_pfns = HIGH_PFN + 1;
	assert_int_equal(xl_bitmap_init(&cut->present, cut->nr_pfns), 0);
	assert_int_equal(xl_bitmap_init(&cut->excluded, cut->nr_pfns), 0);
	layout.present = &cut->present;
	assert_int_equal(xl_sink_file_open(&x, FILE_A, true, &sink), 0);
	assert_int_equal(xl_format_open(&x, &layout, sink, &params, &format), 0);
	for (xl_pfn_t pfn = 0; pfn <= HIGH_PFN; pfn = pfn < 0x400 ? pfn + 1 : pfn + HIGH_PFN - 0x400) {
		if (pfn == 0x20) {
			xl_bitmap_set(&cut->excluded, pfn);
			continue;
		}
		xl_bitmap_set(&cut->present, pfn);
		assert_int_equal(xl_format_put(&x, format, pfn, page), 0);
	}
	assert_int_equal(xl_format_seal(&x, format, cut), 0);
	assert_int_equal(xl_sink_commit(&x, sink, &size, &disk), 0);
	xl_format_close(format);
	xl_sink_close(sink);
	xl_cut_deinit(cut);
	free(cut);
	img = open_ok(FILE_A);
	assert_int_equal(img->kdump.excluded, 1);
	assert_true(xl_image_left_out(img, 0x20));
	assert_false(xl_image_left_out(img, 0x8001));
	xl_image_close(img);
}

/* ---- files that are right ---- */

static void test_elf(void **state)
{
	struct xl_image *img;

	(void)state;
	image_write_elf(&fake, false, FILE_A);
	img = open_ok(FILE_A);
	assert_int_equal(img->kind, XL_IMAGE_ELF);
	assert_true(img->hybrid);
	check_pages(img, XL_INVALID_FRAME);
	assert_int_equal(img->prstatus, 2);
	assert_int_equal(img->xen_nr_vcpus, 2);
	assert_int_equal(img->xen_major, 4);
	assert_string_equal(img->vmcoreinfo, fake.text);
	assert_non_null(strstr(img->json, "\"web01\""));
	assert_int_equal(img->tables, 1);
	assert_int_equal(img->table[0].pfn, IMAGE_TABLE_PFN);
	assert_int_equal(img->edits, 1);
	assert_int_equal(img->edit[0].old, 0xdead);
	assert_int_equal(xl_image_pfn_to_mfn(img, 0x101), 0x10101);
	assert_int_equal(xl_image_pfn_to_mfn(img, IMAGE_HOLE_FIRST), XL_INVALID_FRAME);
	assert_int_equal(xl_image_mfn_to_pfn(img, 0x10000 + 0x300 * 2), 0x300);
	assert_int_equal(xl_image_mfn_to_pfn(img, 0x10000 + 0x300 * 2 + 1), XL_INVALID_FRAME);
	xl_image_close(img);
	assert_whole(FILE_A);
}

static void test_xencore(void **state)
{
	struct xl_image *img;

	(void)state;
	image_write_elf(&fake, true, FILE_A);
	img = open_ok(FILE_A);
	assert_int_equal(img->kind, XL_IMAGE_XENCORE);
	check_pages(img, XL_INVALID_FRAME);
	assert_int_equal(img->prstatus, 2);
	assert_string_equal(img->vmcoreinfo, fake.text);
	assert_non_null(img->json);
	xl_image_close(img);
	assert_whole(FILE_A);
}

/* One form is made from the other in place: neither breaks a digest. */
static void test_xencore_from_elf(void **state)
{
	static const uint8_t zeros[8];
	int fd;

	(void)state;
	image_write_elf(&fake, false, FILE_A);
	fd = open(FILE_A, O_WRONLY);
	assert_int_equal(pwrite(fd, zeros, 8, ELF_E_PHOFF), 8);
	assert_int_equal(pwrite(fd, zeros, 2, ELF_E_PHNUM), 2);
	(void)close(fd);
	assert_whole(FILE_A);
}

/* As /proc/vmcore and what makedumpfile -E makes of it: the kernel's image comes first and is shown
 * once more with the memory around it; segments are in no order and end within a page; behind the
 * last bytes of the file there are zeros, and zeros that are not there hide nothing that is. */
static void test_segments(void **state)
{
	static const struct image_segment seg[] = {
		{ 0x200000, 0x300000, 0x300000 }, /* the image */
		{ 0x600000, 0x600000, 0x5ff800 },
		{ 0x1000, 0x9ec00, 0x9ec00 }, /* ends within page 0x9f */
		{ 0x9fc00, 0x400, 0x400 },    /* and the rest of that page */
		{ 0x100000, 0x500000, 0x500000 },
		{ 0, 0x1000, 0x100 },
		{ 0x400000, 0x10000, 0 },
	};
	uint8_t page[XL_PAGE_SIZE], zeros[XL_PAGE_SIZE] = { 0 };
	struct xl_image *img;
	struct xl_ctx x = { 0 };

	(void)state;
	image_write_segments(&fake, seg, XL_ARRAY_SIZE(seg), FILE_A);
	img = open_ok(FILE_A);
	assert_int_equal(img->pages, IMAGE_PAGES - (IMAGE_HOLE_END - IMAGE_HOLE_FIRST));
	assert_int_equal(img->nr_pfns, IMAGE_PAGES);
	for (xl_pfn_t pfn = 0; pfn < IMAGE_PAGES; pfn++) {
		size_t n = pfn == 0 ? 0x100 : pfn == IMAGE_PAGES - 1 ? 0x800 : XL_PAGE_SIZE;
		bool there = pfn < IMAGE_HOLE_FIRST || pfn >= IMAGE_HOLE_END;

		assert_int_equal(xl_image_page(&x, img, pfn, page), there ? 0 : -ENOENT);
		x.err[0] = '\0';
		if (!there)
			continue;
		assert_memory_equal(page, fake.mem + (pfn << XL_PAGE_SHIFT), n);
		assert_memory_equal(page + n, zeros, XL_PAGE_SIZE - n);
	}
	xl_image_close(img);
	assert_whole(FILE_A);
}

/* Memory that is all behind p_filesz, at the end of the file: read as zeros, whoever asks. */
static void test_segment_of_zeros(void **state)
{
	static const struct image_segment seg[] = { { 0x100000, 0x500000, 0x400000 } };
	uint8_t page[XL_PAGE_SIZE] = { 1 }, zeros[XL_PAGE_SIZE] = { 0 };
	struct xl_ctx x = { 0 };
	struct xl_image *img;

	(void)state;
	image_write_segments(&fake, seg, 1, FILE_A);
	img = open_ok(FILE_A);
	assert_int_equal(xl_image_page(&x, img, 0x5ff, page), 0);
	assert_memory_equal(page, zeros, sizeof(page));
	assert_int_equal(xl_image_next_stored(img, 0x500), img->nr_pfns);
	xl_image_close(img);
	assert_whole(FILE_A);
}

/* Entries of .xen_pfn and .xen_p2m in no order: each still has its page. */
static void test_unordered_map(void **state)
{
	const struct xl_image_section *map;
	uint8_t raw[16], page[XL_PAGE_SIZE];
	struct xl_ctx x = { 0 };
	struct xl_image *img;
	uint64_t at;
	int fd;

	(void)state;
	image_write_elf(&fake, true, FILE_A);
	img = open_ok(FILE_A);
	map = xl_image_section(img, ".xen_pfn");
	at = map->offset + 8 * 0x10;
	assert_int_equal(xl_image_bytes(&x, img, at, raw, 16), 0);
	xl_image_close(img);
	fd = open(FILE_A, O_WRONLY);
	assert_int_equal(pwrite(fd, raw + 8, 8, (off_t)at), 8);
	assert_int_equal(pwrite(fd, raw, 8, (off_t)at + 8), 8);
	img = open_ok(FILE_A);
	assert_int_equal(xl_image_page(&x, img, 0x11, page), 0);
	assert_memory_equal(page, fake.mem + 0x10 * XL_PAGE_SIZE, XL_PAGE_SIZE);
	xl_image_close(img);

	assert_int_equal(pwrite(fd, raw, 8, (off_t)at), 8);
	(void)close(fd);
	assert_int_equal(xl_image_open(&x, FILE_A, &img), -EINVAL);
	assert_non_null(strstr(x.err, "twice"));
}

static void test_kdump(void **state)
{
	static const uint32_t flag[] = { 0, 1, 2, 4, 0x20 };

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(flag); i++) {
		struct xl_image *img;

		image_write_kdump(&fake, flag[i], FILE_A);
		img = open_ok(FILE_A);
		assert_int_equal(img->kind, XL_IMAGE_KDUMP);
		check_pages(img, IMAGE_EXCLUDED_PFN);
		assert_int_equal(img->kdump.excluded, 1);
		assert_string_equal(img->kdump.uts[2], fake.release);
		assert_string_equal(img->vmcoreinfo, fake.text);
		assert_int_equal(img->prstatus, 1);
		xl_image_close(img);
		assert_whole(FILE_A);
	}
}

static void write_own_kdump(enum xldump_codec codec)
{
	image_write(&fake, &(struct xl_format_params){
		.format = XLDUMP_FORMAT_KDUMP, .codec = codec, .threads = 1 }, FILE_A);
}

/* The same bytes in both files, or in neither. */
static void assert_same_section(struct xl_image *a, struct xl_image *b, const char *name)
{
	const struct xl_image_section *s = xl_image_section(a, name), *t = xl_image_section(b, name);
	static uint8_t p[65536], q[65536];
	struct xl_ctx x = { 0 };

	assert_true(s && t && s->size == t->size && s->size <= sizeof(p));
	assert_int_equal(xl_image_bytes(&x, a, s->offset, p, s->size), 0);
	assert_int_equal(xl_image_bytes(&x, b, t->offset, q, t->size), 0);
	assert_memory_equal(p, q, s->size);
}

/* One of ours has all that an ELF file has. */
static void test_own_kdump(void **state)
{
	static const char *const same[] = { ".note.Xen", ".xen_prstatus", ".xldump_p2m",
					    ".xldump_tables", ".xldump_edits" };

	(void)state;
	for (enum xldump_codec codec = XLDUMP_CODEC_NONE; codec < _XLDUMP_CODEC_MAX; codec++) {
		struct xl_image *img, *elf;

		write_own_kdump(codec);
		image_write_elf(&fake, false, FILE_B);
		img = open_ok(FILE_A);
		elf = open_ok(FILE_B);
		assert_int_equal(img->kind, XL_IMAGE_KDUMP);
		check_pages(img, XL_INVALID_FRAME);
		for (size_t i = 0; i < XL_ARRAY_SIZE(same); i++)
			assert_same_section(img, elf, same[i]);
		assert_int_equal(img->prstatus, 2);
		assert_int_equal(img->xen_major, 4);
		assert_int_equal(img->xen_nr_vcpus, 2);
		assert_int_equal(img->tables, 1);
		assert_int_equal(img->edits, 1);
		assert_int_equal(img->edit[0].old, 0xdead);
		assert_int_equal(xl_image_pfn_to_mfn(img, 0x101), 0x10101);
		assert_non_null(xl_image_section(img, ".xldump_digests"));
		xl_image_close(img);
		xl_image_close(elf);
		assert_whole(FILE_A);
		image_flatten(FILE_A, FILE_B);
		assert_whole(FILE_B);
	}
}

static void test_flattened(void **state)
{
	struct xl_image *img;

	(void)state;
	for (int kdump = 0; kdump < 2; kdump++) {
		if (kdump)
			image_write_kdump(&fake, 1, FILE_A);
		else
			image_write_elf(&fake, false, FILE_A);
		image_flatten(FILE_A, FILE_B);
		img = open_ok(FILE_B);
		assert_true(img->flattened);
		check_pages(img, kdump ? IMAGE_EXCLUDED_PFN : XL_INVALID_FRAME);
		xl_image_close(img);
		assert_whole(FILE_B);
	}
}

/* ---- the kernel ---- */

static void check_vm(const char *path, bool scan)
{
	struct xl_image *img = open_ok(path);
	struct xl_image_vm vm;
	struct xl_ctx x = { 0 };
	uint8_t got[6000];

	assert_int_equal(xl_image_vm_init(&x, img, scan, &vm), 0);
	assert_string_equal(vm.k.release, fake.release);
	assert_int_equal(vm.k.phys_base, fake.phys_base);
	assert_int_equal(vm.k.kaslr_offset, fake.kaslr);
	/* by the address of the image, by the direct map, across pages */
	assert_int_equal(xl_image_vm_read(&vm, fake_va(&fake, FAKE_UTS_PA - 3000), got, 6000), 0);
	assert_memory_equal(got, fake.mem + FAKE_UTS_PA - 3000, 6000);
	assert_int_equal(xl_image_vm_read(&vm, fake.page_offset + FAKE_UTS_PA - 3000, got, 6000), 0);
	assert_memory_equal(got, fake.mem + FAKE_UTS_PA - 3000, 6000);
	assert_int_equal(xl_image_vm_read(&vm, fake.page_offset + (IMAGE_HOLE_FIRST << 12) - 8, got,
					  16), -EFAULT);
	assert_int_equal(xl_image_vm_read(&vm, 0x1000, got, 8), -EFAULT);
	xl_image_vm_deinit(&vm);
	xl_image_close(img);
}

static void test_vm(void **state)
{
	(void)state;
	image_write_elf(&fake, false, FILE_A);
	check_vm(FILE_A, false);
	check_vm(FILE_A, true);
	image_write_kdump(&fake, 4, FILE_A);
	check_vm(FILE_A, false);
	check_vm(FILE_A, true);
}

static void test_five_levels(void **state)
{
	(void)state;
	fake_deinit(&fake);
	image_guest_five_levels(&fake);
	for (int kind = 0; kind < 3; kind++) {
		struct xl_image_vm vm;
		struct xl_image *img;
		struct xl_ctx x = { 0 };

		if (kind == 2)
			image_write_kdump(&fake, 1, FILE_A);
		else
			image_write_elf(&fake, kind == 1, FILE_A);
		check_vm(FILE_A, false);
		check_vm(FILE_A, true);
		assert_whole(FILE_A);
		img = open_ok(FILE_A);
		assert_int_equal(xl_image_vm_init(&x, img, false, &vm), 0);
		assert_int_equal(vm.levels, 5);
		xl_image_vm_deinit(&vm);
		xl_image_close(img);
	}
	fake_deinit(&fake);
	image_guest(&fake, IMAGE_LOG_RING);
}

static void check_record(void *data, uint64_t ns, const char *text, size_t len)
{
	const struct image_record **r = data;

	assert_non_null((*r)->text);
	assert_int_equal(ns, (*r)->ns);
	assert_int_equal(len, strlen((*r)->text));
	assert_memory_equal(text, (*r)->text, len);
	++*r;
}

static void test_klog(void **state)
{
	(void)state;
	for (enum image_log log = IMAGE_LOG_NONE; log <= IMAGE_LOG_RECORDS; log++) {
		const struct image_record *r = image_record;
		struct xl_image_vm vm;
		struct xl_image *img;
		struct xl_ctx x = { 0 };
		uint64_t broken = 1;
		int ret;

		fake_deinit(&fake);
		image_guest(&fake, log);
		image_write_elf(&fake, false, FILE_A);
		img = open_ok(FILE_A);
		assert_int_equal(xl_image_vm_init(&x, img, false, &vm), 0);
		ret = xl_image_klog(&x, &vm, check_record, &r, &broken);
		assert_int_equal(ret, log == IMAGE_LOG_NONE ? -EOPNOTSUPP : 0);
		assert_int_equal(broken, 0);
		if (log != IMAGE_LOG_NONE)
			assert_null(r->text);
		xl_image_vm_deinit(&vm);
		xl_image_close(img);
	}
	fake_deinit(&fake);
	image_guest(&fake, IMAGE_LOG_RING);
}

/* ---- files that are damaged ---- */

/* Of the alternatives, one is in the text. */
static bool says(const char *text, const char *want)
{
	char copy[256], *rest = copy, *one;

	(void)snprintf(copy, sizeof(copy), "%s", want);
	while ((one = strsep(&rest, "|")))
		if (strstr(text, one))
			return true;
	return false;
}

static uint64_t file_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static uint8_t flip(int fd, uint64_t at, uint8_t by)
{
	uint8_t old, new;

	assert_int_equal(pread(fd, &old, 1, (off_t)at), 1);
	new = old ^ by;
	assert_int_equal(pwrite(fd, &new, 1, (off_t)at), 1);
	return old;
}

/* Bytes before and behind the pages. */
static uint64_t random_metadata(const struct xl_image_section *pages, uint64_t size)
{
	uint64_t at = rnd(size - pages->size);

	/* Half of them where the bytes are dense: in front is a hole. */
	if (at < pages->offset && rnd(2))
		at = rnd(4096);
	return at < pages->offset ? at : at + pages->size;
}

static void test_flips_in_metadata(void **state)
{
	static struct findings f;

	(void)state;
	for (int sections_only = 0; sections_only < 2; sections_only++) {
		struct xl_image_section pages;
		struct xl_image *img;
		uint64_t size;
		int fd;

		image_write_elf(&fake, sections_only, FILE_A);
		img = open_ok(FILE_A);
		pages = *xl_image_section(img, ".xen_pages");
		xl_image_close(img);
		size = file_size(FILE_A);
		fd = open(FILE_A, O_RDWR);
		for (int i = 0; i < 1000; i++) {
			uint64_t at = random_metadata(&pages, size);
			uint8_t by = (uint8_t)(rnd(255) + 1);

			(void)flip(fd, at, by);
			if (verify(FILE_A, true, &f) == 0)
				fail_msg("a flip of %#x at offset %#" PRIx64 " is not seen", by, at);
			(void)flip(fd, at, by);
		}
		(void)close(fd);
		assert_whole(FILE_A);
	}
}

/* Of a kdump file of ours, [data, end) is pages; *ret is what is around them. */
static void own_kdump_pages(struct xl_image_section *ret)
{
	struct xl_image *img = open_ok(FILE_A);
	const struct xl_image_section *s = xl_image_section(img, ".xldump_digests");
	struct xl_ctx x = { 0 };
	uint8_t h[48];

	assert_int_equal(xl_image_bytes(&x, img, s->offset, h, sizeof(h)), 0);
	*ret = (struct xl_image_section){ .offset = xl_get_le64(h + 32),
					  .size = xl_get_le64(h + 40) };
	assert_int_equal(xl_image_section(img, ".note.Xen")->offset, ret->offset + ret->size);
	xl_image_close(img);
}

static void test_flips_in_own_kdump(void **state)
{
	static struct findings f;
	struct xl_image_section pages;
	uint64_t size;
	int fd;

	(void)state;
	write_own_kdump(XLDUMP_CODEC_ZLIB);
	own_kdump_pages(&pages);
	size = file_size(FILE_A);
	fd = open(FILE_A, O_RDWR);
	for (int i = 0; i < 1000; i++) {
		uint64_t at = random_metadata(&pages, size);
		uint8_t by = (uint8_t)(rnd(255) + 1);

		/* A third where descriptors are, and a third in the records. */
		if (i % 3 == 1)
			at = rnd(IMAGE_PAGES * 24);
		if (i % 3 == 2)
			at = pages.offset + pages.size + rnd(size - pages.offset - pages.size);
		(void)flip(fd, at, by);
		if (verify(FILE_A, true, &f) == 0)
			fail_msg("a flip of %#x at offset %#" PRIx64 " is not seen", by, at);
		(void)flip(fd, at, by);
	}
	(void)close(fd);
	assert_whole(FILE_A);
}

/* Whatever a codec makes of it: the page is named, and it is the only one. */
static void test_flips_in_own_kdump_pages(void **state)
{
	static const uint8_t zeros[XL_PAGE_SIZE];
	static struct findings f;

	(void)state;
	for (enum xldump_codec codec = XLDUMP_CODEC_NONE; codec < _XLDUMP_CODEC_MAX; codec++) {
		struct xl_image *img;
		int fd;

		write_own_kdump(codec);
		img = open_ok(FILE_A);
		fd = open(FILE_A, O_RDWR);
		for (int i = 0; i < 20;) {
			xl_pfn_t pfn = rnd(IMAGE_PAGES);
			uint8_t *mem = fake.mem + (pfn << XL_PAGE_SHIFT), page[XL_PAGE_SIZE];
			struct xl_ctx x = { 0 };
			uint64_t offset, size;
			char want[64];
			int r;

			if (!xl_image_has(img, pfn) || !memcmp(mem, zeros, sizeof(zeros)))
				continue;
			assert_int_equal(xl_image_where(&x, img, pfn, &offset, &size), 0);
			offset += rnd(size);
			(void)flip(fd, offset, 0x10);
			r = xl_image_page(&x, img, pfn, page);
			if (r < 0 || memcmp(page, mem, sizeof(page)) != 0) {
				(void)snprintf(want, sizeof(want), "page %#" PRIx64, pfn);
				assert_int_not_equal(verify(FILE_A, false, &f), 0);
				if (!strstr(f.text, want))
					fail_msg("codec %d: %s is not named: %s", codec, want, f.text);
				i++;
			} /* else it is a bit without a meaning */
			(void)flip(fd, offset, 0x10);
		}
		(void)close(fd);
		xl_image_close(img);
		assert_whole(FILE_A);
	}
}

/* Records that lie. */
static void test_records_that_lie(void **state)
{
	static const struct {
		unsigned at; /* in the entry */
		uint64_t value;
		const char *want;
	} lies[] = {
		{ 24, UINT64_MAX - 10, "are beyond the end of the file" },
		{ 24, 1ULL << 40, "are beyond the end of the file" },
		{ 32, 1ULL << 40, "are beyond the end of the file" },
		{ 32, 23, "not a whole number of entries|does not fit|cut off|no digests|has only|"
			  "has changed since" },
		{ 24, 1, "" },
	};
	static struct findings f;
	uint64_t note = 0, size = 0;
	struct xl_image *img;
	uint8_t name[24], raw[8];
	int fd;

	(void)state;
	write_own_kdump(XLDUMP_CODEC_ZLIB);
	img = open_ok(FILE_A);
	for (size_t i = 0; i < img->notes; i++)
		if (!strcmp(img->note[i].name, "XLDUMP") && img->note[i].type == 0x584c4432)
			note = img->note[i].offset, size = img->note[i].size;
	assert_int_equal(size, 8 + 6 * 40);
	xl_image_close(img);
	fd = open(FILE_A, O_RDWR);
	for (uint64_t at = note + 8; at < note + size; at += 40) {
		for (size_t i = 0; i < XL_ARRAY_SIZE(lies); i++) {
			off_t to = (off_t)(at + lies[i].at);
			uint8_t old[8];

			assert_int_equal(pread(fd, old, 8, to), 8);
			xl_put_le64(raw, lies[i].value);
			assert_int_equal(pwrite(fd, raw, 8, to), 8);
			if (verify(FILE_A, true, &f) == 0 || !says(f.text, lies[i].want))
				fail_msg("entry at %#" PRIx64 ", lie %zu: instead of `%s': %s", at, i,
					 lies[i].want, f.text);
			assert_int_equal(pwrite(fd, old, 8, to), 8);
		}
		assert_int_equal(pread(fd, name, 24, (off_t)at), 24);
		assert_int_equal(pwrite(fd, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 24, (off_t)at), 24);
		assert_int_not_equal(verify(FILE_A, true, &f), 0);
		assert_non_null(strstr(f.text, "does not end where it should"));
		assert_int_equal(pwrite(fd, name, 24, (off_t)at), 24);
	}
	(void)close(fd);
	assert_whole(FILE_A);
}

/* Made by others, with our notes and without our records: it is opened, and verify tells. */
static void test_records_that_are_lost(void **state)
{
	static struct findings f;
	struct xl_image *img;

	(void)state;
	write_own_kdump(XLDUMP_CODEC_ZLIB);
	assert_int_equal(truncate(FILE_A, (off_t)file_size(FILE_A) + 8), 0);
	img = open_ok(FILE_A);
	assert_true(img->kdump.records_lost);
	assert_int_equal(img->sections, 0);
	check_pages(img, XL_INVALID_FRAME);
	xl_image_close(img);
	assert_int_not_equal(verify(FILE_A, false, &f), 0);
	assert_non_null(strstr(f.text, "has another size"));
}

/* The members that the digest does not cover, each bit of them. */
static void test_flips_in_program_header_count(void **state)
{
	static struct findings f;
	int fd;

	(void)state;
	image_write_elf(&fake, false, FILE_A);
	fd = open(FILE_A, O_RDWR);
	for (uint64_t at = ELF_E_PHOFF; at < ELF_E_PHNUM + 2; at++) {
		if (at == ELF_E_PHOFF + 8)
			at = ELF_E_PHNUM;
		for (unsigned bit = 0; bit < 8; bit++) {
			(void)flip(fd, at, (uint8_t)(1 << bit));
			if (verify(FILE_A, true, &f) == 0)
				fail_msg("bit %u at offset %#" PRIx64 " is not seen", bit, at);
			(void)flip(fd, at, (uint8_t)(1 << bit));
		}
	}
	(void)close(fd);
}

static void test_flips_in_pages(void **state)
{
	static struct findings f;
	struct xl_image_section pages;
	struct xl_image *img;
	int fd;

	(void)state;
	image_write_elf(&fake, false, FILE_A);
	img = open_ok(FILE_A);
	pages = *xl_image_section(img, ".xen_pages");
	fd = open(FILE_A, O_RDWR);
	for (int i = 0; i < 50; i++) {
		uint64_t at = rnd(pages.size), slot = at >> XL_PAGE_SHIFT;
		xl_pfn_t pfn = slot < IMAGE_HOLE_FIRST ? slot :
			       slot + IMAGE_HOLE_END - IMAGE_HOLE_FIRST;
		char want[64];

		(void)snprintf(want, sizeof(want), "page %#" PRIx64 " (", pfn);
		(void)flip(fd, pages.offset + at, 0x10);
		assert_int_not_equal(verify(FILE_A, false, &f), 0);
		if (!strstr(f.text, want))
			fail_msg("%s is not named: %s", want, f.text);
		(void)flip(fd, pages.offset + at, 0x10);
	}
	(void)close(fd);
	xl_image_close(img);
}

/* Whatever is done to a kdump file, or a flattened one: it is opened or it is not. */
static void test_flips_elsewhere(void **state)
{
	static struct findings f;

	(void)state;
	for (int flat = 0; flat < 2; flat++) {
		uint64_t seen = 0;
		int fd;

		image_write_kdump(&fake, 1, FILE_A);
		if (flat)
			image_flatten(FILE_A, FILE_B);
		fd = open(flat ? FILE_B : FILE_A, O_RDWR);
		for (int i = 0; i < 300; i++) {
			uint64_t at = rnd(flat ? 5 * 4096 : 12 * 4096);
			uint8_t by = (uint8_t)(rnd(255) + 1);

			(void)flip(fd, at, by);
			seen += verify(flat ? FILE_B : FILE_A, i % 20 != 0, &f) != 0;
			(void)flip(fd, at, by);
		}
		(void)close(fd);
		assert_true(seen > 0);
		assert_whole(flat ? FILE_B : FILE_A);
	}
}

static void test_truncation(void **state)
{
	static struct findings f;

	(void)state;
	for (int kind = 0; kind < 5; kind++) {
		uint64_t size;

		image_write_elf(&fake, kind == 1, FILE_A);
		if (kind == 4)
			write_own_kdump(XLDUMP_CODEC_LZO);
		if (kind == 2)
			image_write_kdump(&fake, 1, FILE_A);
		if (kind == 3)
			image_flatten(FILE_A, FILE_B), assert_int_equal(rename(FILE_B, FILE_A), 0);
		size = file_size(FILE_A);
		/* From the back, so that each is cut off the one before. */
		for (uint64_t at = size - 1; at > 0;
		     at -= at > size - 40 || at < 40 ? 1 : 1 + rnd(at < size / 20 ? at : size / 20)) {
			assert_int_equal(truncate(FILE_A, (off_t)at), 0);
			if (verify(FILE_A, false, &f) == 0)
				fail_msg("kind %d cut off at %" PRIu64 " of %" PRIu64 " is not seen",
					 kind, at, size);
		}
		assert_int_equal(truncate(FILE_A, 0), 0);
		assert_int_equal(verify(FILE_A, false, &f), 1);
	}
}

/* ---- files that lie, and what is said of them ---- */

struct lie {
	char kind; /* e: ELF, s: sections only, k: kdump, f: flattened ELF */
	uint64_t at;
	unsigned size;
	uint64_t value;
	const char *want;
};

static const struct lie lie[] = {
	{ 'e', 4, 1, 1, "not of 64 bits" },
	{ 'e', 16, 2, 2, "not a core file" },
	{ 'e', 18, 2, 183, "another machine" },
	{ 'e', 32, 8, 1ULL << 62, "program headers at offset 0x4000000000000000 are beyond" },
	{ 'e', 54, 2, 32, "program headers of 32 bytes" },
	{ 'e', 56, 2, 0xffff, "program header" },
	{ 'e', 40, 8, UINT64_MAX - 63, "section headers" },
	{ 'e', 62, 2, 99, "the section headers make no sense" },
	{ 's', 62, 2, 99, "names in number 99" },
	{ 'e', 64 + 32, 8, 1ULL << 40, "PT_NOTE: 0x10000000000 bytes" },
	{ 'e', 120 + 8, 8, UINT64_MAX - 4095, "are beyond the end of the file" },
	{ 'e', 120 + 24, 8, 4097, "is not that of a page" },
	{ 'e', 120 + 24, 8, 1ULL << 60, "beyond the 16 TiB" },
	{ 'e', 176 + 24, 8, 0, "pfn 0 comes after pfn" },
	{ 'e', 120 + 40, 8, 0, "more bytes in the file" },
	{ 'e', 120 + 40, 8, 4096, "more bytes in the file" },
	{ 's', 58, 2, 0, "section headers of 0 bytes" },
	{ 's', 60, 2, 0xffff, "65535 sections" },
	{ 'k', 8, 4, 7, "version 7" },
	{ 'k', 8, 4, 0x06000000, "a big-endian machine" },
	{ 'k', 12 + 4 * 65, 8, 0x34366863726161, "of the machine aarch64" },
	{ 'k', 428, 4, 65536, "blocks of 65536 bytes" },
	{ 'k', 436, 4, 0, "too small" },
	{ 'k', 432, 4, 0xffffffff, "beyond the end" },
	{ 'k', 4096 + 96, 8, 1ULL << 33, "too small" },
	{ 'k', 4096 + 12, 4, 1, "split dump" },
	{ 'k', 4096 + 40, 8, 1ULL << 50, "VMCOREINFO: 0x4000000000000 bytes" },
	{ 'k', 4096 + 48, 8, UINT64_MAX - 100, "beyond the end" },
	{ 'k', 4096 + 104, 4, 0xfffffff0, "does not fit" },
	{ 'k', 5 * 4096, 8, 1ULL << 50, "which is impossible" },
	{ 'k', 5 * 4096, 8, 0, "never finished" },
	{ 'k', 5 * 4096 + 8, 4, 1 << 30, "which is impossible" },
	{ 'k', 5 * 4096 + 12, 4, 0x80, "unknown compression" },
	{ 'k', 5 * 4096 + 12, 4, 0x20, "cannot be decompressed" },
	{ 'f', 4096, 8, 1ULL << 63, "is none" },
	{ 'f', 4096 + 8, 8, 0, "is none" },
	{ 'f', 4096 + 8, 8, 1ULL << 40, "cut off" },
};

static void test_lies(void **state)
{
	static struct findings f;

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(lie); i++) {
		const struct lie *l = &lie[i];
		uint8_t raw[8];
		int fd;

		if (l->kind == 'k')
			image_write_kdump(&fake, 1, FILE_A);
		else
			image_write_elf(&fake, l->kind == 's', FILE_A);
		if (l->kind == 'f')
			image_flatten(FILE_A, FILE_B), assert_int_equal(rename(FILE_B, FILE_A), 0);
		xl_put_le64(raw, l->kind == 'f' ? __builtin_bswap64(l->value) : l->value);
		fd = open(FILE_A, O_WRONLY);
		assert_int_equal(pwrite(fd, raw, l->size, (off_t)l->at), l->size);
		(void)close(fd);
		if (verify(FILE_A, false, &f) == 0 || !says(f.text, l->want))
			fail_msg("%c %#" PRIx64 ": instead of `%s': %s", l->kind, l->at, l->want,
				 f.text);
	}
}

static void test_no_dumps(void **state)
{
	struct xl_image *img = NULL;
	struct xl_ctx x = { 0 };

	(void)state;
	assert_int_equal(xl_image_open(&x, ".", &img), -EINVAL);
	x.err[0] = '\0';
	assert_int_equal(xl_image_open(&x, "not-there", &img), -ENOENT);
	x.err[0] = '\0';
	assert_int_equal(xl_image_open(&x, "/proc/self/exe", &img), -EINVAL);
	assert_non_null(strstr(x.err, "not a core file"));
	assert_null(img);
}

/* ---- */

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	image_guest(&fake, IMAGE_LOG_RING);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_deinit(&fake);
	(void)unlink(FILE_A);
	(void)unlink(FILE_B);
	return chdir("..") < 0 ? -1 : rmdir(dir);
}

static int write_file(const char *kind, const char *path)
{
	char temporary[4096];

	image_guest(&fake, IMAGE_LOG_RING);
	if (!strcmp(kind, "kdump")) {
		image_write_kdump(&fake, 1, path);
	} else if (!strcmp(kind, "flattened")) {
		(void)snprintf(temporary, sizeof(temporary), "%s.tmp", path);
		image_write_elf(&fake, false, temporary);
		image_flatten(temporary, path);
		(void)unlink(temporary);
	} else {
		image_write_elf(&fake, !strcmp(kind, "xencore"), path);
	}
	fake_deinit(&fake);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guest_type),
		cmocka_unit_test(test_elf),
		cmocka_unit_test(test_xencore),
		cmocka_unit_test(test_xencore_from_elf),
		cmocka_unit_test(test_left_out_of_ours),
		cmocka_unit_test(test_convert_keeps),
		cmocka_unit_test(test_convert_keeps_ours),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_segment_of_zeros),
		cmocka_unit_test(test_unordered_map),
		cmocka_unit_test(test_kdump),
		cmocka_unit_test(test_own_kdump),
		cmocka_unit_test(test_flattened),
		cmocka_unit_test(test_vm),
		cmocka_unit_test(test_five_levels),
		cmocka_unit_test(test_klog),
		cmocka_unit_test(test_flips_in_metadata),
		cmocka_unit_test(test_flips_in_program_header_count),
		cmocka_unit_test(test_flips_in_pages),
		cmocka_unit_test(test_flips_in_own_kdump),
		cmocka_unit_test(test_flips_in_own_kdump_pages),
		cmocka_unit_test(test_records_that_lie),
		cmocka_unit_test(test_records_that_are_lost),
		cmocka_unit_test(test_flips_elsewhere),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_no_dumps),
	};

	if (argc == 4 && !strcmp(argv[1], "--write"))
		return write_file(argv[2], argv[3]);
	return cmocka_run_group_tests(tests, setup, teardown);
}
