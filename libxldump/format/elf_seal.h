/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known while an ELF file is being completed. */
#ifndef XL_FORMAT_ELF_SEAL_H
#define XL_FORMAT_ELF_SEAL_H

#include "format/elf_loads.h"
#include "format/elf_private.h"
#include "format/out.h"

#define XL_MAX_SECTIONS 16

struct xl_section {
	const char *name;
	uint32_t type;
	uint64_t offset, size, align, entsize;
};

struct xl_seal {
	struct xl_format *f;
	const struct xl_cut *cut;
	struct xl_slots final;
	const struct xl_bitmap *present; /* of the pages that there are: raw, not each slot has one */
	struct xl_loads loads;
	uint64_t nr_loads;
	struct xl_blob notes;        /* of the PT_NOTE; starts behind the program headers */
	size_t own_note, own_note_size; /* our own one inside of it */
	struct xl_blob xen_notes, prstatus;
	uint64_t data_start;
	struct xl_section section[XL_MAX_SECTIONS]; /* [0] is the null section, [1] .shstrtab */
	unsigned nr_sections;
	uint64_t shoff, size;        /* of the section headers, and of the whole file */
	uint64_t digests;            /* offset of .xldump_digests */
	struct xl_out out;
};

/* Where the notes of the PT_NOTE begin: behind the program headers. */
uint64_t xl_elf_notes_start(const struct xl_seal *s);

/* Raw: .xen_p2m, which ends where the pages begin. */
void xl_elf_raw_write_p2m(struct xl_seal *s);

/* Everything behind the pages, section headers included; sets s->shoff and s->nr_sections. */
_must_check_ int xl_elf_write_sections(struct xl_seal *s);

#endif
