/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moves pages within an ELF file. */
#ifndef XL_FORMAT_ELF_RELAYOUT_H
#define XL_FORMAT_ELF_RELAYOUT_H

#include "format/elf_private.h"

/* Move every page from where put() wrote it to its slot among final->present behind data_start,
 * which is not below f->data_start; pages that are not in final are dropped.  put() must have
 * nothing in its buffer, which serves here. */
_must_check_ int xl_elf_relayout(struct xl_ctx *x, struct xl_elf *f, const struct xl_slots *final,
				 uint64_t data_start);

#endif
