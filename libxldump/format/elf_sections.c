/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sections: all that follows the pages. */
#include "format/elf_sections.h"

#include <assert.h>

#include "base/bytes.h"
#include "format/digest_format.h"
#include "format/elf_format.h"
#include "format/elf_raw.h"
#include "format/records.h"

static struct xl_section *add_section(struct xl_elf_seal *s, const char *name, uint32_t type,
				   uint64_t entsize)
{
	struct xl_section *sec = &s->section[s->nr_sections++];

	assert(s->nr_sections <= XL_MAX_SECTIONS);
	*sec = (struct xl_section){ .name = name, .type = type, .entsize = entsize, .align = 8 };
	return sec;
}

/* Begin a section where the last one ended. */
static struct xl_section *begin(struct xl_elf_seal *s, const char *name, uint32_t type,
				uint64_t entsize)
{
	static const uint8_t zeros[8];
	struct xl_section *sec = add_section(s, name, type, entsize);
	uint64_t at = xl_out_tell(&s->out);

	xl_out_bytes(&s->out, zeros, xl_align_up(at, 8) - at);
	sec->offset = xl_out_tell(&s->out);
	return sec;
}

static void end(struct xl_elf_seal *s, struct xl_section *sec)
{
	sec->size = xl_out_tell(&s->out) - sec->offset;
}

/* Those that `xl dump-core` writes, in its order of headers; .xen_p2m is in front of the pages. */
static void xen_sections(struct xl_elf_seal *s)
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

	if (s->f->raw) {
		sec = add_section(s, ".xen_p2m", ELF_SHT_PROGBITS, XEN_P2M_SIZE);
		sec->size = xl_elf_raw_p2m_size(s->f, s->final.nr_pfns);
		sec->offset = s->data_start - sec->size;
		return;
	}
	sec = begin(s, ".xen_pfn", ELF_SHT_PROGBITS, 8);
	for (xl_pfn_t pfn = xl_bitmap_next(present, 0); pfn < present->nbits;
	     pfn = xl_bitmap_next(present, pfn + 1))
		xl_out_u64(&s->out, pfn);
	end(s, sec);
}

/* Ours, behind all others: Volatility takes the position of a name among the names for the index
 * of its header. */
static int own_sections(struct xl_elf_seal *s)
{
	struct xl_section *sec;
	int r;

	if (s->cut->p2m && !s->f->raw) {
		sec = begin(s, ".xldump_p2m", ELF_SHT_PROGBITS, XLDUMP_P2M_RUN_SIZE);
		xl_records_p2m(&s->out, s->cut);
		end(s, sec);
	}
	if (s->cut->tables) {
		sec = begin(s, ".xldump_tables", ELF_SHT_PROGBITS, XLDUMP_TABLE_SIZE);
		xl_records_tables(&s->out, s->cut);
		end(s, sec);
	}
	if (s->cut->edits.n) {
		sec = begin(s, ".xldump_edits", ELF_SHT_PROGBITS, XLDUMP_EDIT_SIZE);
		r = xl_records_edits(&s->out, s->cut);
		if (r < 0)
			return r;
		end(s, sec);
	}
	if (xl_sink_seekable(s->f->sink)) {
		const struct xl_digest_gaps gaps = {
			.data = s->data_start, .data_size = s->final.count << XL_PAGE_SHIFT
		};

		sec = begin(s, DIGEST_SECTION, ELF_SHT_PROGBITS, 8);
		s->digests = sec->offset;
		/* The digest of the rest is set when all else is written. */
		xl_records_digests(&s->out, s->present, s->f->digest, &gaps, 0);
		end(s, sec);
	}
	/* The note is also in the PT_NOTE, which a file of sections only does not have. */
	sec = add_section(s, ".note.xldump", ELF_SHT_NOTE, 0);
	sec->align = 4;
	sec->offset = s->notes_start + s->own_note;
	sec->size = s->own_note_size;
	return 0;
}

static void section_headers(struct xl_elf_seal *s)
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

int xl_elf_write_sections(struct xl_elf_seal *s)
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
