/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest kernel's own page tables. */
#ifndef XL_GUEST_KERNEL_TABLES_H
#define XL_GUEST_KERNEL_TABLES_H

#include "guest/kmem.h"

/* Levels of the page tables in use: 4 or 5. */
unsigned xl_kernel_levels(const char *text);

/* Physical address of the kernel's top page table.  -ENOENT, -EFAULT. */
_must_check_ int xl_kernel_root(const char *text, const struct xl_kmem *m, uint64_t *ret_pa);

/* Walk from a top table of so many levels, taking what the tables hold for pfns.  -ENOENT where
 * nothing is mapped.
 *
 * @param ret_span  size of the page that va is in */
_must_check_ int xl_kernel_translate(const struct xl_kmem *m, uint64_t root, unsigned levels,
				     uint64_t va, uint64_t *ret_pa, uint64_t *ret_span);

/* Whether the kernel's own tables map va to pa, taking what they hold for pfns. */
bool xl_kernel_maps(const char *text, const struct xl_kmem *m, uint64_t va, uint64_t pa);

/* Virtual address of physical 0 in the direct map; 0 when nothing fits.
 *
 * A base is believed if the tables map pa, which must be ordinary memory, where it would be.  If
 * they cannot be walked (PV), it must do that something is mapped in the base's slot.
 *
 * @param variable_va  of the variable page_offset_base, 0 when it is not known */
uint64_t xl_kernel_page_offset(const char *text, const struct xl_kmem *m, bool walkable,
			       uint64_t pa, uint64_t variable_va);

#endif
