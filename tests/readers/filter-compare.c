/* SPDX-License-Identifier: GPL-2.0-or-later */
/* filter-compare --level N FULL FILTERED: does the library leave out the pages that makedumpfile does?
 *
 * FULL is an unfiltered ELF dump of a Linux guest, FILTERED what `makedumpfile -d N FULL FILTERED`
 * made of it (kdump-compressed), or a dump at that level by `xl livedump' of the same memory.  The
 * library judges FULL at the same level, and its verdict is compared with FILTERED's second bitmap,
 * page by page.  A page that differs is printed with what its struct page says.
 *
 * Two differences are meant, and only counted:
 *   - pages of the kernel image's range, init sections that became free memory, which the library
 *     leaves in whatever they are used for;
 *   - pages behind the end of the last node of the guest's kernel, without a struct page (Xen's rings
 *     and ACPI tables), which for makedumpfile do not exist.
 *
 * With FULL alone the verdict is printed and compared with nothing.
 *
 * Exit status: 0 equal, 1 different, 2 one of them cannot be read or judged.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"
#include "page/filter.h"

#define SHOWN 40 /* differences that are listed; all are counted */

/* disk_dump_header and kdump_sub_header of version 6 (makedumpfile diskdump_mod.h). */
#define HEADER_BLOCK_SIZE 428
#define HEADER_SUB_BLOCKS 432
#define HEADER_BITMAP_BLOCKS 436
#define SUB_MAX_MAPNR 96

struct kdump {
	const unsigned char *file;
	uint64_t size;
	const unsigned char *bitmap1, *bitmap2; /* exists, is in the file */
	uint64_t nr_pfns;
};

static int kdump_fail(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	return -1;
}

static int kdump_open(struct kdump *k, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t block, sub, bitmaps;
	struct stat st;
	void *map;

	memset(k, 0, sizeof(*k));
	if (fd < 0 || fstat(fd, &st) < 0)
		return kdump_fail(path, "cannot be opened");
	map = mmap(NULL, (size_t)st.st_size + 1, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return kdump_fail(path, "cannot be mapped");
	k->file = map;
	k->size = (uint64_t)st.st_size;
	if (k->size < 2 * PAGE || memcmp(k->file, "KDUMP   ", 8) != 0)
		return kdump_fail(path, "not a kdump-compressed file");
	block = le32(k->file + HEADER_BLOCK_SIZE);
	sub = le32(k->file + HEADER_SUB_BLOCKS);
	bitmaps = le32(k->file + HEADER_BITMAP_BLOCKS);
	if (block != PAGE || (1 + sub + bitmaps) * block > k->size)
		return kdump_fail(path, "its bitmaps lie outside of it");
	k->nr_pfns = le64(k->file + block + SUB_MAX_MAPNR);
	if (k->nr_pfns > bitmaps / 2 * block * 8)
		return kdump_fail(path, "its bitmaps are too short");
	k->bitmap1 = k->file + (1 + sub) * block;
	k->bitmap2 = k->bitmap1 + bitmaps / 2 * block;
	return 0;
}

static void kdump_close(struct kdump *k)
{
	if (k->file)
		munmap((void *)k->file, k->size + 1);
}

static bool in_kdump(const struct kdump *k, const unsigned char *bitmap, uint64_t pfn)
{
	return pfn < k->nr_pfns && (bitmap[pfn / 8] >> pfn % 8 & 1);
}

/* xl_read_fn over the ELF dump. */
static int read_core(void *data, uint64_t paddr, void *buf, size_t len)
{
	unsigned char *out = buf;

	while (len) {
		const unsigned char *p = core_page(data, paddr / PAGE);
		size_t n = PAGE - paddr % PAGE < len ? PAGE - paddr % PAGE : len;

		if (!p)
			return -EFAULT;
		memcpy(out, p + paddr % PAGE, n);
		out += n;
		paddr += n;
		len -= n;
	}
	return 0;
}

static const char *const kind_name[_XL_KINDS] = {
	[XL_KIND_KEPT] = "kept",
	[XL_KIND_FREE] = "free",
	[XL_KIND_CACHE] = "cache",
	[XL_KIND_CACHE_PRIVATE] = "cache with private data",
	[XL_KIND_USER] = "user",
	[XL_KIND_HWPOISON] = "poisoned",
	[XL_KIND_OFFLINE] = "offline",
};

struct run {
	struct core core;
	struct xl_ctx x;
	struct xl_kernel kernel;
	struct xl_bitmap present;
	struct xl_filter filter;
	struct xl_mm mm; /* for what is printed of a page */
};

static void run_deinit(struct run *r)
{
	xl_filter_deinit(&r->filter);
	xl_bitmap_deinit(&r->present);
	xl_kernel_deinit(&r->kernel);
	core_close(&r->core);
}

static int judge(struct run *run, const char *path, unsigned level)
{
	struct xl_candidates c = { 0 };
	int r;

	if (core_open(&run->core, path) < 0)
		return kdump_fail(path, run->core.error);
	if (xl_bitmap_init(&run->present, run->core.page[run->core.pages - 1].pfn + 1) < 0)
		abort();
	for (size_t i = 0; i < run->core.pages; i++) {
		const struct page *p = &run->core.page[i];

		xl_bitmap_set(&run->present, p->pfn);
		xl_candidates_look(&c, p->pfn, run->core.file + p->offset);
	}
	r = xl_kernel_identify(&run->x, &c, read_core, &run->core, &run->kernel);
	if (r == 0)
		r = xl_filter_judge(&run->x, &run->kernel, level, &run->present, NULL, read_core,
				    &run->core, &run->filter);
	if (r == 0)
		r = xl_mm_init(&run->x, &run->mm, &run->kernel, read_core, &run->core);
	return r < 0 ? kdump_fail(path, run->x.err) : 0;
}

static void print_field(const char *name, const uint8_t *page, int offset, unsigned width)
{
	if (offset != XL_MM_ABSENT)
		printf(" %s %#" PRIx64, name,
		       width == 4 ? (uint64_t)le32(page + offset) : le64(page + offset));
}

static void explain(struct run *run, uint64_t pfn)
{
	uint8_t buf[XL_MM_GROUP * XL_MM_PAGE_MAX];
	const struct xl_page_layout *l = &run->mm.page;
	const uint8_t *page = buf + pfn % XL_MM_GROUP * l->size;

	if (xl_mm_group(&run->mm, pfn & ~(uint64_t)(XL_MM_GROUP - 1), buf) < 0) {
		printf(": no struct page\n");
		return;
	}
	printf(":");
	print_field("flags", page, l->flags, 8);
	print_field("mapping", page, l->mapping, 8);
	print_field("_mapcount", page, l->mapcount, 4);
	print_field("private", page, l->private_, 8);
	print_field("compound_head", page, l->head, 8);
	printf("\n");
}

static bool has_struct_page(struct run *run, uint64_t pfn)
{
	uint8_t buf[XL_MM_GROUP * XL_MM_PAGE_MAX];

	return xl_mm_group(&run->mm, pfn & ~(uint64_t)(XL_MM_GROUP - 1), buf) == 0;
}

static bool in_image(const struct run *run, uint64_t pfn)
{
	return pfn >= run->kernel.image_start / PAGE && pfn < run->kernel.image_end / PAGE;
}

static int compare(struct run *run, const struct kdump *k)
{
	uint64_t kept = 0, out = 0, image = 0, beyond = 0, different = 0;

	for (uint64_t pfn = xl_bitmap_next(&run->present, 0); pfn < run->present.nbits;
	     pfn = xl_bitmap_next(&run->present, pfn + 1)) {
		bool ours = !xl_bitmap_test(&run->filter.excluded, pfn);
		bool theirs = in_kdump(k, k->bitmap2, pfn);

		kept += ours && theirs;
		out += !ours && !theirs;
		if (ours == theirs)
			continue;
		if (ours && in_image(run, pfn)) {
			image++;
			continue;
		}
		if (ours && pfn >= k->nr_pfns && !has_struct_page(run, pfn)) {
			beyond++;
			continue;
		}
		if (different++ < SHOWN) {
			printf("pfn %#" PRIx64 ": only %s it in", pfn,
			       ours ? "we leave" : "makedumpfile leaves");
			explain(run, pfn);
		}
	}
	/* The first bitmap may have other bits where there is no page (libxldump/format/kdump_seal.c). */
	for (uint64_t pfn = 0; pfn < k->nr_pfns; pfn++) {
		bool exists = xl_bitmap_test(&run->present, pfn);

		if (exists != in_kdump(k, exists ? k->bitmap1 : k->bitmap2, pfn) && different++ < SHOWN)
			printf("pfn %#" PRIx64 ": exists in one of the files only\n", pfn);
	}
	printf("level %2u: both keep %" PRIu64 ", both leave out %" PRIu64
	       ", left in by us for the kernel image %" PRIu64 ", behind the last node %" PRIu64
	       ", different %" PRIu64 "\n",
	       run->filter.level, kept, out, image, beyond, different);
	return different != 0;
}

static void report(const struct run *run)
{
	const struct xl_filter *f = &run->filter;

	printf("kernel %s, level %u, %zu pages:", run->kernel.release, f->level, run->core.pages);
	for (unsigned i = XL_KIND_KEPT + 1; i < _XL_KINDS; i++)
		printf(" %s %" PRIu64 ",", kind_name[i], f->count[i]);
	printf(" left in for the kernel image %" PRIu64 ", without struct page %" PRIu64 "\n",
	       f->image, f->unknown);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "level", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	struct kdump kdump = { 0 };
	struct run run = { 0 };
	unsigned long level = 0;
	int opt, r = 2;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) == 'l')
		level = strtoul(optarg, NULL, 10);
	if (opt != -1 || level < 1 || level > XLDUMP_LEVEL_MAX || argc - optind < 1 ||
	    argc - optind > 2) {
		fprintf(stderr, "usage: filter-compare --level 1..31 FULL [FILTERED]\n");
		return 2;
	}
	if (judge(&run, argv[optind], (unsigned)level) == 0) {
		report(&run);
		r = 0;
		if (argc - optind == 2)
			r = kdump_open(&kdump, argv[optind + 1]) < 0 ? 2 : compare(&run, &kdump);
	}
	kdump_close(&kdump);
	run_deinit(&run);
	return r;
}
