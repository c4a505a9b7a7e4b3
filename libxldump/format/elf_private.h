/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the ELF format share.
 *
 *   elf.c             the format's operations: pages as they come
 *   elf_place.c       where they lie in the file
 *   elf_relayout.c    moves pages when the guest's memory map changed, or the headers need room
 *   elf_seal.c        completes the file: the front of it
 *   elf_sections.c    and the end of it
 *   elf_raw.c         what is different where page tables hold frames of the host
 *   elf_loads.c       segments
 *   elf_format.h      the bytes
 *
 * and with other formats:
 *
 *   notes.c           notes of registers and VMCOREINFO; notes_format.h has their bytes
 *   notes_provenance.c  our own note
 *   xen_notes.c       what Xen's sections say of the hypervisor and the vCPUs
 *   records.c         what our sections say
 *   slots.c           ranks of present pages
 *   out.c             sequential writing
 *   blob.c            growing buffers
 */
#ifndef XL_FORMAT_ELF_PRIVATE_H
#define XL_FORMAT_ELF_PRIVATE_H

#include <inttypes.h>

#include "format/blob.h"
#include "format/elf_loads.h"
#include "format/format.h"
#include "format/notes.h"
#include "format/out.h"
#include "format/slots.h"

/* ---- the format ---- */

struct xl_elf {
	struct xl_format format;
	struct xl_sink *sink;
	bool sections_only;
	bool raw; /* sections only, and a slot for each pfn, whether there is a page or not */

	struct xl_slots slots;   /* of the layout */
	uint64_t data_start;     /* file offset of slot 0 */
	uint64_t overflow_start; /* of the pages that the layout did not have */
	struct xl_bitmap known;  /* by pfn: was put */
	struct xl_bitmap stored; /* by pfn: is not a page of zeros */
	struct xl_bitmap stale;  /* by pfn: is one, but its place in the file holds older bytes */
	uint64_t *digest;        /* by pfn; 8 bytes of memory for a page, untouched for holes */

	/* Pages that follow each other in the file, not yet written. */
	uint8_t *buf;
	uint64_t buf_offset;
	size_t buf_len;
};

#define XL_ELF_BUF_SIZE ((size_t)1 << 20)

/* ---- what is known while the file is being completed ---- */

#define XL_MAX_SECTIONS 16

struct xl_section {
	const char *name;
	uint32_t type;
	uint64_t offset, size, align, entsize;
};

struct xl_elf_seal {
	struct xl_elf *f;
	const struct xl_cut *cut;
	struct xl_slots final;
	const struct xl_bitmap *present; /* of the pages that there are: raw, not each slot has one */
	struct xl_loads loads;
	uint64_t nr_loads;
	uint64_t notes_start;        /* of the PT_NOTE: behind the program headers */
	struct xl_blob notes;        /* its contents */
	size_t own_note, own_note_size; /* our own one inside of it */
	struct xl_blob xen_notes, prstatus;
	uint64_t data_start;
	struct xl_section section[XL_MAX_SECTIONS]; /* [0] is the null section, [1] .shstrtab */
	unsigned nr_sections;
	uint64_t shoff, size;        /* of the section headers, and of the whole file */
	uint64_t digests;            /* offset of .xldump_digests */
	struct xl_out out;
};

#endif
