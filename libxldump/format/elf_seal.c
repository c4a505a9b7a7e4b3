/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completes the file: brings the pages to their final places, then writes what is before and behind
 * them. */
#include "format/elf_seal.h"

#include "base/bytes.h"
#include "format/digest.h"
#include "format/digest_format.h"
#include "format/elf_format.h"
#include "format/elf_raw.h"
#include "format/elf_relayout.h"
#include "format/elf_sections.h"

static void put_phdr(struct xl_out *o, uint32_t type, uint64_t offset, uint64_t vaddr,
		     uint64_t paddr, uint64_t size)
{
	uint8_t p[ELF_PHDR_SIZE] = { 0 };

	xl_put_le32(p + ELF_P_TYPE, type);
	xl_put_le64(p + ELF_P_OFFSET, offset);
	xl_put_le64(p + ELF_P_VADDR, vaddr);
	xl_put_le64(p + ELF_P_PADDR, paddr);
	xl_put_le64(p + ELF_P_FILESZ, size);
	xl_put_le64(p + ELF_P_MEMSZ, size);
	xl_out_bytes(o, p, sizeof(p));
}

static void put_ehdr(struct xl_elf_seal *s)
{
	uint64_t phnum = s->nr_loads + 1;
	uint8_t e[ELF_EHDR_SIZE] = { 0x7f, 'E', 'L', 'F' };

	e[ELF_EI_CLASS] = 2;
	e[ELF_EI_DATA] = 1;
	e[ELF_EI_VERSION] = 1;
	e[ELF_EI_ABIVERSION] = 1;
	xl_put_le16(e + ELF_E_TYPE, 4);
	xl_put_le16(e + ELF_E_MACHINE, s->cut->narrow ? ELF_EM_386 : ELF_EM_X86_64);
	xl_put_le32(e + ELF_E_VERSION, 1);
	if (!s->f->sections_only) {
		xl_put_le64(e + ELF_E_PHOFF, ELF_EHDR_SIZE);
		xl_put_le16(e + ELF_E_PHNUM,
			    phnum < ELF_PN_XNUM ? (uint16_t)phnum : ELF_PN_XNUM);
	}
	xl_put_le64(e + ELF_E_SHOFF, s->shoff);
	xl_put_le16(e + ELF_E_EHSIZE, ELF_EHDR_SIZE);
	xl_put_le16(e + ELF_E_PHENTSIZE, ELF_PHDR_SIZE);
	xl_put_le16(e + ELF_E_SHENTSIZE, ELF_SHDR_SIZE);
	xl_put_le16(e + ELF_E_SHNUM, (uint16_t)s->nr_sections);
	xl_put_le16(e + ELF_E_SHSTRNDX, 1);
	xl_out_bytes(&s->out, e, sizeof(e));
}

/* A file of sections only has the program headers too, just not named by the ELF header: one can be
 * made from the other by changing 10 bytes. */
static int write_front(struct xl_elf_seal *s)
{
	struct xl_load load;

	(void)xl_out_seek(&s->out, 0);
	put_ehdr(s);
	put_phdr(&s->out, ELF_PT_NOTE, s->notes_start, 0, 0, s->notes.len);
	while (xl_loads_next(&s->loads, &load)) {
		uint64_t rank = xl_slots_rank(&s->final, load.first);

		put_phdr(&s->out, ELF_PT_LOAD, s->data_start + (rank << XL_PAGE_SHIFT), load.vaddr,
			 load.first << XL_PAGE_SHIFT, load.pages << XL_PAGE_SHIFT);
	}
	xl_out_bytes(&s->out, s->notes.data, s->notes.len);
	if (s->f->raw)
		xl_elf_raw_write_p2m(s);
	return xl_out_flush(&s->out);
}

static int check_pages(struct xl_ctx *x, const struct xl_elf_seal *s)
{
	const struct xl_bitmap *present = s->present;

	for (xl_pfn_t pfn = xl_bitmap_next(present, 0); pfn < present->nbits;
	     pfn = xl_bitmap_next(present, pfn + 1)) {
		if (!xl_bitmap_test(&s->f->known, pfn))
			return xl_err(x, -EINVAL, "page %#" PRIx64 " was never read", pfn);
	}
	return 0;
}

static int make_notes(struct xl_ctx *x, struct xl_elf_seal *s)
{
	int r;

	xl_notes_add(&s->notes, s->cut, NULL);
	s->own_note = s->notes.len;
	r = xl_notes_provenance(&s->notes, s->cut, xl_bitmap_count(s->present));
	s->own_note_size = s->notes.len - s->own_note;
	xl_notes_xen(&s->xen_notes, s->cut, s->final.count);
	xl_notes_contexts(&s->prstatus, s->cut);
	if (r < 0 || s->notes.failed || s->xen_notes.failed || s->prstatus.failed)
		return xl_err(x, -ENOMEM, "notes of %" PRIu32 " vCPUs", s->cut->vcpus);
	return 0;
}

/* Bring each page to its final slot, if it is not there. */
static int settle_pages(struct xl_ctx *x, struct xl_elf_seal *s)
{
	struct xl_elf *f = s->f;
	uint64_t need = s->notes_start + s->notes.len +
			xl_elf_raw_p2m_size(f, s->final.nr_pfns);
	bool same = s->final.nr_pfns == f->slots.nr_pfns &&
		    !memcmp(s->final.present.word, f->slots.present.word,
			    xl_bitmap_bytes(&s->final.present));

	s->data_start = f->data_start;
	if (need > s->data_start)
		s->data_start = xl_align_up(need, XL_PAGE_SIZE);
	if (s->data_start + (s->final.nr_pfns << XL_PAGE_SHIFT) > f->overflow_start)
		return xl_err(x, -EOVERFLOW, "headers of %" PRIu64 " segments", s->nr_loads);
	if (!same || s->data_start != f->data_start) {
		int r;

		if (!xl_sink_seekable(f->sink))
			return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -ESPIPE,
				       "the guest's memory map changed during the dump, and pages "
				       "of an ELF file cannot be moved in a pipe; use --format=kdump");
		xl_log(x, XLDUMP_LOG_DEBUG, "moving pages within the file");
		r = xl_elf_relayout(x, f, &s->final, s->data_start);
		if (r < 0)
			return r;
	}
	/* Pages that came and went again are in the overflow still. */
	return xl_sink_truncate(x, f->sink, s->data_start + (s->final.count << XL_PAGE_SHIFT));
}

static int read_back(void *data, uint64_t offset, void *buf, size_t len)
{
	struct xl_elf_seal *s = data;

	return xl_sink_pread(s->out.x, s->out.sink, buf, len, offset);
}

/* The last thing: over all that was written, which is still in memory. */
static int write_meta_digest(struct xl_elf_seal *s)
{
	const struct xl_digest_gaps gaps = {
		.data = s->data_start, .data_size = s->final.count << XL_PAGE_SHIFT,
		.meta = s->digests + DIGEST_META, .elf = true,
	};
	uint64_t meta = 0;
	uint8_t raw[8];
	int r = xl_digest_meta(s->size, &gaps, read_back, s, &meta);

	if (r < 0)
		return xl_err(s->out.x, r, "digest of the file's headers");
	xl_put_le64(raw, meta);
	return xl_sink_pwrite(s->out.x, s->out.sink, raw, sizeof(raw), gaps.meta);
}

static void seal_deinit(struct xl_elf_seal *s)
{
	xl_slots_deinit(&s->final);
	xl_blob_deinit(&s->notes);
	xl_blob_deinit(&s->xen_notes);
	xl_blob_deinit(&s->prstatus);
	free(s);
}

static void seal_deinitp(struct xl_elf_seal **s)
{
	if (*s)
		seal_deinit(*s);
}

/* Readers of segments would take the frames of a raw file for addresses in it. */
static const struct xl_bitmap no_pages;

int xl_elf_seal(struct xl_ctx *x, struct xl_elf *f, const struct xl_cut *cut)
{
	_cleanup_(seal_deinitp) struct xl_elf_seal *s = calloc(1, sizeof(*s));
	int r;

	if (cut->nr_pfns > XL_MAX_PFNS || cut->vcpus > XL_MAX_VCPUS)
		return xl_err(x, -E2BIG, "ELF file of %" PRIu64 " pages and %" PRIu32 " vCPUs",
			      cut->nr_pfns, cut->vcpus);
	if (!f->sections_only && cut->narrow)
		return xl_err(x, -EINVAL, "segments of a 32-bit PV guest");
	if (f->raw && (!cut->p2m || !cut->raw))
		return xl_err(x, -EINVAL, "a raw file of a guest whose memory is not");
	if (!s || xl_elf_slots_init(f, cut->nr_pfns, &cut->present, &s->final) < 0)
		return xl_err(x, -ENOMEM, "allocate an index of %" PRIu64 " pages", cut->nr_pfns);
	s->f = f;
	s->cut = cut;
	s->present = f->raw ? &cut->present : &s->final.present;
	s->out.x = x;
	s->out.sink = f->sink;
	r = check_pages(x, s);
	if (r < 0)
		return r;
	if (f->raw || cut->narrow)
		s->loads = (struct xl_loads){ .present = &no_pages };
	else
		xl_loads_init(&s->loads, &s->final, &cut->kernel);
	s->nr_loads = xl_loads_count(&s->loads);
	s->notes_start = ELF_EHDR_SIZE + ELF_PHDR_SIZE * (s->nr_loads + 1);
	r = make_notes(x, s);
	if (r < 0)
		return r;
	r = settle_pages(x, s);
	if (r < 0)
		return r;
	r = xl_elf_write_sections(s);
	if (r == 0)
		r = write_front(s);
	return r < 0 || !s->digests ? r : write_meta_digest(s);
}
