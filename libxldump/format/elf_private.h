/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the ELF format share.
 *
 *   elf.c             the format's operations: pages as they come
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
#include "format/format.h"
#include "format/notes.h"
#include "format/slots.h"

/* ---- the format ---- */

struct xl_format {
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

/* Where put() writes this page. */
uint64_t xl_elf_page_offset(const struct xl_format *f, xl_pfn_t pfn);

/* Move every page from where put() wrote it to its slot among final->present behind data_start,
 * which is not below f->data_start; pages that are not in final are dropped.  put() must have
 * nothing in its buffer, which serves here. */
_must_check_ int xl_elf_relayout(struct xl_ctx *x, struct xl_format *f,
				 const struct xl_slots *final, uint64_t data_start);

/* Slots of the pages that there are; if raw, one for each pfn.  -ENOMEM. */
_must_check_ int xl_elf_slots_init(const struct xl_format *f, uint64_t nr_pfns,
				   const struct xl_bitmap *present, struct xl_slots *ret);

/* ---- raw ---- */

/* nr_pfns, rounded up to what crash reads at a time. */
uint64_t xl_elf_raw_slots(uint64_t nr_pfns);

/* Bytes of .xen_p2m with that many entries; 0 if the file is not raw. */
uint64_t xl_elf_raw_p2m_size(const struct xl_format *f, uint64_t slots);

/* Pages that were put and are not there at T keep their slots, but not their bytes. */
void xl_elf_raw_drop(struct xl_format *f, const struct xl_cut *cut);

_must_check_ int xl_elf_seal(struct xl_ctx *x, struct xl_format *f, const struct xl_cut *cut);

#endif
