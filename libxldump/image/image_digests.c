/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the digests of a file. */
#include "image/image_digests.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/digest_format.h"
#include "image/image_private.h"

/* Digests under another name, or NULL: were it only damaged, the file would seem to have none. */
static const struct xl_image_section *find_renamed(const struct xl_image *img)
{
	char magic[DIGEST_MAGIC_SIZE];

	for (size_t i = 0; i < img->sections; i++) {
		const struct xl_image_section *s = &img->section[i];

		if (s->size >= DIGEST_HEADER_SIZE &&
		    xl_imgfile_inside(img->file, s->offset, s->size) &&
		    xl_imgfile_read(img->file, s->offset, magic, sizeof(magic)) == 0 &&
		    memcmp(magic, DIGEST_MAGIC, sizeof(magic)) == 0)
			return s;
	}
	return NULL;
}

static int read_header(struct xl_ctx *x, const struct xl_image_section *s,
		       struct xl_image_digests *d)
{
	const struct xl_imgfile *file = d->img->file;
	uint8_t h[DIGEST_HEADER_SIZE];

	if (s->size < sizeof(h) || !xl_imgfile_inside(file, s->offset, s->size) ||
	    xl_imgfile_read(file, s->offset, h, sizeof(h)) < 0 ||
	    memcmp(h, DIGEST_MAGIC, DIGEST_MAGIC_SIZE) != 0)
		return xl_image_bad(x,
				    "there are no digests at offset %#" PRIx64
				    ", where they should be",
				    s->offset);
	if (xl_get_le32(h + DIGEST_VERSION_AT) != DIGEST_VERSION ||
	    xl_get_le32(h + DIGEST_ALGORITHM_AT) != DIGEST_XXH3_64)
		return xl_image_bad(x,
				    "the digests at offset %#" PRIx64 " have version %u and "
				    "algorithm %u, which this version of xldump does not know",
				    s->offset, xl_get_le32(h + DIGEST_VERSION_AT),
				    xl_get_le32(h + DIGEST_ALGORITHM_AT));
	d->offset = s->offset;
	d->pages = xl_get_le64(h + DIGEST_PAGES);
	d->meta = xl_get_le64(h + DIGEST_META);
	d->gaps.meta = s->offset + DIGEST_META;
	d->gaps.data = xl_get_le64(h + DIGEST_DATA);
	d->gaps.data_size = xl_get_le64(h + DIGEST_DATA_SIZE);
	d->gaps.elf = d->img->kind != XL_IMAGE_KDUMP;
	if (d->pages != d->img->pages || d->pages != (s->size - sizeof(h)) / 8 ||
	    !xl_imgfile_inside(file, d->gaps.data, d->gaps.data_size))
		return xl_image_bad(x,
				    "the digests at offset %#" PRIx64 " are of %" PRIu64
				    " pages, and the file has %" PRIu64,
				    s->offset, d->pages, d->img->pages);
	return 0;
}

int xl_image_digests_open(struct xl_ctx *x, struct xl_image *img, struct xl_image_digests *ret)
{
	const struct xl_image_section *s = xl_image_section(img, DIGEST_SECTION);

	*ret = (struct xl_image_digests){ .img = img };
	if (s)
		return read_header(x, s, ret);
	/* Who takes away our note disowns the rest as well. */
	s = img->json ? find_renamed(img) : NULL;
	if (s)
		return xl_image_bad(x,
				    "the digests at offset %#" PRIx64
				    " are under another name than " DIGEST_SECTION
				    ": the names of the sections are damaged",
				    s->offset);
	return -ENOENT;
}

static int read_file(void *data, uint64_t offset, void *buf, size_t len)
{
	return xl_imgfile_read(data, offset, buf, len);
}

int xl_image_digests_meta(struct xl_ctx *x, const struct xl_image_digests *d, bool *ret_same)
{
	uint64_t meta = 0;
	int r = xl_digest_meta(d->img->size, &d->gaps, read_file, d->img->file, &meta);

	*ret_same = meta == d->meta;
	return r < 0 ? xl_err(x, r, "read the file") : 0;
}

int xl_image_digests_next(struct xl_ctx *x, struct xl_image_digests *d, uint64_t *ret)
{
	uint64_t i = d->next, n = d->pages - i;
	int r = 0;

	if (i >= d->pages)
		return xl_image_bad(x, "the file has more pages than digests");
	if (i % XL_DIGESTS_AT_ONCE == 0)
		r = xl_image_bytes(x, d->img, d->offset + DIGEST_HEADER_SIZE + i * 8, d->raw,
				   (n < XL_DIGESTS_AT_ONCE ? n : XL_DIGESTS_AT_ONCE) * 8);
	if (r < 0)
		return r;
	d->next++;
	*ret = xl_get_le64(d->raw + i % XL_DIGESTS_AT_ONCE * 8);
	return 0;
}

static int check_pages(struct xl_ctx *x, struct xl_image_digests *d)
{
	uint8_t page[XL_PAGE_SIZE];
	uint64_t want;

	for (xl_pfn_t pfn = xl_image_next(d->img, 0); pfn < d->img->nr_pfns;
	     pfn = xl_image_next(d->img, pfn + 1)) {
		int r = xl_check_cancel(x);

		if (r == 0)
			r = xl_image_digests_next(x, d, &want);
		if (r == 0)
			r = xl_image_page(x, d->img, pfn, page);
		if (r < 0)
			return r;
		if (xl_digest_page(page) != want)
			return xl_image_bad(x, "page %#" PRIx64 " has changed since it was written", pfn);
	}
	return 0;
}

int xl_image_check(struct xl_ctx *x, struct xl_image *img, bool pages)
{
	_cleanup_free_ struct xl_image_digests *d = malloc(sizeof(*d));
	bool same = true;
	int r;

	if (!d)
		return xl_err(x, -ENOMEM, "check the digests");
	r = xl_image_digests_open(x, img, d);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = xl_image_digests_meta(x, d, &same);
	if (r == 0 && !same)
		r = xl_image_bad(
			x, "what describes the pages (headers, notes, sections) has changed since "
			   "it was written");
	if (r == 0 && pages)
		r = check_pages(x, d);
	return r == -EINVAL ? xl_err(x, -EBADMSG, "the file is damaged") : r;
}

const char *xl_image_lost(const struct xl_image *img)
{
	if (img->kdump.records_lost)
		return "the file has another size than when it was written: it was cut off, or "
		       "another program made it from a file of xldump and dropped what followed "
		       "the pages";
	if (img->sections_lost && img->json)
		return "the section headers make no sense: they are damaged, or another program made the "
		       "file from one of ours, without the digests and what else was in sections";
	return NULL;
}
