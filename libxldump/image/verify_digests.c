/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The digests in a file: which page was damaged, or whether it was what describes them. */
#include <string.h>

#include "base/bytes.h"
#include "format/digest.h"
#include "format/digest_format.h"
#include "image/verify_private.h"

#define AT_ONCE 512

struct digests {
	uint64_t offset, size; /* where they are in the file */
	uint64_t pages, meta;
	struct xl_digest_gaps gaps;
};

/* 0, or -EINVAL after it has been said what is wrong. */
static int read_header(struct xl_verify *v, struct digests *d)
{
	uint8_t h[DIGEST_HEADER_SIZE];

	if (d->size < sizeof(h) || !xl_imgfile_inside(v->img->file, d->offset, d->size) ||
	    xl_imgfile_read(v->img->file, d->offset, h, sizeof(h)) < 0 ||
	    memcmp(h, DIGEST_MAGIC, DIGEST_MAGIC_SIZE) != 0) {
		xl_verify_broken(v, "there are no digests at offset %#" PRIx64 ", where they should "
				 "be", d->offset);
		return -EINVAL;
	}
	if (xl_get_le32(h + DIGEST_VERSION_AT) != DIGEST_VERSION ||
	    xl_get_le32(h + DIGEST_ALGORITHM_AT) != DIGEST_XXH3_64) {
		xl_verify_broken(v, "the digests at offset %#" PRIx64 " are of version %u and "
				 "algorithm %u, of which this version knows nothing", d->offset,
				 xl_get_le32(h + DIGEST_VERSION_AT),
				 xl_get_le32(h + DIGEST_ALGORITHM_AT));
		return -EINVAL;
	}
	d->pages = xl_get_le64(h + DIGEST_PAGES);
	d->meta = xl_get_le64(h + DIGEST_META);
	d->gaps.meta = d->offset + DIGEST_META;
	d->gaps.data = xl_get_le64(h + DIGEST_DATA);
	d->gaps.data_size = xl_get_le64(h + DIGEST_DATA_SIZE);
	d->gaps.elf = v->img->kind != XL_IMAGE_KDUMP;
	if (d->pages != v->img->pages || d->pages != (d->size - sizeof(h)) / 8 ||
	    !xl_imgfile_inside(v->img->file, d->gaps.data, d->gaps.data_size)) {
		xl_verify_broken(v, "the digests at offset %#" PRIx64 " are of %" PRIu64
				 " pages, and the file has %" PRIu64, d->offset, d->pages,
				 v->img->pages);
		return -EINVAL;
	}
	return 0;
}

static int read_file(void *data, uint64_t offset, void *buf, size_t len)
{
	return xl_imgfile_read(data, offset, buf, len);
}

/* A page that is not as it was.  The file may have had it compressed: then it may be gone. */
static int check_page(struct xl_verify *v, xl_pfn_t pfn, uint64_t want)
{
	uint8_t page[XL_PAGE_SIZE];
	uint64_t offset = 0, size;
	int r = xl_image_page(v->x, v->img, pfn, page);

	if (r == -EINVAL || r == -EOPNOTSUPP) {
		xl_verify_broken(v, "%s", v->x->err);
		xl_err_clear(v->x);
		return 0;
	}
	if (r < 0 || xl_digest_page(page) == want)
		return r;
	r = xl_image_where(v->x, v->img, pfn, &offset, &size);
	if (r == 0)
		xl_verify_broken(v, "page %#" PRIx64 " (address %#" PRIx64 ", offset %#" PRIx64
				 " of the file) is not as it was written", pfn, pfn << XL_PAGE_SHIFT,
				 offset);
	return r;
}

static int check_pages(struct xl_verify *v, const struct digests *d)
{
	xl_pfn_t pfn = xl_image_next(v->img, 0);
	uint8_t raw[8 * AT_ONCE];

	for (uint64_t i = 0; i < d->pages; i++, pfn = xl_image_next(v->img, pfn + 1)) {
		uint64_t n = d->pages - i < AT_ONCE ? d->pages - i : AT_ONCE;
		int r = xl_check_cancel(v->x);

		if (r == 0 && i % AT_ONCE == 0)
			r = xl_image_bytes(v->x, v->img, d->offset + DIGEST_HEADER_SIZE + i * 8, raw,
					   n * 8);
		if (r == 0)
			r = check_page(v, pfn, xl_get_le64(raw + i % AT_ONCE * 8));
		if (r < 0)
			return r;
	}
	xl_verify_done(v, "digests of %" PRIu64 " pages", d->pages);
	return 0;
}

/* Digests under another name, or NULL: were it only damaged, the file would seem to have none. */
static const struct xl_image_section *find_renamed(const struct xl_verify *v)
{
	char magic[DIGEST_MAGIC_SIZE];

	for (size_t i = 0; i < v->img->sections; i++) {
		const struct xl_image_section *s = &v->img->section[i];

		if (s->size >= DIGEST_HEADER_SIZE && xl_imgfile_inside(v->img->file, s->offset, s->size) &&
		    xl_imgfile_read(v->img->file, s->offset, magic, sizeof(magic)) == 0 &&
		    memcmp(magic, DIGEST_MAGIC, sizeof(magic)) == 0)
			return s;
	}
	return NULL;
}

static void tell_none(struct xl_verify *v)
{
	/* Who takes away our note disowns the rest as well. */
	const struct xl_image_section *s = v->img->json ? find_renamed(v) : NULL;

	if (s)
		xl_verify_broken(v, "the digests at offset %#" PRIx64 " are under another name than "
				 DIGEST_SECTION ": the names of the sections are damaged", s->offset);
	else
		xl_verify_note(v, "the file has no digests: damage to contents of pages cannot be "
			       "seen");
}

int xl_verify_digests(struct xl_verify *v)
{
	const struct xl_image_section *s = xl_image_section(v->img, DIGEST_SECTION);
	struct digests d = { 0 };
	uint64_t meta = 0;
	int r;

	if (v->img->kdump.records_lost)
		xl_verify_broken(v, "the file has not the size that it was written with: it was cut off, "
				 "or another program made it from one of ours, without the digests and "
				 "what else was behind the pages");
	if (!s) {
		tell_none(v);
		return 0;
	}
	d.offset = s->offset;
	d.size = s->size;
	if (read_header(v, &d) < 0)
		return 0;
	r = xl_digest_meta(v->img->size, &d.gaps, read_file, v->img->file, &meta);
	if (r < 0)
		return xl_err(v->x, r, "read the file");
	if (meta != d.meta)
		xl_verify_broken(v, "what describes the pages (headers, notes, sections) is not as it "
				 "was written");
	else
		xl_verify_done(v, "digest of all that is not a page");
	if (v->quick)
		return 0;
	v->pages_read = true;
	return check_pages(v, &d);
}
