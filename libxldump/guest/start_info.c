// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where a PV kernel keeps xen_start_info, without its symbols.
 *
 * Xen gives a PV guest a page that says so in its first bytes (struct start_info,
 * xen/include/public/xen.h), and the kernel keeps the address of that page in one variable, in the
 * direct map (arch/x86/xen/mmu_pv.c, xen_setup_kernel_pagetable).  So the variable is where the
 * kernel image has that address.
 */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "guest/kernel_private.h"

/* Behind the image's end as VMCOREINFO lets guess it: room for what it names no symbol of. */
#define BEHIND_IMAGE ((uint64_t)16 << 20)

/* The image of a kernel is smaller (XL_KERNEL_IMAGE_MAX is the room that there is for it). */
#define SEARCH_MAX ((uint64_t)128 << 20)

/* "xen-3.0-x86_64", NUL-terminated, in 32 bytes */
#define MAGIC_SIZE 32

bool xl_is_start_info(const void *page)
{
	const char *s = page;

	return memcmp(s, "xen-", 4) == 0 && memchr(s, '\0', MAGIC_SIZE) && strstr(s, "-x86_64");
}

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
				const struct xl_kernel *k)
{
	uint64_t end = k->image_end + BEHIND_IMAGE, found = 0;
	unsigned char page[XL_PAGE_SIZE];
	unsigned hits = 0;

	if (!k->page_offset || !k->image_end || !c->start_infos)
		return 0;
	if (end - k->image_start > SEARCH_MAX)
		end = k->image_start + SEARCH_MAX;
	for (uint64_t pa = k->image_start; pa < end; pa += XL_PAGE_SIZE) {
		int r = m->read(m->data, pa, page, sizeof(page));

		if (r == -EFAULT) /* there is no such page */
			continue;
		if (r < 0)
			return 0;
		for (size_t i = 0; i < c->start_infos; i++)
			search_page(page, pa,
				    k->page_offset + (c->start_info[i] << XL_PAGE_SHIFT), &found,
				    &hits);
	}
	/* Of two the right one cannot be told. */
	return hits == 1 ? found : 0;
}
