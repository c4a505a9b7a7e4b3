/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completes a kdump file: everything in front of the pages, and behind them. */
#include "format/kdump_seal.h"

#include <inttypes.h>

#include "base/bytes.h"
#include "format/kdump_format.h"
#include "format/kdump_pages.h"
#include "format/kdump_records.h"
#include "format/notes.h"
#include "format/notes_format.h"

/* Where Xen puts its own pages, such as rings, in guests that are not PV: pfns in the hole for
 * devices (xen HVM_BELOW_4G_MMIO_START). */
#define XEN_PAGES_START 0xf0000
#define XEN_PAGES_END 0x100000

struct seal {
	struct xl_kdump *f;
	const struct xl_cut *cut;
	uint64_t pages, max_mapnr; /* the latter: the last pfn + 1 */
	uint64_t sub_blocks, bitmap_blocks; /* the latter of both bitmaps */
	uint64_t kernel_blocks; /* see kernel_memory(); 0: nothing to be done */
	xl_place_t zero;
	struct xl_blob notes;
	uint64_t notes_offset;
	struct xl_notes_places text;
	size_t file_size; /* that number, inside the notes */
	struct xl_kdump_records records;
	struct xl_out out;
};

static void seal_closep(struct seal **s)
{
	if (*s) {
		xl_blob_deinit(&(*s)->notes);
		xl_kdump_records_deinit(&(*s)->records);
	}
	free(*s);
}

static int check_pages(struct xl_ctx *x, struct seal *s)
{
	const struct xl_bitmap *present = &s->cut->present;

	for (xl_pfn_t pfn = xl_bitmap_next(present, 0); pfn < present->nbits;
	     pfn = xl_bitmap_next(present, pfn + 1)) {
		if (pfn >= s->f->nr_pfns || s->f->place[pfn] == XL_PLACE_NONE)
			return xl_err(x, -EINVAL, "page %#" PRIx64 " was never read", pfn);
		s->pages++;
		s->max_mapnr = pfn + 1;
	}
	/* Pages that were left out are pages of the guest's memory. */
	for (xl_pfn_t pfn = s->max_mapnr; s->cut->excluded.nbits; pfn = s->max_mapnr) {
		pfn = xl_bitmap_next(&s->cut->excluded, pfn);
		if (pfn >= s->cut->excluded.nbits)
			break;
		s->max_mapnr = pfn + 1;
	}
	return 0;
}

static void forget_others(struct seal *s)
{
	for (xl_pfn_t pfn = 0; pfn < s->f->nr_pfns; pfn++) {
		if (s->f->place[pfn] != XL_PLACE_NONE && !xl_bitmap_test(&s->cut->present, pfn))
			xl_kdump_forget(s->f, pfn);
	}
}

static int make_notes(struct xl_ctx *x, struct seal *s)
{
	int r;

	xl_notes_add(&s->notes, s->cut, &s->text);
	r = xl_notes_provenance(&s->notes, s->cut, s->pages);
	s->file_size = xl_kdump_records_note(&s->records, &s->notes);
	if (r < 0 || s->notes.failed)
		return xl_err(x, -ENOMEM, "notes of %" PRIu32 " vCPUs", s->cut->vcpus);
	return 0;
}

/* makedumpfile looks for the second bitmap not where the header says but behind a first one that is as
 * long as the memory the kernel knows of (get_mm_sparsemem(), copy_bitmap_file()).  Nothing but
 * Xen's own pages below 4 GiB is above that, in guests that are not PV and have no more memory.  So
 * there, too, is the second bitmap, in a part of the first one that says of pages which nobody has
 * that they were left out.  The blocks of it: one is for 128 MiB, a section of the kernel's. */
static uint64_t kernel_memory(const struct seal *s)
{
	const struct xl_bitmap *present = &s->cut->present;
	xl_pfn_t end = 0;

	if (s->cut->type == XLDUMP_GUEST_PV || s->max_mapnr <= XEN_PAGES_START ||
	    s->max_mapnr > XEN_PAGES_END)
		return 0;
	for (xl_pfn_t pfn = 0; pfn < XEN_PAGES_START; pfn++)
		if (xl_bitmap_test(present, pfn) || xl_bitmap_test(&s->cut->excluded, pfn))
			end = pfn + 1;
	return xl_kdump_blocks((end + 7) / 8);
}

/* The bitmaps are no longer than the memory that there is: makedumpfile takes the place of the second
 * one from the memory that the kernel knows of, not from the header.  The notes are behind the sub
 * header; or behind the records, should more vCPUs have come than there is room for, and readers go
 * where the sub header says. */
static void plan_front(struct seal *s)
{
	uint64_t tables, size = s->records.end;

	s->notes_offset = KDUMP_BLOCK + KDUMP_SUB_SIZE;
	s->sub_blocks = xl_kdump_blocks(KDUMP_SUB_SIZE + s->notes.len);
	s->bitmap_blocks = 2 * xl_kdump_blocks((s->max_mapnr + 7) / 8);
	s->kernel_blocks = kernel_memory(s);
	if (s->bitmap_blocks < 4 * s->kernel_blocks)
		s->bitmap_blocks = 4 * s->kernel_blocks;
	tables = s->bitmap_blocks * KDUMP_BLOCK + s->pages * KDUMP_DESC_SIZE;
	if ((1 + s->sub_blocks) * KDUMP_BLOCK + tables > s->f->start) {
		s->notes_offset = xl_align_up(s->records.end, 4);
		s->sub_blocks = 1;
		size = s->notes_offset + s->notes.len;
	}
	xl_put_le64(s->notes.data + s->file_size, size);
}

static void put_text(uint8_t *p, const char *text, size_t size)
{
	memcpy(p, text, strnlen(text, size - 1));
}

static void write_header(struct seal *s)
{
	const struct xl_kernel *k = &s->cut->kernel;
	const char *const uts[] = { k->sysname, k->nodename, k->release, k->version,
				    k->machine[0] ? k->machine : "x86_64", k->domainname };
	uint64_t n = s->max_mapnr;
	uint8_t h[KDUMP_BLOCK] = { 0 };

	memcpy(h, KDUMP_SIGNATURE, 8);
	xl_put_le32(h + KDUMP_VERSION, 6);
	for (size_t i = 0; i < XL_ARRAY_SIZE(uts); i++)
		put_text(h + KDUMP_UTSNAME + i * KDUMP_UTSNAME_FIELD, uts[i], KDUMP_UTSNAME_FIELD);
	xl_put_le64(h + KDUMP_TV_SEC, (uint64_t)s->cut->instant.tv_sec);
	xl_put_le32(h + KDUMP_STATUS, s->f->page_flag);
	xl_put_le32(h + KDUMP_BLOCK_SIZE, KDUMP_BLOCK);
	xl_put_le32(h + KDUMP_SUB_HDR_SIZE, (uint32_t)s->sub_blocks);
	xl_put_le32(h + KDUMP_BITMAP_BLOCKS, (uint32_t)s->bitmap_blocks);
	xl_put_le32(h + KDUMP_MAX_MAPNR, n < UINT32_MAX ? (uint32_t)n : UINT32_MAX);
	xl_put_le32(h + KDUMP_NR_CPUS, xl_notes_vcpus(s->cut));
	xl_out_bytes(&s->out, h, sizeof(h));
}

static void write_sub_header(struct seal *s)
{
	const struct xl_kernel *k = &s->cut->kernel;
	uint8_t h[KDUMP_SUB_SIZE] = { 0 };

	xl_put_le64(h + KDUMP_SUB_PHYS_BASE, (uint64_t)k->phys_base);
	xl_put_le32(h + KDUMP_SUB_DUMP_LEVEL, s->cut->dump_level);
	if (s->text.vmcoreinfo) {
		xl_put_le64(h + KDUMP_SUB_VMCOREINFO, s->notes_offset + s->text.vmcoreinfo);
		xl_put_le64(h + KDUMP_SUB_VMCOREINFO_SIZE, k->vmcoreinfo_len);
	}
	if (s->text.eraseinfo) {
		xl_put_le64(h + KDUMP_SUB_ERASEINFO, s->notes_offset + s->text.eraseinfo);
		xl_put_le64(h + KDUMP_SUB_ERASEINFO_SIZE, s->cut->kept.eraseinfo_len);
	}
	xl_put_le64(h + KDUMP_SUB_NOTE, s->notes_offset);
	xl_put_le64(h + KDUMP_SUB_NOTE_SIZE, s->notes.len);
	xl_put_le64(h + KDUMP_SUB_MAX_MAPNR_64, s->max_mapnr);
	xl_out_bytes(&s->out, h, sizeof(h));
}

#define WORDS_PER_BLOCK (KDUMP_BLOCK / 8)

static uint64_t word_of(const struct xl_bitmap *b, uint64_t i)
{
	return i < xl_bitmap_words(b->nbits) ? b->word[i] : 0;
}

/* Pages that exist, with the second bitmap in it once more, or pages that are in the file. */
static void write_bitmap(struct seal *s, uint64_t offset, bool first)
{
	const struct xl_bitmap *present = &s->cut->present;
	uint64_t again = first ? s->kernel_blocks * WORDS_PER_BLOCK : 0;

	(void)xl_out_seek(&s->out, offset);
	for (uint64_t i = 0; i < s->bitmap_blocks / 2 * WORDS_PER_BLOCK; i++)
		xl_out_u64(&s->out, word_of(present, i) |
					    (first ? word_of(&s->cut->excluded, i) : 0) |
					    (i >= again && i < 2 * again ?
						     word_of(present, i - again) :
						     0));
}

static void write_descriptors(struct seal *s)
{
	const struct xl_bitmap *present = &s->cut->present;

	for (xl_pfn_t pfn = xl_bitmap_next(present, 0); pfn < present->nbits;
	     pfn = xl_bitmap_next(present, pfn + 1)) {
		xl_place_t at = xl_kdump_place(s->f, pfn);
		uint8_t d[KDUMP_DESC_SIZE] = { 0 };

		if (at == XL_PLACE_ZERO)
			at = s->zero;
		xl_put_le64(d + KDUMP_DESC_OFFSET, xl_place_offset(at));
		xl_put_le32(d + KDUMP_DESC_LENGTH, (uint32_t)xl_place_size(at));
		xl_put_le32(d + KDUMP_DESC_FLAGS,
			    xl_place_size(at) < XL_PAGE_SIZE ? s->f->page_flag : 0);
		xl_out_bytes(&s->out, d, sizeof(d));
	}
}

static int write_all(struct seal *s)
{
	uint64_t bitmaps = (1 + s->sub_blocks) * KDUMP_BLOCK;
	bool in_front = s->notes_offset < bitmaps;
	int r;

	(void)xl_out_seek(&s->out, 0);
	write_header(s);
	write_sub_header(s);
	if (in_front)
		xl_out_bytes(&s->out, s->notes.data, s->notes.len);
	write_bitmap(s, bitmaps, true);
	write_bitmap(s, bitmaps + s->bitmap_blocks / 2 * KDUMP_BLOCK, false);
	write_descriptors(s);
	r = xl_kdump_records_write(&s->records, &s->out);
	if (r == 0 && !in_front) {
		(void)xl_out_seek(&s->out, s->notes_offset);
		xl_out_bytes(&s->out, s->notes.data, s->notes.len);
	}
	return r < 0 ? r : xl_out_flush(&s->out);
}

/* How large the records are: the notes say where they lie. */
static int measure(struct xl_ctx *x, struct seal *s)
{
	_cleanup_(xl_sink_closep) struct xl_sink *nowhere = NULL;
	int r = xl_digest_sink_open(x, &s->records.pages, &nowhere);

	s->out.sink = nowhere;
	return r < 0 ? r : xl_kdump_records_write(&s->records, &s->out);
}

static int take_digest(struct xl_ctx *x, struct seal *s)
{
	_cleanup_(xl_sink_closep) struct xl_sink *digest = NULL;
	int r = xl_digest_sink_open(x, &s->records.pages, &digest);

	s->out.sink = digest;
	if (r == 0)
		r = write_all(s);
	if (r == 0)
		s->records.meta = xl_digest_sink_get(digest);
	return r;
}

int xl_kdump_seal(struct xl_ctx *x, struct xl_kdump *f, const struct xl_cut *cut)
{
	static const uint8_t zeros[XL_PAGE_SIZE];
	_cleanup_(seal_closep) struct seal *s = calloc(1, sizeof(*s));
	int r;

	if (cut->vcpus > XL_MAX_VCPUS)
		return xl_err(x, -E2BIG, "kdump file of %" PRIu32 " vCPUs", cut->vcpus);
	if (cut->narrow)
		return xl_err(x, -EINVAL, "kdump file of a 32-bit PV guest");
	if (!s)
		return xl_err(x, -ENOMEM, "complete the kdump file");
	s->f = f;
	s->cut = cut;
	s->out.x = x;
	r = check_pages(x, s);
	if (r < 0)
		return r;
	forget_others(s);
	r = xl_store_put(x, &f->store, zeros, sizeof(zeros), &s->zero);
	if (r == 0)
		r = xl_store_finish(x, &f->store);
	if (r < 0)
		return r;
	if (xl_kdump_records_init(&s->records, f, cut) < 0)
		return xl_err(x, -ENOMEM, "registers of %" PRIu32 " vCPUs", cut->vcpus);
	r = measure(x, s);
	if (r == 0)
		r = make_notes(x, s);
	if (r < 0)
		return r;
	plan_front(s);
	r = take_digest(x, s);
	s->out.sink = f->sink;
	return r < 0 ? r : write_all(s);
}
