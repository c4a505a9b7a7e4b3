/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The formats that are ELF files: elf, xencore, xencore-raw. */
#ifndef XL_FORMAT_ELF_H
#define XL_FORMAT_ELF_H

#include "format/format.h"

_must_check_ int xl_elf_open(struct xl_ctx *x, const struct xl_layout *layout, struct xl_sink *sink,
			     const struct xl_format_params *params, struct xl_format **ret);

#endif
