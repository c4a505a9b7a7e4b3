/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completes an ELF file. */
#ifndef XL_FORMAT_ELF_SEAL_H
#define XL_FORMAT_ELF_SEAL_H

#include "format/elf_private.h"

/* When everything that was put is in the file. */
_must_check_ int xl_elf_seal(struct xl_ctx *x, struct xl_elf *f, const struct xl_cut *cut);

#endif
