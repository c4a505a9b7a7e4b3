/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is different where page tables hold frames of the host. */
#ifndef XL_FORMAT_ELF_RAW_H
#define XL_FORMAT_ELF_RAW_H

#include "format/elf_private.h"

/* Slots of the pages that there are; if raw, one for each pfn.  -ENOMEM. */
_must_check_ int xl_elf_slots_init(const struct xl_elf *f, uint64_t nr_pfns,
				   const struct xl_bitmap *present, struct xl_slots *ret);

/* nr_pfns, rounded up to what crash reads at a time. */
uint64_t xl_elf_raw_slots(uint64_t nr_pfns);

/* Bytes of .xen_p2m with that many entries; 0 if the file is not raw. */
uint64_t xl_elf_raw_p2m_size(const struct xl_elf *f, uint64_t slots);

/* Pages that were put and are not there at T keep their slots, but not their bytes. */
void xl_elf_raw_drop(struct xl_elf *f, const struct xl_cut *cut);

/* .xen_p2m, which ends where the pages begin. */
void xl_elf_raw_write_p2m(struct xl_elf_seal *s);

#endif
