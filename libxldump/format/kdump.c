/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kdump-compressed: pages as they come.
 *
 * Where a page lies is known in memory, 8 bytes for each, and written last; so a page can be put
 * any number of times, and its older bytes are forgotten.  Pages are compressed in batches, by some
 * threads, and stored in the order in which they came: the file does not depend on the threads.
 */
#include "format/kdump.h"

#include <inttypes.h>

#include "base/bytes.h"
#include "format/digest.h"
#include "format/kdump_format.h"
#include "format/kdump_pages.h"
#include "format/kdump_private.h"
#include "format/kdump_records.h"
#include "format/kdump_seal.h"
#include "format/notes.h"

static struct xl_kdump *kdump_of(struct xl_format *f)
{
	return (struct xl_kdump *)f;
}

static uint32_t flag_of(enum xldump_codec codec)
{
	switch (codec) {
	case XLDUMP_CODEC_ZLIB:
		return KDUMP_ZLIB;
	case XLDUMP_CODEC_LZO:
		return KDUMP_LZO;
	case XLDUMP_CODEC_SNAPPY:
		return KDUMP_SNAPPY;
	case XLDUMP_CODEC_ZSTD:
		return KDUMP_ZSTD;
	default:
		return 0;
	}
}

static void kdump_close(struct xl_format *format)
{
	struct xl_kdump *f = kdump_of(format);

	xl_packer_close(f->packer);
	xl_same_deinit(&f->same);
	xl_store_deinit(&f->store);
	free(f->place);
	free(f->digest);
	free(f->pages);
	free(f->packed);
	free(f);
}

static void kdump_closep(struct xl_kdump **f)
{
	if (*f)
		kdump_close(&(*f)->format);
}

/* Where the pages begin: behind what header, notes, bitmaps and descriptors can need at most. */
static uint64_t pages_start(const struct xl_layout *l)
{
	uint64_t notes = xl_notes_max(l->vcpus) + l->more_notes + xl_kdump_records_note_max();

	return (1 + xl_kdump_blocks(KDUMP_SUB_SIZE + notes) +
		4 * xl_kdump_blocks(l->nr_pfns / 8 + 1) +
		xl_kdump_blocks(l->nr_pfns * KDUMP_DESC_SIZE)) *
	       KDUMP_BLOCK;
}

/* Compress and store what has been collected. */
static int finish_batch(struct xl_ctx *x, struct xl_kdump *f)
{
	size_t n = f->batch;

	f->batch = 0;
	xl_packer_run(f->packer, f->pack, n);
	for (size_t i = 0; i < n; i++) {
		const struct xl_pack *p = &f->pack[i];
		bool raw = p->size == XL_PAGE_SIZE;
		xl_place_t at;
		int r = xl_store_put(x, &f->store, raw ? p->page : p->out, p->size, &at);

		if (r < 0)
			return r;
		if (f->item[i].same >= 0)
			f->same.entry[f->item[i].same].at = at;
		else
			f->place[f->item[i].pfn] = at;
	}
	return 0;
}

/* Whether the page waits in the batch, itself or as one that equals it. */
static bool waits(const struct xl_kdump *f, xl_pfn_t pfn)
{
	xl_place_t at = f->place[pfn];

	return at == XL_PLACE_BATCH ||
	       (at & XL_PLACE_SAME && f->same.entry[(uint32_t)at].at == XL_PLACE_NONE);
}

static int add_to_batch(struct xl_ctx *x, struct xl_kdump *f, xl_pfn_t pfn, int64_t same,
			const void *page)
{
	size_t i = f->batch++;
	uint8_t *copy = f->pages + i * XL_PAGE_SIZE;

	memcpy(copy, page, XL_PAGE_SIZE);
	f->pack[i] = (struct xl_pack){ .page = copy, .out = f->packed + i * XL_PACKED_MAX };
	f->item[i] = (struct xl_kdump_item){ pfn, same };
	return f->batch == XL_KDUMP_BATCH ? finish_batch(x, f) : 0;
}

static int kdump_put(struct xl_ctx *x, struct xl_format *format, xl_pfn_t pfn, const void *page)
{
	struct xl_kdump *f = kdump_of(format);
	xl_pfn_t moved;
	xl_place_t moved_to;
	uint32_t entry;
	bool is_new;

	if (pfn >= f->nr_pfns)
		return xl_err(x, -EINVAL, "page %#" PRIx64 " of only %#" PRIx64, pfn, f->nr_pfns);
	if (waits(f, pfn)) {
		int r = finish_batch(x, f);

		if (r < 0)
			return r;
	}
	xl_kdump_forget(f, pfn);
	f->digest[pfn] = xl_digest_page(page);
	if (!f->digest[pfn]) { /* zeros */
		f->place[pfn] = XL_PLACE_ZERO;
		return 0;
	}
	if (xl_same_take(&f->same, pfn, page, &entry, &is_new, &moved, &moved_to) < 0) {
		f->place[pfn] = XL_PLACE_BATCH;
		return add_to_batch(x, f, pfn, -1, page);
	}
	if (moved != XL_INVALID_FRAME)
		f->place[moved] = moved_to;
	f->place[pfn] = XL_PLACE_SAME | entry;
	return is_new ? add_to_batch(x, f, pfn, entry, page) : 0;
}

static int kdump_seal(struct xl_ctx *x, struct xl_format *format, const struct xl_cut *cut)
{
	struct xl_kdump *f = kdump_of(format);
	int r = finish_batch(x, f);

	return r < 0 ? r : xl_kdump_seal(x, f, cut);
}

static const struct xl_format_ops kdump_ops = {
	.put = kdump_put,
	.seal = kdump_seal,
	.close = kdump_close,
};

int xl_kdump_open(struct xl_ctx *x, const struct xl_layout *layout, struct xl_sink *sink,
		  const struct xl_format_params *params, struct xl_format **ret)
{
	_cleanup_(kdump_closep) struct xl_kdump *f = calloc(1, sizeof(*f));
	enum xldump_codec codec =
		params->codec == XLDUMP_CODEC_DEFAULT ? XLDUMP_CODEC_ZLIB : params->codec;
	int r;

	if (layout->nr_pfns > XL_MAX_PFNS || layout->vcpus > XL_MAX_VCPUS)
		return xl_err(x, -E2BIG, "kdump file of %" PRIu64 " pages and %" PRIu32 " vCPUs",
			      layout->nr_pfns, layout->vcpus);
	if (!f)
		return xl_err(x, -ENOMEM, "open the kdump file");
	f->format.ops = &kdump_ops;
	f->sink = sink;
	f->nr_pfns = layout->nr_pfns;
	f->start = pages_start(layout);
	f->page_flag = flag_of(codec);
	/* Pages that do not exist cost no memory: it is not touched. */
	f->place = calloc(f->nr_pfns + 1, sizeof(*f->place));
	f->digest = calloc(f->nr_pfns + 1, sizeof(*f->digest));
	f->pages = malloc(XL_KDUMP_BATCH * XL_PAGE_SIZE);
	f->packed = malloc(XL_KDUMP_BATCH * XL_PACKED_MAX);
	if (!f->place || !f->digest || !f->pages || !f->packed ||
	    xl_same_init(&f->same, f->nr_pfns) < 0 || xl_store_init(&f->store, sink, f->start) < 0)
		return xl_err(x, -ENOMEM, "allocate an index of %" PRIu64 " pages", f->nr_pfns);
	r = xl_packer_open(x, xl_codec_of(codec), params->level,
			   xl_packer_threads(params->threads), &f->packer);
	if (r < 0)
		return r;
	*ret = &XL_TAKE_PTR(f)->format;
	return 0;
}
