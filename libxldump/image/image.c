/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a dump file, and its pages by pfn. */
#include "image/image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "format/slots.h"
#include "format/kdump_format.h"
#include "image/image_private.h"

const char *xl_image_kind_name(enum xl_image_kind kind)
{
	static const char *const name[_XL_IMAGE_KIND_MAX] = {
		[XL_IMAGE_ELF] = "elf",
		[XL_IMAGE_XENCORE] = "xencore",
		[XL_IMAGE_XENCORE_RAW] = "xencore-raw",
		[XL_IMAGE_KDUMP] = "kdump",
	};

	return (unsigned)kind < _XL_IMAGE_KIND_MAX ? name[kind] : NULL;
}

void xl_image_close(struct xl_image *img)
{
	if (!img)
		return;
	if (img->file)
		xl_imgfile_deinit(img->file);
	free(img->file);
	free(img->run);
	if (img->slots)
		xl_slots_deinit(img->slots);
	free(img->slots);
	xl_bitmap_deinit(&img->kdump.ram);
	free(img->note);
	for (size_t i = 0; i < img->note_data_n; i++)
		free(img->note_data[i]);
	free(img->section);
	free(img->vmcoreinfo_copy);
	free(img->json_copy);
	free(img->p2m);
	free(img->table);
	free(img->edit);
	free(img->cache);
	free(img);
}

/* Bytes of each mark at the start of a file. */
#define SIGNATURE_SIZE 8

static int open_format(struct xl_ctx *x, struct xl_image *img)
{
	uint8_t magic[SIGNATURE_SIZE] = { 0 };

	if (xl_imgfile_read(img->file, 0, magic, sizeof(magic)) < 0)
		return xl_image_bad(x, "not a dump: only %" PRIu64 " bytes", img->size);
	if (memcmp(magic, "\177ELF", 4) == 0)
		return xl_image_open_elf(x, img);
	if (memcmp(magic, KDUMP_SIGNATURE, sizeof(magic)) == 0)
		return xl_image_open_kdump(x, img);
	return xl_image_bad(x, "not a dump that is known: it begins with neither ELF's, kdump's nor "
			    "makedumpfile's mark");
}

int xl_image_fdopen(struct xl_ctx *x, int fd, struct xl_image **ret)
{
	_cleanup_(xl_image_closep) struct xl_image *img = calloc(1, sizeof(*img));
	struct stat st;
	int r;

	if (img)
		img->file = calloc(1, sizeof(*img->file));
	if (!img || !img->file) {
		(void)close(fd);
		return xl_err(x, -ENOMEM, "open a dump");
	}
	img->cached = XL_INVALID_FRAME;
	r = xl_imgfile_init(x, img->file, fd);
	if (r < 0)
		return r;
	if (fstat(fd, &st) == 0)
		img->disk_bytes = (uint64_t)st.st_blocks * 512;
	img->file_bytes = img->file->size;
	img->size = img->file->end;
	img->flattened = img->file->piece;
	img->cache = malloc(XL_PAGE_SIZE);
	if (!img->cache)
		return xl_err(x, -ENOMEM, "open a dump");
	r = open_format(x, img);
	if (r == 0)
		r = xl_image_take_notes(x, img);
	if (r < 0)
		return r;
	*ret = XL_TAKE_PTR(img);
	return 0;
}

int xl_image_open(struct xl_ctx *x, const char *path, struct xl_image **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), r;

	if (fd < 0)
		return xl_fail(x, errno == EACCES ? XLDUMP_CAUSE_PERMISSION : XLDUMP_CAUSE_OTHER,
			       -errno, "%s: cannot open it: %s", path, strerror(errno));
	r = xl_image_fdopen(x, fd, ret);
	return r < 0 ? xl_err(x, r, "%s", path) : 0;
}

const struct xl_image_section *xl_image_section(const struct xl_image *img, const char *name)
{
	for (size_t i = 0; i < img->sections; i++)
		if (strcmp(img->section[i].name, name) == 0)
			return &img->section[i];
	return NULL;
}

int xl_image_bytes(struct xl_ctx *x, struct xl_image *img, uint64_t offset, void *buf, size_t len)
{
	int r = xl_imgfile_read(img->file, offset, buf, len);

	return r < 0 ? xl_err(x, r, "%zu bytes at offset %#" PRIx64, len, offset) : 0;
}

/* ---- runs of pages ---- */

int xl_image_add_run(struct xl_ctx *x, struct xl_image *img, const struct xl_image_run *run,
		     const char *what)
{
	struct xl_image_run *last = img->runs ? &img->run[img->runs - 1] : NULL;

	if (run->first >= XL_MAX_PFNS || run->pages > XL_MAX_PFNS - run->first)
		return xl_image_bad(x, "%s: pages from pfn %#" PRIx64 " on are beyond the 16 TiB that a "
				    "guest can have", what, run->first);
	if (run->first < img->nr_pfns)
		return xl_image_bad(x, "%s: pfn %#" PRIx64 " comes after pfn %#" PRIx64, what,
				    run->first, img->nr_pfns - 1);
	img->nr_pfns = run->first + run->pages;
	img->pages += run->pages;
	if (last && last->first + last->pages == run->first &&
	    last->backed == last->pages << XL_PAGE_SHIFT &&
	    last->offset + last->backed == run->offset) {
		last->pages += run->pages;
		last->backed += run->backed;
		return 0;
	}
	if ((img->runs & (img->runs - 1)) == 0) {
		size_t n = img->runs ? img->runs * 2 : 1;
		struct xl_image_run *p = reallocarray(img->run, n, sizeof(*p));

		if (!p)
			return xl_err(x, -ENOMEM, "list of %zu runs of pages", n);
		img->run = p;
	}
	img->run[img->runs++] = *run;
	return 0;
}

/* The first run that ends behind pfn. */
static size_t find_run(const struct xl_image *img, xl_pfn_t pfn)
{
	size_t lo = 0, hi = img->runs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (img->run[mid].first + img->run[mid].pages <= pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

xl_pfn_t xl_image_next(const struct xl_image *img, xl_pfn_t pfn)
{
	size_t i;

	if (img->slots)
		return xl_bitmap_next(&img->slots->present, pfn);
	i = find_run(img, pfn);
	if (i == img->runs)
		return img->nr_pfns;
	return img->run[i].first > pfn ? img->run[i].first : pfn;
}

bool xl_image_has(const struct xl_image *img, xl_pfn_t pfn)
{
	return pfn < img->nr_pfns && xl_image_next(img, pfn) == pfn;
}

static int not_there(struct xl_ctx *x, const struct xl_image *img, xl_pfn_t pfn)
{
	bool excluded = img->slots && xl_bitmap_test(&img->kdump.ram, pfn);

	return xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT, "page %#" PRIx64 " %s", pfn,
		       excluded ? "was left out of the dump" : "is not in the dump");
}

int xl_image_where(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn, uint64_t *ret_offset,
		   uint64_t *ret_size)
{
	const struct xl_image_run *run;
	uint64_t at;
	uint32_t flags;

	if (!xl_image_has(img, pfn))
		return not_there(x, img, pfn);
	if (img->slots)
		return xl_image_kdump_where(x, img, pfn, ret_offset, ret_size, &flags);
	run = &img->run[find_run(img, pfn)];
	at = (pfn - run->first) << XL_PAGE_SHIFT;
	*ret_offset = run->offset + at;
	*ret_size = at >= run->backed ? 0 : run->backed - at;
	if (*ret_size > XL_PAGE_SIZE)
		*ret_size = XL_PAGE_SIZE;
	return 0;
}

int xl_image_page(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn, uint8_t ret[XL_PAGE_SIZE])
{
	uint64_t offset, size;
	int r;

	if (img->slots && xl_image_has(img, pfn))
		return xl_image_kdump_page(x, img, pfn, ret);
	r = xl_image_where(x, img, pfn, &offset, &size);
	if (r < 0)
		return r;
	r = xl_imgfile_read(img->file, offset, ret, size);
	if (r < 0)
		return xl_err(x, r, "page %#" PRIx64 " at offset %#" PRIx64, pfn, offset);
	memset(ret + size, 0, XL_PAGE_SIZE - size);
	return 0;
}

int xl_image_read(void *data, uint64_t paddr, void *buf, size_t len)
{
	struct xl_image *img = data;
	struct xl_ctx x = { 0 };
	uint8_t *p = buf;

	while (len > 0) {
		xl_pfn_t pfn = paddr >> XL_PAGE_SHIFT;
		size_t at = paddr & XL_PAGE_MASK, n = XL_PAGE_SIZE - at;

		n = n < len ? n : len;
		if (pfn != img->cached) {
			img->cached = XL_INVALID_FRAME;
			if (!xl_image_has(img, pfn) || xl_image_page(&x, img, pfn, img->cache) < 0)
				return -EFAULT;
			img->cached = pfn;
		}
		memcpy(p, img->cache + at, n);
		p += n;
		len -= n;
		if (__builtin_add_overflow(paddr, n, &paddr) && len)
			return -EFAULT;
	}
	return 0;
}

/* ---- the recorded p2m ---- */

xl_mfn_t xl_image_pfn_to_mfn(const struct xl_image *img, xl_pfn_t pfn)
{
	size_t lo = 0, hi = img->p2ms;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (img->p2m[mid].pfn + img->p2m[mid].count <= pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == img->p2ms || pfn < img->p2m[lo].pfn)
		return XL_INVALID_FRAME;
	return img->p2m[lo].mfn + (pfn - img->p2m[lo].pfn);
}

xl_pfn_t xl_image_mfn_to_pfn(const struct xl_image *img, xl_mfn_t mfn)
{
	for (size_t i = 0; i < img->p2ms; i++)
		if (mfn >= img->p2m[i].mfn && mfn - img->p2m[i].mfn < img->p2m[i].count)
			return img->p2m[i].pfn + (mfn - img->p2m[i].mfn);
	return XL_INVALID_FRAME;
}
