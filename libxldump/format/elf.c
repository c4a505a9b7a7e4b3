/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The default format: one ELF file that is a kdump-like core (program headers, as QEMU writes it)
 * and a Xen core (sections, as `xl dump-core` writes it for auto-translated guests) over the same
 * pages.  Every page has its place from the beginning, so that a later copy replaces an older one
 * and zero pages are holes. */
#include "format/elf.h"

#include "base/bytes.h"
#include "format/digest.h"
#include "format/elf_place.h"
#include "format/elf_private.h"
#include "format/elf_raw.h"
#include "format/elf_seal.h"
#include "format/notes.h"

static struct xl_elf *elf_of(struct xl_format *f)
{
	return (struct xl_elf *)f;
}

static void elf_close(struct xl_format *format)
{
	struct xl_elf *f = elf_of(format);

	xl_slots_deinit(&f->slots);
	xl_bitmap_deinit(&f->known);
	xl_bitmap_deinit(&f->stored);
	xl_bitmap_deinit(&f->stale);
	free(f->digest);
	free(f->buf);
	free(f);
}

static void elf_closep(struct xl_elf **f)
{
	if (*f)
		elf_close(&(*f)->format);
}

static int flush(struct xl_ctx *x, struct xl_elf *f)
{
	int r;

	if (!f->buf_len)
		return 0;
	r = xl_sink_pwrite(x, f->sink, f->buf, f->buf_len, f->buf_offset);
	f->buf_len = 0;
	return r;
}

/* Whether the buffer holds bytes for this place. */
static bool buffered(const struct xl_elf *f, uint64_t offset)
{
	return offset >= f->buf_offset && offset < f->buf_offset + f->buf_len;
}

static int put_data(struct xl_ctx *x, struct xl_elf *f, uint64_t offset, const void *page)
{
	bool inside = buffered(f, offset);
	bool appends = offset == f->buf_offset + f->buf_len && f->buf_len < XL_ELF_BUF_SIZE;
	int r;

	if (!inside && (!appends || !f->buf_len)) {
		r = flush(x, f);
		if (r < 0)
			return r;
		f->buf_offset = offset;
	}
	memcpy(f->buf + (offset - f->buf_offset), page, XL_PAGE_SIZE);
	if (!inside)
		f->buf_len += XL_PAGE_SIZE;
	return 0;
}

static int elf_put(struct xl_ctx *x, struct xl_format *format, xl_pfn_t pfn, const void *page)
{
	struct xl_elf *f = elf_of(format);

	if (pfn >= f->slots.nr_pfns)
		return xl_err(x, -EINVAL, "page %#" PRIx64 " of only %#" PRIx64, pfn,
			      f->slots.nr_pfns);
	xl_bitmap_set(&f->known, pfn);
	/* What cannot be moved to its place at the end is not worth sending. */
	if (!xl_sink_seekable(f->sink) && !xl_bitmap_test(&f->slots.present, pfn))
		return 0;
	f->digest[pfn] = xl_digest_page(page);
	if (!f->digest[pfn]) { /* zeros */
		/* An older copy may be in the file, or wait in the buffer to be written. */
		if (xl_bitmap_test(&f->stored, pfn))
			xl_bitmap_set(&f->stale, pfn);
		xl_bitmap_clear(&f->stored, pfn);
		return 0;
	}
	xl_bitmap_set(&f->stored, pfn);
	xl_bitmap_clear(&f->stale, pfn);
	return put_data(x, f, xl_elf_page_offset(f, pfn), page);
}

/* Make holes of the pages that became zero, all at once: a hole costs a transaction of the file
 * system, and the page may not stay zero. */
static int punch_stale(struct xl_ctx *x, struct xl_elf *f)
{
	xl_pfn_t pfn = xl_bitmap_next(&f->stale, 0);

	while (pfn < f->stale.nbits) {
		uint64_t start = xl_elf_page_offset(f, pfn), end = start;
		int r;

		do {
			end += XL_PAGE_SIZE;
			pfn = xl_bitmap_next(&f->stale, pfn + 1);
		} while (pfn < f->stale.nbits && xl_elf_page_offset(f, pfn) == end);

		r = xl_sink_punch(x, f->sink, start, end - start);
		if (r < 0)
			return r;
	}
	return 0;
}

static int elf_seal(struct xl_ctx *x, struct xl_format *format, const struct xl_cut *cut)
{
	struct xl_elf *f = elf_of(format);
	int r;

	r = flush(x, f);
	if (r == 0 && f->raw)
		xl_elf_raw_drop(f, cut);
	if (r == 0)
		r = punch_stale(x, f);
	if (r < 0)
		return r;
	return xl_elf_seal(x, f, cut);
}

static const struct xl_format_ops elf_ops = {
	.put = elf_put,
	.seal = elf_seal,
	.close = elf_close,
};

int xl_elf_open(struct xl_ctx *x, const struct xl_layout *layout, struct xl_sink *sink,
		const struct xl_format_params *params, struct xl_format **ret)
{
	_cleanup_(elf_closep) struct xl_elf *f = calloc(1, sizeof(*f));
	uint64_t slots;

	if (layout->nr_pfns > XL_MAX_PFNS || layout->vcpus > XL_MAX_VCPUS)
		return xl_err(x, -E2BIG, "ELF file of %" PRIu64 " pages and %" PRIu32 " vCPUs",
			      layout->nr_pfns, layout->vcpus);
	if (!f)
		return xl_err(x, -ENOMEM, "open the ELF file");
	f->format.ops = &elf_ops;
	f->sink = sink;
	f->sections_only = params->format != XLDUMP_FORMAT_ELF;
	f->raw = params->format == XLDUMP_FORMAT_XENCORE_RAW;
	slots = f->raw ? xl_elf_raw_slots(layout->nr_pfns) : layout->nr_pfns;
	f->buf = malloc(XL_ELF_BUF_SIZE);
	f->digest = calloc(slots + 1, sizeof(*f->digest));
	if (!f->buf || !f->digest ||
	    xl_elf_slots_init(f, layout->nr_pfns, layout->present, &f->slots) < 0 ||
	    xl_bitmap_init(&f->known, slots) < 0 || xl_bitmap_init(&f->stored, slots) < 0 ||
	    xl_bitmap_init(&f->stale, slots) < 0)
		return xl_err(x, -ENOMEM,
			      "allocate an index of %" PRIu64 " pages", layout->nr_pfns);
	xl_elf_place(f, xl_notes_max(layout->vcpus) + layout->more_notes);
	xl_sink_set_record(sink, XL_PAGE_SIZE);
	*ret = &XL_TAKE_PTR(f)->format;
	return 0;
}
