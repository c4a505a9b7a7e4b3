/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the ELF format share.
 *
 *   elf.c             the format's operations: pages as they come
 *   elf_slots.c       where a page lies in the file
 *   elf_relayout.c    moves pages when the guest's memory map changed, or the headers need room
 *   elf_seal.c        completes the file: the front of it
 *   elf_sections.c    and the end of it
 *   elf_loads.c       segments
 *   elf_notes.c       notes of registers, VMCOREINFO and Xen
 *   elf_provenance.c  our own note
 *   elf_out.c         sequential writing
 *   elf_blob.c        growing buffers
 *   elf_format.h      the bytes
 */
#ifndef XL_FORMAT_ELF_PRIVATE_H
#define XL_FORMAT_ELF_PRIVATE_H

#include <inttypes.h>

#include "format/format.h"

/* ---- where pages lie ---- */

/* Number of present pfns below each 512th, so that a rank is a look-up and at most 8 popcounts: one
 * bit of memory for 8 pfns. */
struct xl_slots {
	uint64_t nr_pfns;
	struct xl_bitmap present;
	uint64_t *before;
	uint64_t count; /* of all present pfns */
};

/* Takes a copy of present: the original may change while the guest runs. */
_must_check_ int xl_slots_init(struct xl_slots *s, uint64_t nr_pfns,
			       const struct xl_bitmap *present);
void xl_slots_deinit(struct xl_slots *s);

/* Number of present pfns below pfn, which is below nr_pfns. */
uint64_t xl_slots_rank(const struct xl_slots *s, xl_pfn_t pfn);

/* ---- the format ---- */

struct xl_format {
	struct xl_sink *sink;
	bool sections_only;

	struct xl_slots slots;   /* of the layout */
	uint64_t data_start;     /* file offset of slot 0 */
	uint64_t overflow_start; /* of the pages that the layout did not have */
	struct xl_bitmap known;  /* by pfn: was put */
	struct xl_bitmap stored; /* by pfn: is not a page of zeros */
	struct xl_bitmap stale;  /* by pfn: is one, but its place in the file holds older bytes */

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

_must_check_ int xl_elf_seal(struct xl_ctx *x, struct xl_format *f, const struct xl_cut *cut);

/* ---- growing buffer, for what must have a size before it has a place ---- */

struct xl_blob {
	uint8_t *data;
	size_t len, allocated;
	bool failed; /* out of memory: checked once, at the end */
};

void xl_blob_deinit(struct xl_blob *b);

/* Appends len bytes: a copy of data, or zeros when it is NULL.  The place of them, valid until the
 * next call, or NULL when out of memory. */
uint8_t *xl_blob_add(struct xl_blob *b, const void *data, size_t len);

/* Appends a note whose desc is as in xl_blob_add(); the place of desc. */
uint8_t *xl_blob_note(struct xl_blob *b, const char *name, uint32_t type, const void *desc,
		      size_t descsz);

/* ---- notes ---- */

/* Number of vCPUs that the file speaks of: to the highest one online, at least 1.  crash drops all
 * registers when notes are missing in between (netdump.c map_cpus_to_prstatus). */
uint32_t xl_elf_nr_vcpus(const struct xl_cut *cut);

/* Room that all notes of the PT_NOTE together need at most. */
uint64_t xl_elf_notes_max(uint32_t vcpus);

/* PRSTATUS, QEMU and VMCOREINFO notes. */
void xl_elf_notes(struct xl_blob *b, const struct xl_cut *cut);

/* Contents of .note.Xen. */
void xl_elf_xen_notes(struct xl_blob *b, const struct xl_cut *cut, uint64_t nr_pages);

/* Contents of .xen_prstatus. */
void xl_elf_xen_prstatus(struct xl_blob *b, const struct xl_cut *cut);

/* A root of page tables that maps the kernel, for vCPU 0 in .xen_prstatus: its own CR3, or the one
 * of another vCPU, or swapper_pg_dir.  *ret_from is NULL, "vcpu" or "swapper_pg_dir"; *ret_vcpu is
 * set for "vcpu". */
uint64_t xl_elf_kernel_cr3(const struct xl_cut *cut, const char **ret_from, uint32_t *ret_vcpu);

/* Our own note, of a size that is bounded by XL_PROVENANCE_MAX.  -ENOMEM. */
_must_check_ int xl_elf_provenance(struct xl_blob *b, const struct xl_cut *cut,
				   uint64_t nr_pages);

/* Ranges of suspect pages that are listed, and the size that the note cannot exceed: 1024 ranges of
 * at most 24 characters, 64 rounds of at most 80, names and reasons. */
#define XL_PROVENANCE_RANGES 1024
#define XL_PROVENANCE_MAX (64 * 1024)

#endif
