/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps of simulated guests, in each format, written again in each other format, and back.
 *
 * The simulator knows what the guest was at T, in the frames of its host: a raw file must be just
 * that, and every other file must become that again. */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "page/pipeline_private.h"
#include "sim_test.h"

#include "base/bytes.h"
#include "format/formats.h"
#include "image/convert.h"
#include "image/image_verify.h"

#define FILE_A "a"
#define FILE_B "b"
#define FILE_C "c"

static char in_memory[] = "/dev/shm/test_convert.XXXXXX", on_disk[] = "/tmp/test_convert.XXXXXX";
static char *dir, here[1024];

#define KDUMP(c) { .format = XLDUMP_FORMAT_KDUMP, .codec = XLDUMP_CODEC_##c, .threads = 1 }

static const struct form {
	const char *name;
	struct xl_format_params params;
	bool flattened; /* as it goes to a pipe */
} forms[] = {
	{ "elf", { .format = XLDUMP_FORMAT_ELF }, false },
	{ "xencore", { .format = XLDUMP_FORMAT_XENCORE }, false },
	{ "xencore-raw", { .format = XLDUMP_FORMAT_XENCORE_RAW }, false },
	{ "kdump, none", KDUMP(NONE), false },
	{ "kdump, zlib", KDUMP(ZLIB), false },
	{ "kdump, lzo", KDUMP(LZO), false },
	{ "kdump, snappy", KDUMP(SNAPPY), false },
	{ "kdump, zstd", KDUMP(ZSTD), false },
	{ "elf, flattened", { .format = XLDUMP_FORMAT_ELF }, true },
	{ "xencore-raw, flattened", { .format = XLDUMP_FORMAT_XENCORE_RAW }, true },
	{ "kdump, flattened", KDUMP(ZLIB), true },
};

#define FORM_ELF 0
#define FORM_XENCORE 1
#define FORM_RAW 2

/* Places in guests[]. */
#define GUEST_PV 0
#define GUEST_PVH 3
#define GUEST_NARROW 7

static bool is_raw(const struct form *f)
{
	return f->params.format == XLDUMP_FORMAT_XENCORE_RAW;
}

/* Whether the guest can have it.  The codecs are alike for all guests, so one guest has each. */
static bool fits(const struct guest *g, const struct form *f)
{
	if (g != &guests[0] && f->params.format == XLDUMP_FORMAT_KDUMP &&
	    f->params.codec != XLDUMP_CODEC_ZLIB)
		return false;
	if (g->params.narrow && !xl_format_fits_narrow(f->params.format))
		return false;
	return !is_raw(f) || g->params.type == XLDUMP_GUEST_PV;
}

/* One with the guest's own frames that it can have. */
static const struct form *plain(const struct guest *g)
{
	return &forms[g->params.narrow ? FORM_XENCORE : FORM_ELF];
}

/* ---- making files ---- */

static void ok(int r, const struct xl_ctx *x)
{
	if (r < 0)
		fail_msg("%s", x->err);
}

/* A guest that does many things, at an instant of its own.  It is small: hundreds of files are made
 * of it. */
static struct sim *dump(const struct guest *g, uint64_t seed, bool raw, struct sim_dump *d)
{
	static const struct xl_capture_params params = {
		.strategy = XLDUMP_STRATEGY_AUTO, .max_rounds = 3
	};
	struct sim_params p = g->params;
	struct sim *s;
	char why[512];

	p.seed = seed;
	p.pages = 400;
	p.programs = SIM_QUIET_PROGRAMS | SIM_LAYOUT;
	if (g->params.type == XLDUMP_GUEST_PV)
		p.programs |= SIM_RUN(SIM_TABLES);
	s = new_sim(&p);
	sim_dump_run_as(s, &params, raw, d);
	ok(d->r, &d->x);
	if (sim_check(s, d, why, sizeof(why)) < 0)
		fail_msg("%s: %s", g->name, why);
	return s;
}

static int open_sink(struct xl_ctx *x, const struct form *f, const char *path, int *fd,
		     struct xl_sink **ret)
{
	*fd = -1;
	if (!f->flattened)
		return xl_sink_file_open(x, path, true, ret);
	*fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(*fd >= 0);
	return xl_sink_fd_open(x, *fd, ret);
}

static void write_dump(const struct sim_dump *d, const struct form *f, const char *path)
{
	struct xl_layout layout = { .nr_pfns = d->cut.nr_pfns, .vcpus = d->cut.vcpus,
				    .present = &d->cut.present };
	struct xl_format *format = NULL;
	struct xl_sink *sink = NULL;
	struct xl_ctx x = { 0 };
	uint64_t size, disk;
	int fd;

	ok(open_sink(&x, f, path, &fd, &sink), &x);
	ok(xl_format_open(&x, &layout, sink, &f->params, &format), &x);
	for (xl_pfn_t pfn = xl_bitmap_next(&d->cut.present, 0); pfn < d->cut.nr_pfns;
	     pfn = xl_bitmap_next(&d->cut.present, pfn + 1))
		ok(xl_format_put(&x, format, pfn, sim_dump_page(d, pfn)), &x);
	ok(xl_format_seal(&x, format, &d->cut), &x);
	ok(xl_sink_commit(&x, sink, &size, &disk), &x);
	xl_format_close(format);
	xl_sink_close(sink);
	xl_closep(&fd);
}

static int convert(struct xl_ctx *x, const char *from, const struct form *f, const char *to)
{
	struct xl_image *img = NULL;
	struct xl_sink *sink = NULL;
	uint64_t size, disk;
	int fd = -1, r = xl_image_open(x, from, &img);

	if (r == 0)
		r = open_sink(x, f, to, &fd, &sink);
	if (r == 0)
		r = xl_image_convert(x, img, &(struct xl_convert){ .params = f->params }, sink);
	if (r == 0)
		r = xl_sink_commit(x, sink, &size, &disk);
	xl_sink_close(sink);
	xl_image_close(img);
	xl_closep(&fd);
	return r;
}

static void convert_ok(const char *from, const struct form *f, const char *to)
{
	struct xl_ctx x = { 0 };

	ok(convert(&x, from, f, to), &x);
}

/* ---- looking at them ---- */

static struct xl_image *open_ok(const char *path)
{
	struct xl_image *img = NULL;
	struct xl_ctx x = { 0 };

	ok(xl_image_open(&x, path, &img), &x);
	return img;
}

static void print_broken(void *data, enum xl_verify_level level, const char *line)
{
	if (level == XL_VERIFY_BROKEN)
		print_message("# %s: %s\n", (const char *)data, line);
}

static void assert_whole(const char *what, const char *path)
{
	struct xl_ctx x = { 0 };
	char name[64];
	struct xl_verify v = { .x = &x, .img = open_ok(path), .fn = print_broken, .data = name };

	(void)snprintf(name, sizeof(name), "%s", what);
	ok(xl_image_verify(&v), &x);
	assert_int_equal(v.broken, 0);
	xl_image_close(v.img);
}

/* By the checker that shares nothing with the writer.  These guests have no kernel, so one rule of
 * drgn's cannot hold, nor, where cr3 is a number like any other, one of mdb's. */
static void assert_keeps_rules(const char *what, const char *path)
{
	char line[1024], cmd[2048];
	bool kept = true;
	FILE *f;

	(void)snprintf(cmd, sizeof(cmd), "%s/../readers/format-check %s", here, path);
	f = popen(cmd, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "VIOLATED", 8) != 0 || strstr(line, "drgn: one VMCOREINFO") ||
		    strstr(line, "mdb: cr3 of vCPU 0"))
			continue;
		print_message("# %s: %s", what, line);
		kept = false;
	}
	assert_true(WIFEXITED(pclose(f)));
	assert_true(kept);
}

static void assert_same_section(struct xl_image *a, struct xl_image *b, const char *name)
{
	const struct xl_image_section *s = xl_image_section(a, name), *t = xl_image_section(b, name);
	struct xl_ctx x = { 0 };
	uint8_t *p, *q;
	size_t skip;

	assert_int_equal(!s, !t);
	if (!s)
		return;
	if (s->size != t->size)
		fail_msg("%s: %" PRIu64 " and %" PRIu64 " bytes", name, s->size, t->size);
	p = malloc(s->size + 1);
	q = malloc(s->size + 1);
	assert_int_equal(xl_image_bytes(&x, a, s->offset, p, s->size), 0);
	assert_int_equal(xl_image_bytes(&x, b, t->offset, q, t->size), 0);
	/* Where the pages are in the file goes by how many vCPUs there may be. */
	skip = strcmp(name, ".xldump_digests") == 0 ? 48 : 0;
	assert_memory_equal(p + skip, q + skip, s->size - skip);
	free(p);
	free(q);
}

/* The same pages, and the same of everything that is told beside them. */
static void assert_same(const char *path_a, const char *path_b)
{
	static const char *const same[] = {
		".note.Xen", ".xen_prstatus", ".xen_shared_info", ".xen_pfn", ".xen_p2m",
		".xldump_p2m", ".xldump_tables", ".xldump_edits", ".xldump_digests",
	};
	struct xl_image *a = open_ok(path_a), *b = open_ok(path_b);
	uint8_t p[XL_PAGE_SIZE], q[XL_PAGE_SIZE];
	struct xl_ctx x = { 0 };

	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->flattened, b->flattened);
	assert_int_equal(a->pages, b->pages);
	for (xl_pfn_t pfn = xl_image_next(a, 0); pfn < a->nr_pfns;
	     pfn = xl_image_next(a, pfn + 1)) {
		assert_true(xl_image_has(b, pfn));
		ok(xl_image_page(&x, a, pfn, p), &x);
		ok(xl_image_page(&x, b, pfn, q), &x);
		if (memcmp(p, q, sizeof(p)) != 0)
			fail_msg("page %#" PRIx64 " differs", pfn);
	}
	for (size_t i = 0; i < XL_ARRAY_SIZE(same) - (a->kind == XL_IMAGE_KDUMP); i++)
		assert_same_section(a, b, same[i]);
	assert_string_equal(a->json, b->json);
	xl_image_close(a);
	xl_image_close(b);
}

/* A raw file is the guest as it was, to the last word. */
static void assert_truth(const struct sim *s, const char *path)
{
	const struct sim_truth *t = &s->truth;
	struct xl_image *img = open_ok(path);
	uint8_t page[XL_PAGE_SIZE], context[XL_VCPU_CONTEXT_SIZE];
	const struct xl_image_section *contexts = xl_image_section(img, ".xen_prstatus");
	struct xl_ctx x = { 0 };

	assert_int_equal(img->kind, XL_IMAGE_XENCORE_RAW);
	assert_int_equal(img->pages, t->n);
	for (size_t i = 0; i < t->n; i++) {
		ok(xl_image_page(&x, img, t->pfn[i], page), &x);
		if (memcmp(page, t->page + i * XL_PAGE_SIZE, sizeof(page)) != 0)
			fail_msg("page %#" PRIx64 " is not of T", t->pfn[i]);
		assert_int_equal(xl_image_pfn_to_mfn(img, t->pfn[i]), t->mfn[i]);
	}
	for (size_t i = 0; i < s->params.vcpus; i++) {
		if (!t->vcpu[i].online)
			continue;
		ok(xl_image_bytes(&x, img, contexts->offset + i * sizeof(context), context,
				  sizeof(context)), &x);
		assert_memory_equal(context, t->vcpu[i].context, sizeof(context));
	}
	xl_image_close(img);
}

/* ---- tests ---- */

/* Every pair of formats, there and back: all with the first guest, and of the others each a third. */
static void test_round_trips(void **state)
{
	(void)state;
	for (size_t k = 0; k < XL_ARRAY_SIZE(guests); k++) {
		if (guests[k].params.xen_minor)
			continue; /* the same files */
		const struct guest *g = &guests[k];
		struct sim_dump d;
		struct sim *s = dump(g, k + 1, false, &d);

		for (size_t i = 0; i < XL_ARRAY_SIZE(forms); i++) {
			if (!fits(g, &forms[i]))
				continue;
			if (!is_raw(&forms[i])) {
				write_dump(&d, &forms[i], FILE_A);
			} else {
				write_dump(&d, plain(g), FILE_B);
				convert_ok(FILE_B, &forms[i], FILE_A);
				assert_truth(s, FILE_A);
			}
			assert_whole(forms[i].name, FILE_A);
			assert_keeps_rules(forms[i].name, FILE_A);
			for (size_t j = 0; j < XL_ARRAY_SIZE(forms); j++) {
				if (!fits(g, &forms[j]) || (k && (i + j) % 3 != k % 3))
					continue;
				convert_ok(FILE_A, &forms[j], FILE_B);
				assert_whole(forms[j].name, FILE_B);
				convert_ok(FILE_B, &forms[i], FILE_C);
				assert_same(FILE_A, FILE_C);
			}
		}
		sim_dump_deinit(&d);
		sim_destroy(s);
	}
}

/* A raw dump is what the guest was, and converts to what the other dump would have been. */
static void test_raw(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 1 + number_of_seeds(2); seed++) {
		for (size_t k = 0; k < XL_ARRAY_SIZE(guests); k++) {
			struct sim_dump d;
			struct sim *s;

			if (!fits(&guests[k], &forms[FORM_RAW]))
				continue;
			s = dump(&guests[k], seed, true, &d);
			assert_int_equal(d.cut.edits.n, 0);
			write_dump(&d, &forms[FORM_RAW], FILE_A);
			assert_whole("raw", FILE_A);
			assert_truth(s, FILE_A);
			convert_ok(FILE_A, plain(&guests[k]), FILE_B);
			sim_dump_deinit(&d);
			sim_destroy(s);

			s = dump(&guests[k], seed, false, &d);
			write_dump(&d, plain(&guests[k]), FILE_A);
			assert_same(FILE_A, FILE_B);
			sim_dump_deinit(&d);
			sim_destroy(s);
		}
	}
}

/* Without the list of page tables, as xl dump-core leaves it: those that a root leads to are found. */
static void search(const struct guest *g)
{
	struct sim_dump d, raw;
	struct xl_image *img;
	struct sim *s = dump(g, 3, false, &d), *t = dump(g, 3, true, &raw);
	struct xl_ctx x = { 0 };
	uint8_t page[XL_PAGE_SIZE], want[XL_PAGE_SIZE];
	size_t found = 0, differ = 0;

	raw.cut.tables = 0;
	write_dump(&raw, &forms[FORM_RAW], FILE_A);
	convert_ok(FILE_A, plain(g), FILE_B);
	assert_whole("searched", FILE_B);
	img = open_ok(FILE_B);
	for (size_t i = 0; i < img->tables; i++) {
		size_t j = 0;

		while (j < d.cut.tables && d.cut.table[j].pfn != img->table[i].pfn)
			j++;
		assert_true(j < d.cut.tables);
		assert_int_equal(img->table[i].level, d.cut.table[j].level);
		found++;
	}
	/* Those of the vCPUs and of the p2m: 13 and more; the simulator attaches no others. */
	assert_in_range(found, 13, d.cut.tables);
	for (xl_pfn_t pfn = xl_image_next(img, 0); pfn < img->nr_pfns;
	     pfn = xl_image_next(img, pfn + 1)) {
		ok(xl_image_page(&x, img, pfn, page), &x);
		memcpy(want, sim_dump_page(&d, pfn), sizeof(want));
		differ += memcmp(page, want, sizeof(page)) != 0;
	}
	assert_int_equal(differ, d.cut.tables - found);
	xl_image_close(img);
	sim_dump_deinit(&d);
	sim_dump_deinit(&raw);
	sim_destroy(s);
	sim_destroy(t);
}

static void test_search(void **state)
{
	(void)state;
	search(&guests[GUEST_PV]);
	search(&guests[GUEST_NARROW]);
}

/* Give our sections other names: as if another program had written the file. */
static void disown(const char *path)
{
	static const char *const ours[] = { ".note.xldump", ".xldump_" };
	struct xl_image *img = open_ok(path);
	uint64_t size = img->file_bytes;
	char *data = malloc(size);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	xl_image_close(img);
	assert_int_equal(read(fd, data, size), size);
	for (size_t i = 0; i < XL_ARRAY_SIZE(ours); i++) {
		char *p = data + size - 4096; /* the names are at the end */

		while ((p = memmem(p, (size_t)(data + size - p), ours[i], strlen(ours[i]))))
			p[strlen(ours[i]) - 3] = 'X';
	}
	assert_int_equal(pwrite(fd, data, size, 0), size);
	(void)close(fd);
	free(data);
}

/* Files with neither our note nor our records: all pages and registers of them are taken. */
static void test_foreign(void **state)
{
	static const size_t kinds[] = { GUEST_PV, 1, GUEST_PVH, 5, GUEST_NARROW, GUEST_NARROW + 1 };

	(void)state;
	for (size_t k = 0; k < XL_ARRAY_SIZE(kinds); k++) {
		bool pv = guests[kinds[k]].params.type == XLDUMP_GUEST_PV;
		const struct form *form = &forms[pv ? FORM_RAW : FORM_RAW - 1];
		struct sim_dump d, canonical;
		struct sim *s = dump(&guests[kinds[k]], 8, pv, &d);
		struct sim *t = dump(&guests[kinds[k]], 8, false, &canonical);
		struct xl_image *img, *back;
		size_t differ = 0;

		write_dump(&d, form, FILE_A);
		disown(FILE_A);
		assert_whole("foreign", FILE_A);
		img = open_ok(FILE_A);
		assert_null(img->json);
		assert_int_equal(img->prstatus + img->tables + img->edits, 0);
		for (size_t i = 0; i < XL_ARRAY_SIZE(forms); i++) {
			if (!fits(&guests[kinds[k]], &forms[i]))
				continue;
			convert_ok(FILE_A, &forms[i], FILE_B);
			assert_whole(forms[i].name, FILE_B);
		}
		convert_ok(FILE_A, plain(&guests[kinds[k]]), FILE_B);
		back = open_ok(FILE_B);
		assert_int_equal(guests[kinds[k]].params.narrow ? back->xen_nr_vcpus : back->prstatus,
				 xl_image_section(img, ".xen_prstatus")->size / 5168);
		for (xl_pfn_t pfn = xl_image_next(img, 0); pfn < img->nr_pfns;
		     pfn = xl_image_next(img, pfn + 1)) {
			uint8_t page[XL_PAGE_SIZE];
			struct xl_ctx x = { 0 };

			ok(xl_image_page(&x, back, pfn, page), &x);
			differ += memcmp(page, sim_dump_page(&canonical, pfn), sizeof(page)) != 0;
		}
		/* Page tables that nothing leads to stay as they are. */
		assert_int_equal(differ, pv ? canonical.cut.tables - back->tables : 0);
		xl_image_close(img);
		xl_image_close(back);
		sim_dump_deinit(&d);
		sim_dump_deinit(&canonical);
		sim_destroy(s);
		sim_destroy(t);
	}
}

/* More than shared_info has places for (32), and than Xen gave to any guest for long (128). */
static void test_many_vcpus(void **state)
{
	static const uint32_t many[] = { 33, 129, 200, 513 };

	(void)state;
	for (size_t k = 0; k < XL_ARRAY_SIZE(many); k++) {
		struct guest g = { "PV with many vCPUs", { .type = XLDUMP_GUEST_PV, .pages = 300,
							   .vcpus = many[k] } };
		struct sim_dump d, raw;
		struct sim *s = dump(&g, 6, false, &d), *t = dump(&g, 6, true, &raw);

		write_dump(&raw, &forms[FORM_RAW], FILE_C);
		for (size_t i = 0; i < XL_ARRAY_SIZE(forms); i++) {
			struct xl_image *img;

			write_dump(is_raw(&forms[i]) ? &raw : &d, &forms[i], FILE_A);
			assert_whole(forms[i].name, FILE_A);
			assert_keeps_rules(forms[i].name, FILE_A);
			img = open_ok(FILE_A);
			/* The last one is offline, and not there. */
			assert_int_equal(img->prstatus, many[k] - 1);
			assert_int_equal(img->xen_nr_vcpus, many[k] - 1);
			xl_image_close(img);
			convert_ok(FILE_A, &forms[FORM_RAW], FILE_B);
			assert_same(FILE_C, FILE_B);
		}
		sim_dump_deinit(&d);
		sim_dump_deinit(&raw);
		sim_destroy(s);
		sim_destroy(t);
	}
}

static void refuses(const char *from, const struct form *to, const char *want)
{
	struct xl_ctx x = { 0 };

	assert_int_equal(convert(&x, from, to, FILE_C), -EOPNOTSUPP);
	assert_int_equal(x.cause, XLDUMP_CAUSE_UNSUPPORTED);
	if (!strstr(x.err, want))
		fail_msg("instead of `%s': %s", want, x.err);
	assert_int_equal(access(FILE_C, F_OK), -1);
}

/* What cannot become raw, or anything. */
static void test_refused(void **state)
{
	struct sim_dump d;
	struct sim *s = dump(&guests[GUEST_PVH], 1, false, &d);

	(void)state;
	(void)unlink(FILE_C);
	write_dump(&d, &forms[0], FILE_A);
	refuses(FILE_A, &forms[FORM_RAW], "no such records");
	sim_dump_deinit(&d);
	sim_destroy(s);

	s = dump(&guests[0], 1, false, &d);
	d.cut.edits.lost = 1;
	write_dump(&d, &forms[0], FILE_A);
	refuses(FILE_A, &forms[FORM_RAW], "not in the records");
	d.cut.edits.lost = 0;
	/* the last page that is no table */
	for (xl_pfn_t pfn = d.cut.nr_pfns; pfn-- > 0;) {
		uint8_t type;

		if (!xl_bitmap_test(&d.cut.present, pfn) ||
		    xl_tables_get(&d.pipe->held, pfn, &type))
			continue;
		xl_bitmap_clear(&d.cut.present, pfn);
		break;
	}
	write_dump(&d, &forms[0], FILE_A);
	refuses(FILE_A, &forms[FORM_RAW], "left out");
	sim_dump_deinit(&d);
	sim_destroy(s);

	/* of 32 bits: forms that no reader knows, which says which ones there are */
	s = dump(&guests[GUEST_NARROW], 1, true, &d);
	write_dump(&d, &forms[FORM_RAW], FILE_A);
	for (size_t i = 0; i < XL_ARRAY_SIZE(forms); i++)
		if (!forms[i].flattened && !fits(&guests[GUEST_NARROW], &forms[i]))
			refuses(FILE_A, &forms[i], "use xencore-raw");
	/* and whose vCPUs have no page tables to begin the search with */
	d.cut.tables = 0;
	for (uint32_t i = 0; i < d.cut.vcpus; i++)
		xl_put_le32(d.cut.vcpu[i].context + 2728, 0x7777000);
	write_dump(&d, &forms[FORM_RAW], FILE_A);
	{
		struct xl_ctx x = { 0 };

		assert_int_equal(convert(&x, FILE_A, &forms[FORM_XENCORE], FILE_C), -ENOENT);
		assert_non_null(strstr(x.err, "no vCPU in the file has the page tables"));
	}
	sim_dump_deinit(&d);
	sim_destroy(s);
}

static void collect(void *data, enum xl_verify_level level, const char *line)
{
	if (level == XL_VERIFY_BROKEN)
		(void)snprintf(data, XL_ERR_MAX, "%s", line);
}

/* What is in the header and the notes of such a file, and what is not. */
static void test_narrow_file(void **state)
{
	struct sim_dump d;
	struct sim *s = dump(&guests[GUEST_NARROW], 3, false, &d);
	const struct xl_image_section *contexts;
	struct xl_ctx x = { 0 };
	struct xl_image *img;
	uint8_t e[64], cr3[4];

	(void)state;
	write_dump(&d, &forms[FORM_XENCORE], FILE_A);
	img = open_ok(FILE_A);
	assert_true(img->narrow);
	ok(xl_image_bytes(&x, img, 0, e, sizeof(e)), &x);
	assert_int_equal(e[4], 2);
	assert_int_equal(xl_get_le16(e + 18), 3);
	assert_int_equal(img->prstatus, 0);
	assert_non_null(strstr(img->json, "\"bits\":32"));
	/* Two numbers of 4 bytes, then the size of a page. */
	assert_int_equal(xl_get_le64(img->xen_version->desc + 1268), 4096);
	contexts = xl_image_section(img, ".xen_prstatus");
	assert_int_equal(contexts->entsize, 5168);
	ok(xl_image_bytes(&x, img, contexts->offset + 2728, cr3, sizeof(cr3)), &x);
	assert_int_equal(xl_get_le32(cr3), s->top << 12);
	xl_image_close(img);
	sim_dump_deinit(&d);
	sim_destroy(s);
}

/* Whoever did not ask whether it fits: no such file. */
static void test_narrow_misfits(void **state)
{
	static const size_t misfits[] = { FORM_ELF, 3 };
	struct sim_dump d;
	struct sim *s = dump(&guests[GUEST_NARROW], 3, false, &d);

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(misfits); i++) {
		const struct xl_format_params *p = &forms[misfits[i]].params;
		struct xl_layout layout = { .nr_pfns = d.cut.nr_pfns, .vcpus = d.cut.vcpus,
					    .present = &d.cut.present };
		struct xl_format *format = NULL;
		struct xl_sink *sink = NULL;
		struct xl_ctx x = { 0 };

		ok(xl_sink_file_open(&x, FILE_A, true, &sink), &x);
		ok(xl_format_open(&x, &layout, sink, p, &format), &x);
		assert_int_equal(xl_format_seal(&x, format, &d.cut), -EINVAL);
		assert_non_null(strstr(x.err, "32-bit PV guest"));
		xl_format_close(format);
		xl_sink_close(sink);
	}
	sim_dump_deinit(&d);
	sim_destroy(s);
}

/* A CR3, a level and an entry that are not what they must be. */
static void test_narrow_verify(void **state)
{
	struct sim_dump d;
	struct sim *s = dump(&guests[GUEST_NARROW], 3, false, &d);
	struct xl_verify v = { .quick = true };
	struct xl_ctx x = { 0 };
	char said[XL_ERR_MAX] = "";

	(void)state;
	for (int k = 0; k < 3; k++) {
		xl_pfn_t l1 = s->table[5];

		if (k == 0)
			xl_put_le32(d.cut.vcpu[0].context + 2728, 0x7777000);
		else if (k == 1)
			d.cut.table[0].level = 4;
		else
			((uint64_t *)(uintptr_t)sim_dump_page(&d, l1))[7] = htole64(0xfffff067);
		write_dump(&d, &forms[FORM_XENCORE], FILE_A);
		v = (struct xl_verify){ .x = &x, .img = open_ok(FILE_A), .fn = collect, .data = said };
		ok(xl_image_verify(&v), &x);
		assert_int_equal(v.broken, 1);
		if (!strstr(said, k == 0 ? "CR3 0x7777000" : k == 1 ? "which a 32-bit guest does not have" :
				  "leads to page 0xfffff"))
			fail_msg("%s", said);
		xl_image_close(v.img);
		sim_dump_deinit(&d);
		sim_destroy(s);
		s = dump(&guests[GUEST_NARROW], 3, false, &d);
	}
	sim_dump_deinit(&d);
	sim_destroy(s);
}

/* Pages that come and go while a raw file is written: they have places, and only those of T have
 * bytes in them. */
static void test_raw_balloon(void **state)
{
	static const uint8_t zeros[XL_PAGE_SIZE];
	uint8_t page[XL_PAGE_SIZE];
	struct xl_bitmap before = { 0 };
	struct xl_layout layout;
	struct xl_format *format = NULL;
	struct xl_sink *sink = NULL;
	struct xl_ctx x = { 0 };
	struct sim_dump d;
	struct sim *s = dump(&guests[0], 2, true, &d);
	const struct xl_image_section *pages;
	struct xl_image *img;
	uint64_t size, disk, gone = 0;

	(void)state;
	assert_int_equal(xl_bitmap_init(&before, d.cut.nr_pfns), 0);
	layout = (struct xl_layout){ .nr_pfns = d.cut.nr_pfns, .vcpus = 1, .present = &before };
	ok(xl_sink_file_open(&x, FILE_A, true, &sink), &x);
	ok(xl_format_open(&x, &layout, sink, &forms[FORM_RAW].params, &format), &x);
	memset(page, 0x77, sizeof(page));
	for (xl_pfn_t pfn = 0; pfn < d.cut.nr_pfns; pfn++)
		ok(xl_format_put(&x, format, pfn, page), &x);
	for (xl_pfn_t pfn = 0; pfn < d.cut.nr_pfns; pfn++)
		if (xl_bitmap_test(&d.cut.present, pfn))
			ok(xl_format_put(&x, format, pfn, sim_dump_page(&d, pfn)), &x);
	ok(xl_format_seal(&x, format, &d.cut), &x);
	ok(xl_sink_commit(&x, sink, &size, &disk), &x);
	xl_format_close(format);
	xl_sink_close(sink);
	assert_whole("ballooned", FILE_A);
	assert_truth(s, FILE_A);
	img = open_ok(FILE_A);
	pages = xl_image_section(img, ".xen_pages");
	assert_int_equal(pages->size % (512 * XL_PAGE_SIZE), 0);
	for (xl_pfn_t pfn = 0; pfn < pages->size >> XL_PAGE_SHIFT; pfn++) {
		if (xl_image_has(img, pfn))
			continue;
		ok(xl_image_bytes(&x, img, pages->offset + (pfn << XL_PAGE_SHIFT), page,
				  sizeof(page)), &x);
		assert_memory_equal(page, zeros, sizeof(page));
		gone++;
	}
	assert_true(gone > 8);
	xl_image_close(img);
	xl_bitmap_deinit(&before);
	sim_dump_deinit(&d);
	sim_destroy(s);
}

/* ---- damage ---- */

static uint64_t rnd(uint64_t n)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

/* Whether the file is opened and keeps its rules; the last thing that was said against it. */
static bool whole(const char *path, char said[XL_ERR_MAX])
{
	struct xl_ctx x = { 0 };
	struct xl_verify v = { .x = &x, .fn = collect, .data = said };
	int r = xl_image_open(&x, path, &v.img);

	said[0] = '\0';
	if (r == 0)
		r = xl_image_verify(&v);
	if (r < 0) {
		assert_true(x.err[0]);
		(void)snprintf(said, XL_ERR_MAX, "%s", x.err);
	}
	xl_image_close(v.img);
	return r == 0 && !v.broken;
}

static void flip(int fd, uint64_t at, uint8_t by)
{
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= by;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

/* In a raw file, wherever a byte is: also in the place of a page that the guest does not have. */
static void test_flips_in_raw(void **state)
{
	struct sim_dump d;
	struct sim *s = dump(&guests[0], 4, true, &d);
	const struct xl_image_section *pages, *names;
	struct xl_image *img;
	char said[XL_ERR_MAX], want[64];
	int fd;

	(void)state;
	write_dump(&d, &forms[FORM_RAW], FILE_A);
	img = open_ok(FILE_A);
	pages = xl_image_section(img, ".xen_pages");
	fd = open(FILE_A, O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 400; i++) {
		uint64_t at = rnd(img->size), pfn = (at - pages->offset) >> XL_PAGE_SHIFT;
		uint8_t by = (uint8_t)(rnd(255) + 1);

		if (i % 4 == 1)
			at = rnd(4096);
		if (i % 4 == 2)
			at = pages->offset + pages->size + rnd(img->size - pages->offset - pages->size);
		flip(fd, at, by);
		if (whole(FILE_A, said))
			fail_msg("a flip of %#x at offset %#" PRIx64 " is not seen", by, at);
		(void)snprintf(want, sizeof(want), "page %#" PRIx64, pfn);
		if (at >= pages->offset && at < pages->offset + pages->size && !strstr(said, want))
			fail_msg("%s is not named: %s", want, said);
		flip(fd, at, by);
	}
	/* Each character of each name. */
	names = xl_image_section(img, ".shstrtab");
	assert_non_null(names);
	for (uint64_t at = names->offset; at < names->offset + names->size; at++) {
		flip(fd, at, 0xd6);
		if (whole(FILE_A, said))
			fail_msg("a flip at offset %#" PRIx64 ", in a name, is not seen", at);
		flip(fd, at, 0xd6);
	}
	(void)close(fd);
	xl_image_close(img);
	assert_true(whole(FILE_A, said));
	sim_dump_deinit(&d);
	sim_destroy(s);
}

/* The end of the file is anywhere. */
static void test_truncation(void **state)
{
	struct sim_dump pv, raw;
	struct sim *s = dump(&guests[0], 5, false, &pv), *t = dump(&guests[0], 5, true, &raw);
	char said[XL_ERR_MAX];

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(forms); i++) {
		struct xl_image *img;
		uint64_t size;

		write_dump(is_raw(&forms[i]) ? &raw : &pv, &forms[i], FILE_A);
		img = open_ok(FILE_A);
		size = img->file_bytes;
		xl_image_close(img);
		for (uint64_t at = size - 1; at > 0;
		     at -= at > size - 40 || at < 40 ? 1 : 1 + rnd(at < size / 30 ? at : size / 30)) {
			assert_int_equal(truncate(FILE_A, (off_t)at), 0);
			if (whole(FILE_A, said))
				fail_msg("%s cut off at %" PRIu64 " of %" PRIu64 " is not seen",
					 forms[i].name, at, size);
			assert_true(said[0]);
		}
	}
	sim_dump_deinit(&pv);
	sim_dump_deinit(&raw);
	sim_destroy(s);
	sim_destroy(t);
}

static int setup(void **state)
{
	ssize_t n = readlink("/proc/self/exe", here, sizeof(here) - 1);

	(void)state;
	if (n < 0)
		return -1;
	here[n] = '\0';
	*strrchr(here, '/') = '\0';
	/* Hundreds of files, each written to the disk before it gets its name. */
	dir = mkdtemp(in_memory);
	if (!dir)
		dir = mkdtemp(on_disk);
	return dir && chdir(dir) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(FILE_A);
	(void)unlink(FILE_B);
	(void)unlink(FILE_C);
	return chdir("/") < 0 ? -1 : rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_many_vcpus),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_narrow_file),
		cmocka_unit_test(test_narrow_misfits),
		cmocka_unit_test(test_narrow_verify),
		cmocka_unit_test(test_raw_balloon),
		cmocka_unit_test(test_flips_in_raw),
		cmocka_unit_test(test_truncation),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
