/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sections: all that follows the pages. */
#include "format/digest_format.h"
#include "format/elf_format.h"
#include "format/elf_seal.h"

#include "base/bytes.h"

static struct xl_section *add_section(struct xl_seal *s, const char *name, uint32_t type,
				   uint64_t entsize)
{
	struct xl_section *sec = &s->section[s->nr_sections++];

	*sec = (struct xl_section){ .name = name, .type = type, .entsize = entsize, .align = 8 };
	return sec;
}

/* Begin a section where the last one ended. */
static struct xl_section *begin(struct xl_seal *s, const char *name, uint32_t type,
				uint64_t entsize)
{
	static const uint8_t zeros[8];
	struct xl_section *sec = add_section(s, name, type, entsize);
	uint64_t at = xl_out_tell(&s->out);

	xl_out_bytes(&s->out, zeros, xl_align_up(at, 8) - at);
	sec->offset = xl_out_tell(&s->out);
	return sec;
}

static void end(struct xl_seal *s, struct xl_section *sec)
{
	sec->size = xl_out_tell(&s->out) - sec->offset;
}

/* Those that `xl dump-core` writes, in its order of headers. */
static void xen_sections(struct xl_seal *s)
{
	const struct xl_bitmap *present = &s->final.present;
	struct xl_section *sec;

	sec = begin(s, ".note.Xen", ELF_SHT_NOTE, 0);
	sec->align = 4;
	xl_out_bytes(&s->out, s->xen_notes.data, s->xen_notes.len);
	end(s, sec);

	sec = begin(s, ".xen_prstatus", ELF_SHT_PROGBITS, XL_VCPU_CONTEXT_SIZE);
	xl_out_bytes(&s->out, s->prstatus.data, s->prstatus.len);
	end(s, sec);

	if (s->cut->has_shared_info) {
		sec = begin(s, ".xen_shared_info", ELF_SHT_PROGBITS, XL_PAGE_SIZE);
		xl_out_bytes(&s->out, s->cut->shared_info, XL_PAGE_SIZE);
		end(s, sec);
	}

	sec = add_section(s, ".xen_pages", ELF_SHT_PROGBITS, XL_PAGE_SIZE);
	sec->align = XL_PAGE_SIZE;
	sec->offset = s->data_start;
	sec->size = s->final.count << XL_PAGE_SHIFT;

	sec = begin(s, ".xen_pfn", ELF_SHT_PROGBITS, 8);
	for (xl_pfn_t pfn = xl_bitmap_next(present, 0); pfn < present->nbits;
	     pfn = xl_bitmap_next(present, pfn + 1))
		xl_out_u64(&s->out, pfn);
	end(s, sec);
}

static void p2m_section(struct xl_seal *s)
{
	struct xl_section *sec = begin(s, ".xldump_p2m", ELF_SHT_PROGBITS, XLDUMP_P2M_RUN_SIZE);
	const xl_mfn_t *p2m = s->cut->p2m;

	for (xl_pfn_t pfn = 0; pfn < s->cut->nr_pfns;) {
		uint64_t n = 1;

		if (p2m[pfn] == XL_INVALID_FRAME) {
			pfn++;
			continue;
		}
		while (pfn + n < s->cut->nr_pfns && p2m[pfn + n] == p2m[pfn] + n)
			n++;
		xl_out_u64(&s->out, pfn);
		xl_out_u64(&s->out, p2m[pfn]);
		xl_out_u64(&s->out, n);
		pfn += n;
	}
	end(s, sec);
}

static int compare_edits(const void *a, const void *b)
{
	const struct xl_edit *l = a, *r = b;

	return l->paddr < r->paddr ? -1 : l->paddr > r->paddr;
}

static int edits_section(struct xl_seal *s)
{
	_cleanup_free_ struct xl_edit *sorted = NULL;
	const struct xl_edits *e = &s->cut->edits;
	struct xl_section *sec;

	sorted = calloc(e->n, sizeof(*sorted));
	if (!sorted)
		return xl_err(s->out.x, -ENOMEM, "sort %zu edits", e->n);
	memcpy(sorted, e->edit, e->n * sizeof(*sorted));
	qsort(sorted, e->n, sizeof(*sorted), compare_edits);

	sec = begin(s, ".xldump_edits", ELF_SHT_PROGBITS, XLDUMP_EDIT_SIZE);
	for (size_t i = 0; i < e->n; i++) {
		xl_out_u64(&s->out, sorted[i].paddr);
		xl_out_u64(&s->out, sorted[i].old);
	}
	end(s, sec);
	return 0;
}

static void digests_section(struct xl_seal *s)
{
	const struct xl_bitmap *present = &s->final.present;
	struct xl_section *sec = begin(s, DIGEST_SECTION, ELF_SHT_PROGBITS, 8);
	uint8_t h[DIGEST_HEADER_SIZE] = { 0 };

	s->digests = sec->offset;
	memcpy(h, DIGEST_MAGIC, DIGEST_MAGIC_SIZE);
	xl_put_le32(h + DIGEST_VERSION_AT, DIGEST_VERSION);
	xl_put_le32(h + DIGEST_ALGORITHM_AT, DIGEST_XXH3_64);
	xl_put_le64(h + DIGEST_PAGES, s->final.count);
	xl_put_le64(h + DIGEST_DATA, s->data_start);
	xl_put_le64(h + DIGEST_DATA_SIZE, s->final.count << XL_PAGE_SHIFT);
	xl_out_bytes(&s->out, h, sizeof(h)); /* DIGEST_META is set when all else is written */
	for (xl_pfn_t pfn = xl_bitmap_next(present, 0); pfn < present->nbits;
	     pfn = xl_bitmap_next(present, pfn + 1))
		xl_out_u64(&s->out, s->f->digest[pfn]);
	end(s, sec);
}

/* Ours, behind all others: Volatility takes the position of a name among the names for the index
 * of its header. */
static int own_sections(struct xl_seal *s)
{
	struct xl_section *sec;
	int r;

	if (s->cut->p2m)
		p2m_section(s);
	if (s->cut->tables) {
		sec = begin(s, ".xldump_tables", ELF_SHT_PROGBITS, XLDUMP_TABLE_SIZE);
		for (size_t i = 0; i < s->cut->tables; i++) {
			xl_out_u64(&s->out, s->cut->table[i].pfn);
			xl_out_u64(&s->out, s->cut->table[i].level);
		}
		end(s, sec);
	}
	if (s->cut->edits.n) {
		r = edits_section(s);
		if (r < 0)
			return r;
	}
	if (xl_sink_seekable(s->f->sink))
		digests_section(s);
	/* The note is also in the PT_NOTE, which a file of sections only does not have. */
	sec = add_section(s, ".note.xldump", ELF_SHT_NOTE, 0);
	sec->align = 4;
	sec->offset = xl_elf_notes_start(s) + s->own_note;
	sec->size = s->own_note_size;
	return 0;
}

static void section_headers(struct xl_seal *s)
{
	struct xl_section *strtab = &s->section[1];
	uint32_t name = 1; /* the first name is empty */

	strtab->offset = xl_out_tell(&s->out);
	xl_out_bytes(&s->out, "", 1);
	for (unsigned i = 1; i < s->nr_sections; i++)
		xl_out_bytes(&s->out, s->section[i].name, strlen(s->section[i].name) + 1);
	end(s, strtab);

	s->shoff = xl_align_up(xl_out_tell(&s->out), 8);
	(void)xl_out_seek(&s->out, s->shoff);
	for (unsigned i = 0; i < s->nr_sections; i++) {
		const struct xl_section *sec = &s->section[i];
		uint8_t h[ELF_SHDR_SIZE] = { 0 };

		if (i == 0) {
			if (s->nr_loads + 1 >= ELF_PN_XNUM)
				xl_put_le32(h + ELF_SH_INFO, (uint32_t)(s->nr_loads + 1));
		} else {
			xl_put_le32(h + ELF_SH_NAME, name);
			name += (uint32_t)strlen(sec->name) + 1;
		}
		xl_put_le32(h + ELF_SH_TYPE, sec->type);
		xl_put_le64(h + ELF_SH_OFFSET, sec->offset);
		xl_put_le64(h + ELF_SH_SIZE, sec->size);
		xl_put_le64(h + ELF_SH_ADDRALIGN, sec->align);
		xl_put_le64(h + ELF_SH_ENTSIZE, sec->entsize);
		xl_out_bytes(&s->out, h, sizeof(h));
	}
	s->size = xl_out_tell(&s->out);
}

int xl_elf_write_sections(struct xl_seal *s)
{
	int r;

	add_section(s, "", 0, 0)->align = 0;
	add_section(s, ".shstrtab", ELF_SHT_STRTAB, 0)->align = 1;
	(void)xl_out_seek(&s->out, s->data_start + (s->final.count << XL_PAGE_SHIFT));
	xen_sections(s);
	r = own_sections(s);
	if (r < 0)
		return r;
	section_headers(s);
	return xl_out_flush(&s->out);
}
