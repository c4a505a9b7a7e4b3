/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump file that is open: its pages by pfn. */
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

#include "format/digest_format.h"
#include "format/slots.h"
#include "guest/kmem.h"
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
	xl_pieces_deinit(&img->mem);
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

const struct xl_image_section *xl_image_section(const struct xl_image *img, const char *name)
{
	for (size_t i = 0; i < img->sections; i++)
		if (strcmp(img->section[i].name, name) == 0)
			return &img->section[i];
	return NULL;
}

bool xl_image_has_digests(const struct xl_image *img)
{
	return xl_image_section(img, DIGEST_SECTION);
}

int xl_image_bytes(struct xl_ctx *x, struct xl_image *img, uint64_t offset, void *buf, size_t len)
{
	int r = xl_imgfile_read(img->file, offset, buf, len);

	return r < 0 ? xl_err(x, r, "%zu bytes at offset %#" PRIx64, len, offset) : 0;
}

/* ---- pages ---- */

xl_pfn_t xl_image_next(const struct xl_image *img, xl_pfn_t pfn)
{
	return pfn < img->nr_pfns ? img->ops->next(img, pfn) : img->nr_pfns;
}

xl_pfn_t xl_image_next_stored(struct xl_image *img, xl_pfn_t pfn)
{
	return pfn < img->nr_pfns ? img->ops->next_stored(img, pfn) : img->nr_pfns;
}

bool xl_image_has(const struct xl_image *img, xl_pfn_t pfn)
{
	return pfn < img->nr_pfns && xl_image_next(img, pfn) == pfn;
}

bool xl_image_left_out(const struct xl_image *img, xl_pfn_t pfn)
{
	return !xl_image_has(img, pfn) && xl_bitmap_test(&img->kdump.ram, pfn);
}

static int not_there(struct xl_ctx *x, const struct xl_image *img, xl_pfn_t pfn)
{
	return xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT, "page %#" PRIx64 " %s", pfn,
		       xl_image_left_out(img, pfn) ? "was left out of the dump" :
						     "is not in the dump");
}

int xl_image_where(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn, uint64_t *ret_offset,
		   uint64_t *ret_size)
{
	if (!xl_image_has(img, pfn))
		return not_there(x, img, pfn);
	return img->ops->where(x, img, pfn, ret_offset, ret_size);
}

int xl_image_page(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn, uint8_t ret[XL_PAGE_SIZE])
{
	if (!xl_image_has(img, pfn))
		return not_there(x, img, pfn);
	return img->ops->page(x, img, pfn, ret);
}

static int read_part(void *data, xl_pfn_t pfn, size_t offset, void *buf, size_t len)
{
	struct xl_image *img = data;
	struct xl_ctx x = { 0 };

	if (pfn != img->cached) {
		img->cached = XL_INVALID_FRAME;
		if (!xl_image_has(img, pfn) || xl_image_page(&x, img, pfn, img->cache) < 0)
			return -EFAULT;
		img->cached = pfn;
	}
	memcpy(buf, img->cache + offset, len);
	return 0;
}

int xl_image_read(void *img, uint64_t paddr, void *buf, size_t len)
{
	return xl_read_across(paddr, buf, len, read_part, img);
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
