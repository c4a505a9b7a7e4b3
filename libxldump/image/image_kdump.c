/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kdump-compressed files, versions 3 to 6, of x86_64. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/kdump_format.h"
#include "format/slots.h"
#include "guest/kernel.h"
#include "guest/vmcoreinfo.h"
#include "image/image_private.h"

/* Compressed bytes of one page are fewer than its own, but writers exist that keep a few more. */
#define COMPRESSED_MAX (2 * XL_PAGE_SIZE)

#define WORDS_PER_BLOCK (KDUMP_BLOCK / 8)

#define OLDEST 3
#define NEWEST 6

static void take_names(struct xl_image *img, const uint8_t *head)
{
	for (size_t i = 0; i < XL_ARRAY_SIZE(img->kdump.uts); i++) {
		char *name = img->kdump.uts[i];

		memcpy(name, head + KDUMP_UTSNAME + i * KDUMP_UTSNAME_FIELD, KDUMP_UTSNAME_FIELD);
		name[KDUMP_UTSNAME_FIELD - 1] = '\0';
		for (char *p = name; *p; p++)
			if (*p < ' ' || *p > '~')
				*p = '?';
	}
}

/* Files of other machines have the same mark; of x86_64 some writers leave the name out, and QEMU does
 * not know it. */
static int check_machine(struct xl_ctx *x, const struct xl_image *img)
{
	static const char *const ours[] = { "x86_64", "", "64", "Unknown" };
	const char *machine = img->kdump.uts[4];

	for (size_t i = 0; i < XL_ARRAY_SIZE(ours); i++)
		if (!strcmp(machine, ours[i]))
			return 0;
	return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
		       "a kdump file of the machine %s (offset %d): only x86_64 is known", machine,
		       KDUMP_UTSNAME + 4 * KDUMP_UTSNAME_FIELD);
}

/* What is in the headers, as far as it is needed. */
struct layout {
	uint64_t max_mapnr, bitmap, bitmap_bytes; /* of one of the two */
	uint64_t vmcoreinfo, vmcoreinfo_size, note, note_size, eraseinfo, eraseinfo_size;
};

static int read_header(struct xl_ctx *x, struct xl_image *img, struct layout *l)
{
	uint8_t h[KDUMP_HEADER_SIZE];
	uint64_t sub_size, bitmap_blocks;

	if (xl_imgfile_read(img->file, 0, h, sizeof(h)) < 0)
		return xl_image_bad(x, "the file is cut off within the kdump header");
	img->kdump.version = xl_get_le32(h + KDUMP_VERSION);
	img->kdump.status = xl_get_le32(h + KDUMP_STATUS);
	img->kdump.block_size = xl_get_le32(h + KDUMP_BLOCK_SIZE);
	img->kdump.time = xl_get_le64(h + KDUMP_TV_SEC);
	img->kdump.nr_cpus = xl_get_le32(h + KDUMP_NR_CPUS);
	take_names(img, h);
	if (img->kdump.version > NEWEST && __builtin_bswap32(img->kdump.version) <= NEWEST)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "a kdump file of a big-endian machine: only x86_64 is known");
	if (img->kdump.version < OLDEST || img->kdump.version > NEWEST)
		return xl_image_bad(x, "kdump-compressed of version %u (offset %d); %d to %d are known",
				    img->kdump.version, KDUMP_VERSION, OLDEST, NEWEST);
	if (check_machine(x, img) < 0)
		return -EOPNOTSUPP;
	if (img->kdump.block_size != KDUMP_BLOCK)
		return xl_image_bad(x, "blocks of %u bytes (offset %d) instead of %d: not of x86_64",
				    img->kdump.block_size, KDUMP_BLOCK_SIZE, KDUMP_BLOCK);
	sub_size = xl_get_le32(h + KDUMP_SUB_HDR_SIZE);
	bitmap_blocks = xl_get_le32(h + KDUMP_BITMAP_BLOCKS);
	l->max_mapnr = xl_get_le32(h + KDUMP_MAX_MAPNR);
	l->bitmap = (1 + sub_size) * KDUMP_BLOCK;
	l->bitmap_bytes = bitmap_blocks / 2 * KDUMP_BLOCK;
	img->kdump.descs = l->bitmap + bitmap_blocks * KDUMP_BLOCK;
	return 0;
}

static int read_sub_header(struct xl_ctx *x, struct xl_image *img, struct layout *l)
{
	uint8_t s[KDUMP_SUB_SIZE] = { 0 };

	if (xl_imgfile_read(img->file, KDUMP_BLOCK, s, sizeof(s)) < 0)
		return xl_image_bad(x, "the file is cut off within the kdump sub header");
	img->kdump.phys_base = xl_get_le64(s + KDUMP_SUB_PHYS_BASE);
	img->kdump.dump_level = xl_get_le32(s + KDUMP_SUB_DUMP_LEVEL);
	if (xl_get_le32(s + KDUMP_SUB_SPLIT))
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "one of several files of a split dump; `makedumpfile --reassemble` "
			       "makes one of them");
	l->vmcoreinfo = xl_get_le64(s + KDUMP_SUB_VMCOREINFO);
	l->vmcoreinfo_size = xl_get_le64(s + KDUMP_SUB_VMCOREINFO_SIZE);
	if (img->kdump.version >= 4) {
		l->note = xl_get_le64(s + KDUMP_SUB_NOTE);
		l->note_size = xl_get_le64(s + KDUMP_SUB_NOTE_SIZE);
	}
	if (img->kdump.version >= 5) {
		l->eraseinfo = xl_get_le64(s + KDUMP_SUB_ERASEINFO);
		l->eraseinfo_size = xl_get_le64(s + KDUMP_SUB_ERASEINFO_SIZE);
	}
	if (img->kdump.version >= 6)
		l->max_mapnr = xl_get_le64(s + KDUMP_SUB_MAX_MAPNR_64);
	return 0;
}

static int load_bitmap(struct xl_ctx *x, struct xl_image *img, const struct layout *l,
		       uint64_t offset, struct xl_bitmap *ret)
{
	int r;

	if (xl_bitmap_init(ret, l->max_mapnr) < 0)
		return xl_err(x, -ENOMEM, "bitmap of %" PRIu64 " pages", l->max_mapnr);
	r = xl_imgfile_read(img->file, offset, ret->word, (l->max_mapnr + 7) / 8);
	if (r < 0)
		return xl_err(x, r, "read the bitmap at offset %#" PRIx64, offset);
	if (l->max_mapnr % 64) /* bits behind the last page mean nothing */
		ret->word[l->max_mapnr / 64] &= ((uint64_t)1 << (l->max_mapnr % 64)) - 1;
	return 0;
}

static void count_excluded(struct xl_image *img)
{
	img->kdump.excluded = 0;
	for (size_t i = 0; i < xl_bitmap_words(img->kdump.ram.nbits); i++)
		img->kdump.excluded += (unsigned)__builtin_popcountll(img->kdump.ram.word[i] &
								      ~img->slots->present.word[i]);
}

/* Whether all that the first bitmap has from block k on, and the second has not, is the second one's
 * first k blocks once more. */
static bool repeats_from(const struct xl_image *img, size_t k)
{
	const uint64_t *ram = img->kdump.ram.word, *present = img->slots->present.word;
	size_t words = xl_bitmap_words(img->kdump.ram.nbits), first = k * WORDS_PER_BLOCK;

	for (size_t i = first; i < words; i++) {
		uint64_t again = i < 2 * first ? present[i - first] & ~present[i] : 0;

		if ((ram[i] & ~present[i]) != again)
			return false;
	}
	return true;
}

/* Files of ours have the second bitmap once more in a part of the first one that is about no page
 * (kdump_seal.c, kernel_memory()): not pages that were left out. */
static void forget_repeated(struct xl_image *img)
{
	size_t words = xl_bitmap_words(img->kdump.ram.nbits);

	for (size_t k = 1; k * WORDS_PER_BLOCK < words; k++) {
		if (!repeats_from(img, k))
			continue;
		for (size_t i = k * WORDS_PER_BLOCK; i < words; i++)
			img->kdump.ram.word[i] &= img->slots->present.word[i];
		count_excluded(img);
		return;
	}
}

static int read_bitmaps(struct xl_ctx *x, struct xl_image *img, const struct layout *l)
{
	struct xl_bitmap dumped = { 0 };
	uint64_t room;
	int r;

	if (l->max_mapnr > XL_MAX_PFNS || l->bitmap_bytes < (l->max_mapnr + 7) / 8)
		return xl_image_bad(x, "bitmaps of %#" PRIx64 " bytes at offset %#" PRIx64
				    " are too small for %" PRIu64 " pages", l->bitmap_bytes, l->bitmap,
				    l->max_mapnr);
	if (!xl_imgfile_inside(img->file, l->bitmap, 2 * l->bitmap_bytes))
		return xl_image_bad(x, "bitmaps of %#" PRIx64 " bytes each at offset %#" PRIx64
				    " are beyond the end of the file, %#" PRIx64, l->bitmap_bytes,
				    l->bitmap, img->size);
	r = load_bitmap(x, img, l, l->bitmap, &img->kdump.ram);
	if (r == 0)
		r = load_bitmap(x, img, l, l->bitmap + l->bitmap_bytes, &dumped);
	img->slots = calloc(1, sizeof(*img->slots));
	if (r == 0 && (!img->slots || xl_slots_init(img->slots, l->max_mapnr, &dumped) < 0))
		r = xl_err(x, -ENOMEM, "allocate an index of %" PRIu64 " pages", l->max_mapnr);
	xl_bitmap_deinit(&dumped);
	if (r < 0)
		return r;

	img->nr_pfns = l->max_mapnr;
	img->pages = img->slots->count;
	count_excluded(img);
	room = img->kdump.descs < img->size ? img->size - img->kdump.descs : 0;
	if (img->pages > room / KDUMP_DESC_SIZE)
		return xl_image_bad(x, "descriptors of %" PRIu64 " pages at offset %#" PRIx64
				    " are beyond the end of the file, %#" PRIx64, img->pages,
				    img->kdump.descs, img->size);
	return 0;
}

/* Before version 4 the text stands alone; later it is one of the notes. */
static int read_text(struct xl_ctx *x, struct xl_image *img, const struct layout *l)
{
	uint8_t *text;
	int r;

	if (!l->vmcoreinfo_size)
		return 0;
	r = xl_imgfile_load(x, img->file, l->vmcoreinfo, l->vmcoreinfo_size,
			    XL_VMCOREINFO_MAX, "VMCOREINFO", &text);
	if (r < 0)
		return r;
	img->vmcoreinfo_copy = (char *)text;
	return 0;
}

/* What was erased from the dump stands alone, too; in a file of ours it is a note besides. */
static int read_eraseinfo(struct xl_ctx *x, struct xl_image *img, const struct layout *l)
{
	for (size_t i = 0; i < img->notes; i++)
		if (!strcmp(img->note[i].name, "ERASEINFO"))
			return 0;
	if (!l->eraseinfo_size)
		return 0;
	return xl_image_text_note(x, img, "ERASEINFO", l->eraseinfo, l->eraseinfo_size);
}

/* ---- records ---- */

#define SHT_PROGBITS 1

static int take_record(struct xl_ctx *x, struct xl_image *img, const uint8_t *p, uint64_t at)
{
	struct xl_image_section *s = &img->section[img->sections];

	if (!memchr(p, '\0', KDUMP_RECORD_NAME))
		return xl_image_bad(x, "the name of the record at offset %#" PRIx64 " does not end where "
				    "it should", at);
	(void)snprintf(s->name, sizeof(s->name), "%s", (const char *)p);
	s->type = SHT_PROGBITS;
	s->offset = xl_get_le64(p + KDUMP_RECORD_OFFSET);
	s->size = xl_get_le64(p + KDUMP_RECORD_BYTES);
	if (!xl_imgfile_inside(img->file, s->offset, s->size))
		return xl_image_bad(x, "record at offset %#" PRIx64 ": %#" PRIx64 " bytes at offset %#"
				    PRIx64 " are beyond the end of the file, %#" PRIx64, at, s->size,
				    s->offset, img->size);
	img->sections++;
	return 0;
}

/* What is in sections elsewhere: a note says where it is, if it is still of this file. */
static int read_records(struct xl_ctx *x, struct xl_image *img)
{
	const struct xl_image_section *xen;
	struct xl_image_note note = { 0 };
	size_t n;
	int r = 0;

	for (size_t i = 0; i < img->notes && !note.desc; i++)
		if (!strcmp(img->note[i].name, "XLDUMP") &&
		    img->note[i].type == KDUMP_RECORDS_NOTE_TYPE)
			note = img->note[i];
	if (!note.desc)
		return 0;
	img->kdump.records_lost = note.size < KDUMP_RECORDS_HEAD ||
				  xl_get_le64(note.desc) != img->size;
	if (img->kdump.records_lost)
		return 0;
	forget_repeated(img);
	n = (note.size - KDUMP_RECORDS_HEAD) / KDUMP_RECORD_SIZE;
	img->section = calloc(n + 1, sizeof(*img->section));
	if (!img->section)
		return xl_err(x, -ENOMEM, "list of %zu records", n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = take_record(x, img, note.desc + KDUMP_RECORDS_HEAD + i * KDUMP_RECORD_SIZE,
				note.offset + KDUMP_RECORDS_HEAD + i * KDUMP_RECORD_SIZE);
	xen = xl_image_section(img, ".note.Xen");
	if (r == 0 && xen)
		r = xl_image_read_notes(x, img, xen->offset, xen->size, xen->name);
	return r < 0 ? r : xl_image_open_records(x, img);
}

static int open_kdump(struct xl_ctx *x, struct xl_image *img)
{
	struct layout l = { 0 };
	int r;

	img->kind = XL_IMAGE_KDUMP;
	r = read_header(x, img, &l);
	if (r == 0)
		r = read_sub_header(x, img, &l);
	if (r == 0)
		r = read_text(x, img, &l);
	if (r == 0 && l.note_size)
		r = xl_image_read_notes(x, img, l.note, l.note_size, "notes of the kdump file");
	if (r == 0)
		r = read_eraseinfo(x, img, &l);
	if (r == 0)
		r = read_bitmaps(x, img, &l);
	return r < 0 ? r : read_records(x, img);
}

/* ---- pages ---- */

static xl_pfn_t kdump_next(const struct xl_image *img, xl_pfn_t pfn)
{
	return xl_bitmap_next(&img->slots->present, pfn);
}

static xl_pfn_t kdump_next_stored(struct xl_image *img, xl_pfn_t pfn)
{
	return kdump_next(img, pfn);
}

static int find_page(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn, uint64_t *ret_offset,
		     uint64_t *ret_size, uint32_t *ret_flags)
{
	uint64_t at = img->kdump.descs + xl_slots_rank(img->slots, pfn) * KDUMP_DESC_SIZE;
	uint8_t d[KDUMP_DESC_SIZE];
	int r = xl_imgfile_read(img->file, at, d, sizeof(d));

	if (r < 0)
		return xl_err(x, r, "read the descriptor of page %#" PRIx64 " at offset %#" PRIx64,
			      pfn, at);
	*ret_offset = xl_get_le64(d + KDUMP_DESC_OFFSET);
	*ret_size = xl_get_le32(d + KDUMP_DESC_LENGTH);
	*ret_flags = xl_get_le32(d + KDUMP_DESC_FLAGS);
	if (*ret_size > COMPRESSED_MAX || !xl_imgfile_inside(img->file, *ret_offset, *ret_size))
		return xl_image_bad(x,
				    "page %#" PRIx64 ": its descriptor at offset %#" PRIx64 " "
				    "points to %#" PRIx64 " bytes at offset %#" PRIx64 ", which is "
				    "impossible", pfn, at, *ret_size, *ret_offset);
	if (*ret_offset == 0)
		return xl_image_bad(x, "page %#" PRIx64 ": its descriptor at offset %#" PRIx64 " is "
				    "empty: the dump was never finished", pfn, at);
	return 0;
}

static int kdump_where(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn, uint64_t *ret_offset,
		       uint64_t *ret_size)
{
	uint32_t flags;

	return find_page(x, img, pfn, ret_offset, ret_size, &flags);
}

static int kdump_page(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn,
		      uint8_t ret[XL_PAGE_SIZE])
{
	uint8_t buf[COMPRESSED_MAX];
	uint64_t offset, size;
	uint32_t flags;
	int r;

	r = find_page(x, img, pfn, &offset, &size, &flags);
	if (r < 0)
		return r;
	r = xl_imgfile_read(img->file, offset, buf, size);
	if (r < 0)
		return xl_err(x, r, "read page %#" PRIx64 " at offset %#" PRIx64, pfn, offset);
	r = xl_codec_expand(flags, buf, size, ret);
	if (r == -EOPNOTSUPP)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, r,
			       "page %#" PRIx64 " at offset %#" PRIx64 " has an unknown "
			       "compression, %#x", pfn, offset, flags);
	if (r < 0)
		return xl_image_bad(x,
				    "page %#" PRIx64 ": its %" PRIu64 " bytes at offset %#" PRIx64
				    " cannot be decompressed", pfn, size, offset);
	return 0;
}

const struct xl_image_ops xl_image_kdump = {
	.signature = KDUMP_SIGNATURE,
	.signature_size = sizeof(KDUMP_SIGNATURE) - 1,
	.open = open_kdump,
	.next = kdump_next,
	.next_stored = kdump_next_stored,
	.where = kdump_where,
	.page = kdump_page,
};
