/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of an ELF file: sections. */
#ifndef XL_FORMAT_ELF_SECTIONS_H
#define XL_FORMAT_ELF_SECTIONS_H

#include "format/elf_private.h"

/* Everything behind the pages, section headers included; sets s->shoff, s->size and s->nr_sections. */
_must_check_ int xl_elf_write_sections(struct xl_elf_seal *s);

#endif
