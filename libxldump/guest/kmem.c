/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of a guest, by physical address and by that of the kernel image. */
#include "guest/kmem.h"

#include <errno.h>

int xl_read_across(uint64_t paddr, void *buf, size_t len, xl_read_part_fn part, void *data)
{
	uint8_t *out = buf;

	if (len && paddr > UINT64_MAX - (len - 1))
		return -EFAULT;
	while (len) {
		size_t offset = paddr & XL_PAGE_MASK;
		size_t n = XL_PAGE_SIZE - offset < len ? XL_PAGE_SIZE - offset : len;
		int r = part(data, paddr >> XL_PAGE_SHIFT, offset, out, n);

		if (r < 0)
			return r;
		out += n;
		paddr += n;
		len -= n;
	}
	return 0;
}

int xl_kmem_pa(const struct xl_kmem *m, uint64_t va, uint64_t *ret_pa)
{
	int64_t pa;

	if (va < XL_START_KERNEL_MAP || va - XL_START_KERNEL_MAP >= XL_KERNEL_IMAGE_MAX)
		return -EFAULT;
	if (__builtin_add_overflow((int64_t)(va - XL_START_KERNEL_MAP), m->phys_base, &pa) ||
	    pa < 0)
		return -EFAULT;
	*ret_pa = (uint64_t)pa;
	return 0;
}

int xl_kmem_read(const struct xl_kmem *m, uint64_t va, void *buf, size_t len)
{
	uint64_t pa;
	int r = xl_kmem_pa(m, va, &pa);

	return r < 0 ? r : m->read(m->data, pa, buf, len);
}
