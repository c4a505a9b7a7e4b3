/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image_files.h"
#include "format/formats.h"

#include <endian.h>
#include <fcntl.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>


/* In files of a PV guest that was made an ordinary one. */
#define MFN_BASE 0x10000

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

/* ---- the log ---- */

const struct image_record image_record[] = {
	{ "Linux version 6.1.0", 0 },
	{ "two\nlines", 1234567890 },
	{ "bell \a escape \x1b[2J", 2000000000 },
	{ "", 2000000001 },
	{ "the last one, which lies at the start of the ring", 3999999999999 },
	{ NULL, 0 },
};

#define RING_BITS 8
#define RING_TEXT (IMAGE_LOG_PA + 0x8000)

static void ring_lines(struct fake *f)
{
	fake_say(f, "SYMBOL(prb)=%" PRIx64 "\n", fake_va(f, IMAGE_LOG_PA));
	fake_say(f, "OFFSET(printk_ringbuffer.desc_ring)=0\n"
		    "OFFSET(printk_ringbuffer.text_data_ring)=48\n"
		    "OFFSET(prb_desc_ring.count_bits)=0\nOFFSET(prb_desc_ring.descs)=8\n"
		    "OFFSET(prb_desc_ring.infos)=16\nOFFSET(prb_desc_ring.head_id)=24\n"
		    "OFFSET(prb_desc_ring.tail_id)=32\nSIZE(prb_desc)=24\n"
		    "OFFSET(prb_desc.state_var)=0\nOFFSET(prb_desc.text_blk_lpos)=8\n"
		    "OFFSET(prb_data_blk_lpos.begin)=0\nOFFSET(prb_data_blk_lpos.next)=8\n"
		    "SIZE(printk_info)=88\nOFFSET(printk_info.ts_nsec)=8\n"
		    "OFFSET(printk_info.text_len)=16\nOFFSET(prb_data_ring.size_bits)=0\n"
		    "OFFSET(prb_data_ring.data)=8\n");
}

/* One record in slot id % 8, its text in the ring of 256 bytes from *lpos on. */
static void ring_record(struct fake *f, uint64_t id, const struct image_record *r, uint64_t *lpos)
{
	unsigned char *desc = f->mem + IMAGE_LOG_PA + 0x1000 + id % 8 * 24;
	unsigned char *info = f->mem + IMAGE_LOG_PA + 0x2000 + id % 8 * 88;
	uint64_t size = 8 + ((strlen(r->text) + 7) & ~7ULL), begin = *lpos, at = begin & 255;

	xl_put_le64(desc, id | (uint64_t)(id % 2 + 1) << 62); /* committed or finalized */
	xl_put_le64(info + 8, r->ns);
	xl_put_le16(info + 16, (uint16_t)strlen(r->text));
	if (!r->text[0]) {
		xl_put_le64(desc + 8, 3);
		xl_put_le64(desc + 16, 3);
		return;
	}
	if (at + size > 256) {
		*lpos = (begin | 255) + 1;
		at = 0;
	}
	*lpos += size;
	xl_put_le64(desc + 8, begin);
	xl_put_le64(desc + 16, *lpos);
	memcpy(f->mem + RING_TEXT + at + 8, r->text, strlen(r->text));
}

static void ring(struct fake *f)
{
	unsigned char *rb = f->mem + IMAGE_LOG_PA + 0x100;
	uint64_t lpos = 0x100 * 77 + 120, id = 0x1234;

	ring_lines(f);
	xl_put_le64(f->mem + IMAGE_LOG_PA, fake_va(f, IMAGE_LOG_PA + 0x100));
	xl_put_le32(rb, 3);
	xl_put_le64(rb + 8, fake_va(f, IMAGE_LOG_PA + 0x1000));
	xl_put_le64(rb + 16, fake_va(f, IMAGE_LOG_PA + 0x2000));
	xl_put_le64(rb + 32, id);
	for (const struct image_record *r = image_record; r->text; r++)
		ring_record(f, id++, r, &lpos);
	/* The newest is reserved only. */
	xl_put_le64(f->mem + IMAGE_LOG_PA + 0x1000 + id % 8 * 24, id);
	xl_put_le64(rb + 24, id);
	xl_put_le32(rb + 48, RING_BITS);
	xl_put_le64(rb + 56, fake_va(f, RING_TEXT));
}

static void records(struct fake *f)
{
	uint64_t at = 400, first = at, size = 512;

	fake_say(f, "SYMBOL(log_buf)=%" PRIx64 "\nSYMBOL(log_buf_len)=%" PRIx64 "\n",
		 fake_va(f, IMAGE_LOG_PA), fake_va(f, IMAGE_LOG_PA + 8));
	fake_say(f, "SYMBOL(log_first_idx)=%" PRIx64 "\nSYMBOL(log_next_idx)=%" PRIx64 "\n",
		 fake_va(f, IMAGE_LOG_PA + 12), fake_va(f, IMAGE_LOG_PA + 16));
	fake_say(f, "SIZE(printk_log)=16\nOFFSET(printk_log.ts_nsec)=0\nOFFSET(printk_log.len)=8\n"
		    "OFFSET(printk_log.text_len)=10\nOFFSET(printk_log.dict_len)=12\n");
	for (const struct image_record *r = image_record; r->text; r++) {
		uint64_t len = (16 + strlen(r->text) + 3) & ~3ULL;
		unsigned char *p;

		if (at + len + 16 > size)
			at = 0; /* what was there is a header of zeros */
		p = f->mem + RING_TEXT + at;
		xl_put_le64(p, r->ns);
		xl_put_le16(p + 8, (uint16_t)len);
		xl_put_le16(p + 10, (uint16_t)strlen(r->text));
		memcpy(p + 16, r->text, strlen(r->text));
		at += len;
	}
	xl_put_le64(f->mem + IMAGE_LOG_PA, fake_va(f, RING_TEXT));
	xl_put_le32(f->mem + IMAGE_LOG_PA + 8, (uint32_t)size);
	xl_put_le32(f->mem + IMAGE_LOG_PA + 12, (uint32_t)first);
	xl_put_le32(f->mem + IMAGE_LOG_PA + 16, (uint32_t)at);
}

static void make_guest(struct fake *f, enum image_log log, bool five_levels)
{
	fake_defaults(f);
	f->encoding = FAKE_NO_KALLSYMS;
	if (five_levels) {
		f->l5 = 1;
		f->page_offset = 0xff1a3c8040000000;
	}
	fake_build(f);
	if (log == IMAGE_LOG_RING)
		ring(f);
	else if (log == IMAGE_LOG_RECORDS)
		records(f);
	fake_text(f, FAKE_VMCOREINFO_PFN);
	fake_note(f, FAKE_NOTE_PFN);
	/* Something to see in other pages; zeros in most. */
	for (xl_pfn_t pfn = 1; pfn < IMAGE_PAGES; pfn += 37)
		if (pfn < FAKE_TEXT_PA >> XL_PAGE_SHIFT || pfn > IMAGE_LOG_PA + 0x20000)
			for (size_t i = 0; i < XL_PAGE_SIZE; i += 8)
				xl_put_le64(f->mem + (pfn << XL_PAGE_SHIFT) + i, pfn * 1000003 + i);
	memset(f->mem + (IMAGE_TABLE_PFN << XL_PAGE_SHIFT), 0, XL_PAGE_SIZE);
	for (unsigned i = 0; i < 300; i++)
		xl_put_le64(f->mem + (IMAGE_TABLE_PFN << XL_PAGE_SHIFT) + 8 * i,
			    (uint64_t)(0x100 + i) << XL_PAGE_SHIFT | 0x67);
	memset(f->mem + (IMAGE_HOLE_FIRST << XL_PAGE_SHIFT), 0,
	       (IMAGE_HOLE_END - IMAGE_HOLE_FIRST) << XL_PAGE_SHIFT);
	xl_put_le64(f->mem + IMAGE_EDIT_PA, 0);
	xl_put_le64(f->mem + FAKE_XEN_START_INFO_PA, 0);
	fake_look(f);
}

void image_guest(struct fake *f, enum image_log log)
{
	make_guest(f, log, false);
}

void image_guest_five_levels(struct fake *f)
{
	make_guest(f, IMAGE_LOG_RING, true);
}

/* ---- ELF ---- */

static bool present(xl_pfn_t pfn)
{
	return pfn < IMAGE_HOLE_FIRST || pfn >= IMAGE_HOLE_END;
}

static void fill_cut(struct fake *f, struct xl_cut *cut, xl_mfn_t *p2m)
{
	struct xl_ctx x = { 0 };

	cut->nr_pfns = IMAGE_PAGES;
	cut->vcpus = 2;
	cut->vcpu = calloc(2, sizeof(*cut->vcpu));
	cut->table = calloc(1, sizeof(*cut->table));
	check(cut->vcpu && cut->table && xl_bitmap_init(&cut->present, IMAGE_PAGES) == 0, "cut");
	for (xl_pfn_t pfn = 0; pfn < IMAGE_PAGES; pfn++) {
		p2m[pfn] = present(pfn) ? MFN_BASE + pfn * (pfn < 0x200 ? 1 : 2) : XL_INVALID_FRAME;
		if (present(pfn))
			xl_bitmap_set(&cut->present, pfn);
	}
	for (uint32_t i = 0; i < 2; i++) {
		cut->vcpu[i] = (struct xl_vcpu){ .id = i, .online = true, .in_kernel = true,
						 .rip = 0xffffffff81000000 + i, .cr3 = FAKE_TABLES_PA };
		memset(cut->vcpu[i].context, (int)(i + 1), sizeof(cut->vcpu[i].context));
		xl_put_le64(cut->vcpu[i].context + 4992, 0);
		xl_put_le64(cut->vcpu[i].context + 5008, FAKE_TABLES_PA);
	}
	strcpy(cut->host.capabilities, "xen-3.0-x86_64");
	strcpy(cut->name, "web01");
	cut->host.xen_major = 4;
	cut->host.xen_minor = 17;
	cut->dom.tot_pages = IMAGE_PAGES;
	cut->strategy = XLDUMP_STRATEGY_PRECOPY;
	cut->type = XLDUMP_GUEST_PV;
	cut->p2m = p2m;
	cut->tables = 1;
	cut->table[0] = (struct xl_table){ IMAGE_TABLE_PFN, 1 };
	check(xl_edits_add(&cut->edits, IMAGE_EDIT_PA, 0xdead) == 0, "edits");
	check(xl_kernel_identify(&x, &f->cand, fake_read, f, &cut->kernel) == 0, x.err);
}

void image_write(struct fake *f, const struct xl_format_params *params, const char *path)
{
	static xl_mfn_t p2m[IMAGE_PAGES];
	struct xl_cut *cut = calloc(1, sizeof(*cut));
	struct xl_layout layout = { .nr_pfns = IMAGE_PAGES, .vcpus = 2 };
	struct xl_format *format = NULL;
	struct xl_sink *sink = NULL;
	struct xl_ctx x = { 0 };
	uint64_t size, disk;

	check(cut, "cut");
	fill_cut(f, cut, p2m);
	layout.present = &cut->present;
	check(xl_sink_file_open(&x, path, true, &sink) == 0, x.err);
	check(xl_format_open(&x, &layout, sink, params, &format) == 0, x.err);
	for (xl_pfn_t pfn = 0; pfn < IMAGE_PAGES; pfn++)
		if (present(pfn))
			check(xl_format_put(&x, format, pfn, f->mem + (pfn << XL_PAGE_SHIFT)) == 0,
			      x.err);
	check(xl_format_seal(&x, format, cut) == 0, x.err);
	check(xl_sink_commit(&x, sink, &size, &disk) == 0, x.err);
	xl_format_close(format);
	xl_sink_close(sink);
	xl_cut_deinit(cut);
	free(cut);
}

void image_write_elf(struct fake *f, bool sections_only, const char *path)
{
	image_write(f, &(struct xl_format_params){
		.format = sections_only ? XLDUMP_FORMAT_XENCORE : XLDUMP_FORMAT_ELF }, path);
}

/* ---- kdump, from the layout that is written down in crash and makedumpfile ---- */

static size_t compress_page(uint32_t flag, const unsigned char *page, unsigned char *out)
{
	static unsigned char work[LZO1X_1_MEM_COMPRESS];
	size_t n = 8192;
	uLongf zn = 8192;
	lzo_uint ln = 8192;

	switch (flag) {
	case 1:
		return compress(out, &zn, page, 4096) == Z_OK ? zn : 4096;
	case 2:
		return lzo1x_1_compress(page, 4096, out, &ln, work) == LZO_E_OK ? ln : 4096;
	case 4:
		return snappy_compress((const char *)page, 4096, (char *)out, &n) == SNAPPY_OK ? n :
		       4096;
	case 0x20:
		n = ZSTD_compress(out, 8192, page, 4096, 3);
		return ZSTD_isError(n) ? 4096 : n;
	default:
		return 4096;
	}
}

static size_t put_note(unsigned char *at, const char *name, const void *desc, size_t len)
{
	size_t n = strlen(name) + 1, padded = (n + 3) & ~(size_t)3;

	xl_put_le32(at, (uint32_t)n);
	xl_put_le32(at + 4, (uint32_t)len);
	xl_put_le32(at + 8, strcmp(name, "CORE") == 0);
	memcpy(at + 12, name, n);
	memcpy(at + 12 + padded, desc, len);
	return 12 + padded + ((len + 3) & ~(size_t)3);
}

void image_write_kdump(struct fake *f, uint32_t flag, const char *path)
{
	static unsigned char out[16 << 20], packed[8192];
	const size_t sub = 2, bitmap = 3, descs = 5 * 4096; /* blocks, blocks, bytes */
	size_t notes = 4096 + 104, at = descs + IMAGE_PAGES * 24, desc = descs;
	unsigned char prstatus[336] = { 0 };
	FILE *file;

	memset(out, 0, sizeof(out));
	memcpy(out, "KDUMP   ", 8);
	xl_put_le32(out + 8, 6);
	memcpy(out + 12, "Linux", 6);
	memcpy(out + 12 + 2 * 65, f->release, strlen(f->release));
	memcpy(out + 12 + 4 * 65, "x86_64", 7);
	xl_put_le32(out + 428, 4096);
	xl_put_le32(out + 432, (uint32_t)sub);
	xl_put_le32(out + 436, 2);
	xl_put_le32(out + 440, IMAGE_PAGES);
	xl_put_le32(out + 460, 1);
	xl_put_le64(out + 4096, (uint64_t)f->phys_base);
	xl_put_le32(out + 4096 + 8, IMAGE_DUMP_LEVEL);
	xl_put_le64(out + 408, IMAGE_TIME);
	xl_put_le64(out + 4096 + 48, notes);
	xl_put_le64(out + 4096 + 96, IMAGE_PAGES);
	xl_put_le32(prstatus + 12, 11); /* signal */
	xl_put_le32(prstatus + 32, 4242);
	memset(prstatus + 112 + 8 * 15, 0xff, 8); /* orig_rax */
	notes += put_note(out + notes, "CORE", prstatus, sizeof(prstatus));
	notes += put_note(out + notes, "Xen", "\1\2\3", 3);
	notes += put_note(out + notes, "VMCOREINFO_XEN", "a=1\n", 4);
	xl_put_le64(out + 4096 + 32, notes + 24);
	xl_put_le64(out + 4096 + 40, strlen(f->text));
	notes += put_note(out + notes, "VMCOREINFO", f->text, strlen(f->text));
	xl_put_le64(out + 4096 + 56, notes - 4096 - 104);
	memcpy(out + notes, IMAGE_ERASED, strlen(IMAGE_ERASED));
	xl_put_le64(out + 4096 + 64, notes);
	xl_put_le64(out + 4096 + 72, strlen(IMAGE_ERASED));
	notes += strlen(IMAGE_ERASED);
	check(notes < bitmap * 4096, "notes");
	for (xl_pfn_t pfn = 0; pfn < IMAGE_PAGES; pfn++) {
		const unsigned char *page = f->mem + (pfn << XL_PAGE_SHIFT);
		size_t n = compress_page(flag, page, packed);

		if (!present(pfn))
			continue;
		out[bitmap * 4096 + pfn / 8] |= (unsigned char)(1 << pfn % 8);
		if (pfn == IMAGE_EXCLUDED_PFN)
			continue;
		out[(bitmap + 1) * 4096 + pfn / 8] |= (unsigned char)(1 << pfn % 8);
		xl_put_le64(out + desc, at);
		xl_put_le32(out + desc + 8, n < 4096 ? (uint32_t)n : 4096);
		xl_put_le32(out + desc + 12, n < 4096 ? flag : 0);
		memcpy(out + at, n < 4096 ? packed : page, n < 4096 ? n : 4096);
		desc += 24;
		at += n < 4096 ? n : 4096;
	}
	file = fopen(path, "w");
	check(file && fwrite(out, 1, at, file) == at && fclose(file) == 0, path);
}

/* ---- ELF, from the System V ABI ---- */

void image_write_segments(struct fake *f, const struct image_segment *seg, size_t n,
			  const char *path)
{
	unsigned char head[8192] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, prstatus[336] = { 0 },
		      *p = head + 64;
	size_t notes = 4096, at = sizeof(head);
	FILE *file = fopen(path, "w");

	xl_put_le16(head + 16, 4);
	xl_put_le16(head + 18, 62);
	xl_put_le64(head + 32, 64);
	xl_put_le16(head + 54, 56);
	xl_put_le16(head + 56, (uint16_t)(n + 1));
	notes += put_note(head + notes, "CORE", prstatus, sizeof(prstatus));
	notes += put_note(head + notes, "VMCOREINFO", f->text, strlen(f->text));
	check(file && notes < sizeof(head) && 64 + (n + 1) * 56 <= 4096, path);
	xl_put_le32(p, 4);
	xl_put_le64(p + 8, 4096);
	xl_put_le64(p + 32, notes - 4096);
	for (size_t i = 0; i < n; i++) {
		p += 56;
		xl_put_le32(p, 1);
		xl_put_le64(p + 8, at);
		xl_put_le64(p + 24, seg[i].paddr);
		xl_put_le64(p + 32, seg[i].filesz);
		xl_put_le64(p + 40, seg[i].memsz);
		check(fseek(file, (long)at, SEEK_SET) == 0 &&
			      fwrite(f->mem + seg[i].paddr, 1, seg[i].filesz, file) ==
				      seg[i].filesz,
		      path);
		at += seg[i].filesz;
	}
	check(fseek(file, 0, SEEK_SET) == 0 &&
		      fwrite(head, 1, sizeof(head), file) == sizeof(head) && fclose(file) == 0,
	      path);
}

/* ---- flattened ---- */

static void put_piece(FILE *to, const unsigned char *data, uint64_t offset, uint64_t len)
{
	uint64_t head[2] = { htobe64(offset), htobe64(len) };

	check(fwrite(head, 1, 16, to) == 16 && fwrite(data, 1, len, to) == len, "flatten");
}

void image_flatten(const char *in, const char *out)
{
	static const uint64_t end[2] = { UINT64_MAX, UINT64_MAX };
	unsigned char head[4096] = "makedumpfile", wrong[3000];
	FILE *from = fopen(in, "r"), *to = fopen(out, "w");
	struct stat st;
	unsigned char *data;
	size_t size, piece = 100003;

	check(from && to && stat(in, &st) == 0, in);
	size = (size_t)st.st_size;
	data = malloc(size);
	check(data && fread(data, 1, size, from) == size, in);
	head[23] = head[31] = 1;
	check(fwrite(head, 1, sizeof(head), to) == sizeof(head), out);
	/* Something that later records replace, across their borders, then all from the back. */
	memset(wrong, 0xee, sizeof(wrong));
	for (size_t at = 50000; at + sizeof(wrong) < size; at += piece / 2)
		put_piece(to, wrong, at, sizeof(wrong));
	for (size_t n = (size + piece - 1) / piece; n-- > 0;) {
		size_t at = n * piece;

		put_piece(to, data + at, at, size - at < piece ? size - at : piece);
	}
	check(fwrite(end, 1, sizeof(end), to) == sizeof(end) && fclose(to) == 0, out);
	(void)fclose(from);
	free(data);
}
