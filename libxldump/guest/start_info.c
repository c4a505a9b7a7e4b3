/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a PV kernel keeps xen_start_info, without its symbols.
 *
 * Xen gives a PV guest a page that says so in its first bytes (struct start_info,
 * xen/include/public/xen.h), and the kernel keeps the address of that page in one variable, in the
 * direct map (arch/x86/xen/mmu_pv.c, xen_setup_kernel_pagetable).  So the variable is where the
 * kernel image has that address.
 */
#include "guest/start_info.h"

#include <errno.h>

#include "base/bytes.h"

/* Behind the image's end as VMCOREINFO lets guess it: room for what it names no symbol of. */
#define BEHIND_IMAGE ((uint64_t)16 << 20)

/* The image of a kernel is smaller (XL_KERNEL_IMAGE_MAX is the room that there is for it). */
#define SEARCH_MAX ((uint64_t)128 << 20)

static void search_page(const unsigned char *page, uint64_t pa, uint64_t want, uint64_t *found,
			unsigned *hits)
{
	for (size_t i = 0; i < XL_PAGE_SIZE; i += 8) {
		if (xl_get_le64(page + i) != want)
			continue;
		*found = pa + i;
		(*hits)++;
	}
}

uint64_t xl_start_info_variable(const struct xl_candidates *c, const struct xl_kmem *m,
				uint64_t start, uint64_t end, uint64_t page_offset)
{
	unsigned char page[XL_PAGE_SIZE];
	unsigned hits = 0;
	uint64_t found = 0;

	if (!page_offset || !end || !c->start_infos)
		return 0;
	end += BEHIND_IMAGE;
	if (end - start > SEARCH_MAX)
		end = start + SEARCH_MAX;
	for (uint64_t pa = start; pa < end; pa += XL_PAGE_SIZE) {
		int r = m->read(m->data, pa, page, sizeof(page));

		if (r == -EFAULT) /* there is no such page */
			continue;
		if (r < 0)
			return 0;
		for (size_t i = 0; i < c->start_infos; i++)
			search_page(page, pa, page_offset + (c->start_info[i] << XL_PAGE_SHIFT),
				    &found, &hits);
	}
	/* Of two the right one cannot be told. */
	return hits == 1 ? found : 0;
}
