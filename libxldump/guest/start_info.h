/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a PV kernel keeps xen_start_info, without its symbols. */
#ifndef XL_GUEST_START_INFO_H
#define XL_GUEST_START_INFO_H

#include "guest/candidates.h"
#include "guest/kmem.h"

/* Physical address of the variable that holds the address of the start_info page, found by its
 * value: for kernels that do not say where their symbols are.  0: there is none, or more than one
 * place looks like it.
 *
 * @param start, end   of the kernel's image, physical
 * @param page_offset  virtual address of physical 0 in the direct map */
uint64_t xl_start_info_variable(const struct xl_candidates *c, const struct xl_kmem *m,
				uint64_t start, uint64_t end, uint64_t page_offset);

#endif
