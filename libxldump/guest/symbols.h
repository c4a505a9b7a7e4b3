/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The symbols of a kernel from a file that the user names: for guests whose memory does not say where
 * they are. */
#ifndef XL_GUEST_SYMBOLS_H
#define XL_GUEST_SYMBOLS_H

#include "base/ctx.h"

struct xl_symbols;

/* Read a System.map, or an ELF file with a symbol table (vmlinux).  Causes: USAGE, PERMISSION. */
_must_check_ int xl_symbols_open(struct xl_ctx *x, const char *path, struct xl_symbols **ret);

/* Accepts NULL. */
void xl_symbols_close(struct xl_symbols *s);

/* Address without KASLR.  -ENOENT: there is none of that name, or more than one. */
_must_check_ int xl_symbols_find(const struct xl_symbols *s, const char *name, uint64_t *ret);

/* Whether it is of the kernel that this VMCOREINFO is of: by the build-id, if both have one, and by
 * every address that both name.  -ENOEXEC with XLDUMP_CAUSE_USAGE if it is not. */
_must_check_ int xl_symbols_check(struct xl_ctx *x, const struct xl_symbols *s, const char *text);

#endif
