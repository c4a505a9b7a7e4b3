/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of a guest as those see it who look into it: by physical address, and by virtual address as
 * far as the mapping of the kernel image goes. */
#ifndef XL_GUEST_KMEM_H
#define XL_GUEST_KMEM_H

#include "base/cleanup.h"
#include "base/types.h"

/* Virtual address of the x86_64 kernel image without KASLR (arch/x86/include/asm/page_64_types.h) */
#define XL_START_KERNEL_MAP 0xffffffff80000000ULL

/* The kernel image lies in so much address space at most: KERNEL_IMAGE_SIZE with KASLR
 * (arch/x86/include/asm/page_64_types.h), half of it without. */
#define XL_KERNEL_IMAGE_MAX ((uint64_t)1 << 30)

/* Read guest memory by pseudo-physical address, across pages.  0 or a negative errno (-EFAULT:
 * there is no such page). */
typedef int (*xl_read_fn)(void *data, uint64_t paddr, void *buf, size_t len);

/* Read `len` bytes of one page, from `offset` on.  Errors as xl_read_fn. */
typedef int (*xl_read_part_fn)(void *data, xl_pfn_t pfn, size_t offset, void *buf, size_t len);

/* An xl_read_fn made of one that reads parts of pages: in order, up to the first that fails.  -EFAULT
 * also when the range wraps. */
_must_check_ int xl_read_across(uint64_t paddr, void *buf, size_t len, xl_read_part_fn part,
				void *data);

/* The guest's memory, seen through the mapping of the kernel image. */
struct xl_kmem {
	xl_read_fn read;
	void *data;
	int64_t phys_base; /* pa = va - XL_START_KERNEL_MAP + phys_base */
};

/* Physical address of an address in the kernel image, -EFAULT when it is none. */
_must_check_ int xl_kmem_pa(const struct xl_kmem *m, uint64_t va, uint64_t *ret_pa);

_must_check_ int xl_kmem_read(const struct xl_kmem *m, uint64_t va, void *buf, size_t len);

#endif
