/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where pages lie in an ELF file. */
#ifndef XL_FORMAT_ELF_PLACE_H
#define XL_FORMAT_ELF_PLACE_H

#include "format/elf_private.h"

/* Choose where the pages begin, with room for so many bytes of notes: sets f->data_start and
 * f->overflow_start. */
void xl_elf_place(struct xl_elf *f, uint64_t notes);

/* Where put() writes this page. */
uint64_t xl_elf_page_offset(const struct xl_elf *f, xl_pfn_t pfn);

#endif
