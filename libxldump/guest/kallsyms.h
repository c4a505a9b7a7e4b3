/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbols from the kernel's own table. */
#ifndef XL_GUEST_KALLSYMS_H
#define XL_GUEST_KALLSYMS_H

#include "base/ctx.h"
#include "guest/kmem.h"

/* Addresses of several symbols in one pass over the table; 0 for a name that is not in it.
 * -ENOENT when the text does not name the table or it does not stand up to the checks. */
_must_check_ int xl_kallsyms_find(struct xl_ctx *x, const char *text, const struct xl_kmem *m,
				  const char *const *name, size_t n, uint64_t *ret_va);

#endif
