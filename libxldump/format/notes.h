/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ELF notes that every format has, and Xen's. */
#ifndef XL_FORMAT_NOTES_H
#define XL_FORMAT_NOTES_H

#include "base/cleanup.h"
#include "cut/cut.h"
#include "format/blob.h"

/* Number of vCPUs that the file speaks of: to the highest one online, at least 1.  crash drops all
 * registers when notes are missing in between (netdump.c map_cpus_to_prstatus). */
uint32_t xl_notes_vcpus(const struct xl_cut *cut);

/* The state of a vCPU; that of one that is offline, all zero, if the cut does not have it. */
const struct xl_vcpu *xl_notes_vcpu(const struct xl_cut *cut, uint32_t id);

/* Room that all notes together need at most. */
uint64_t xl_notes_max(uint32_t vcpus);

/* Where texts are in a blob of notes; 0: there is none. */
struct xl_notes_places {
	size_t vmcoreinfo, eraseinfo;
};

/* PRSTATUS, QEMU and VMCOREINFO notes, or those that the cut keeps of another file.
 *
 * @param ret  may be NULL */
void xl_notes_add(struct xl_blob *b, const struct xl_cut *cut, struct xl_notes_places *ret);

/* A root of page tables that maps the kernel, for vCPU 0 in .xen_prstatus: its own CR3, or the one
 * of another vCPU, or swapper_pg_dir.  *ret_from is NULL, "vcpu" or "swapper_pg_dir"; *ret_vcpu is
 * set for "vcpu". */
uint64_t xl_notes_kernel_cr3(const struct xl_cut *cut, const char **ret_from, uint32_t *ret_vcpu);

/* Contents of .note.Xen. */
void xl_notes_xen(struct xl_blob *b, const struct xl_cut *cut, uint64_t nr_pages);

/* Contents of .xen_prstatus. */
void xl_notes_contexts(struct xl_blob *b, const struct xl_cut *cut);

/* Our own note, of a size that is bounded by XL_PROVENANCE_MAX.  -ENOMEM. */
_must_check_ int xl_notes_provenance(struct xl_blob *b, const struct xl_cut *cut,
				   uint64_t nr_pages);

/* Ranges of suspect pages that are listed, and the size that the note cannot exceed: 1024 ranges of
 * at most 24 characters, 64 rounds of at most 80, names and reasons. */
#define XL_PROVENANCE_RANGES 1024
#define XL_PROVENANCE_MAX (64 * 1024)

#endif
