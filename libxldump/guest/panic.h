/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the Linux kernel of a guest has panicked, by its memory alone.
 *
 * A kernel that panics takes a variable, panic_cpu, which is -1 until then (kernel/panic.c).  Where
 * that is takes a search through all memory, so it is found out while the guest runs; to look then
 * takes two pages. */
#ifndef XL_GUEST_PANIC_H
#define XL_GUEST_PANIC_H

#include "base/ctx.h"
#include "guest/physmap.h"

/* Find the variable.  Does not pause.  Only for auto-translated guests: the pages of others move.
 * -ENOENT, with words: there is no Linux kernel that says where its symbols are, or it has panicked. */
_must_check_ int xl_panic_learn(struct xl_ctx *x, struct xl_hv *hv, uint32_t domid,
				const struct xl_physmap *map, struct xldump_panic_mark *ret);

/* -ESTALE: the kernel is not the one that the mark is of. */
_must_check_ int xl_panic_look(struct xl_ctx *x, struct xl_hv *hv, uint32_t domid,
			       const struct xldump_panic_mark *mark, bool *ret);

#endif
