/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PT_LOAD segments: runs of present pages, split at the kernel image.
 *
 * p_vaddr matters.  drgn 0.0.22 reads the kernel's page tables by their virtual address and
 * gdb knows nothing else, so the image has its own address and the rest that of the direct map.
 * Volatility wants segments that do not overlap, so the image is cut out rather than repeated.
 *
 * vmcore-dmesg looks at as many program headers as e_phnum can say, not at those that section 0 counts
 * (kexec-tools 2.0.32).  It needs those of the image, so in a file of more they are the first.
 */
#include "format/elf_loads.h"

#include "format/elf_format.h"

static bool inside(xl_pfn_t pfn, xl_pfn_t first, xl_pfn_t end)
{
	return pfn >= first && pfn < end;
}

/* The first page of the next segment, or one behind all. */
static xl_pfn_t next_start(struct xl_loads *l)
{
	xl_pfn_t first;

	if (!l->image_early)
		return xl_bitmap_next(l->present, l->next);
	if (!l->image_done) {
		first = xl_bitmap_next(l->present, l->next > l->image_first ? l->next : l->image_first);
		if (first < l->image_end)
			return first;
		l->image_done = true;
		l->next = 0;
	}
	first = xl_bitmap_next(l->present, l->next);
	return inside(first, l->image_first, l->image_end) ? xl_bitmap_next(l->present, l->image_end) :
							     first;
}

bool xl_loads_next(struct xl_loads *l, struct xl_load *ret)
{
	xl_pfn_t first = next_start(l);
	xl_pfn_t end;
	uint64_t bias;

	if (first >= l->present->nbits)
		return false;
	end = xl_bitmap_next_clear(l->present, first);
	for (size_t i = 0; i < XL_ARRAY_SIZE(l->split); i++) {
		if (l->split[i] > first && l->split[i] < end)
			end = l->split[i];
	}
	l->next = end;

	bias = inside(first, l->image_first, l->image_end) ? l->image_bias : l->direct_bias;
	ret->first = first;
	ret->pages = end - first;
	ret->vaddr = bias ? (first << XL_PAGE_SHIFT) + bias : 0;
	return true;
}

uint64_t xl_loads_count(const struct xl_loads *l)
{
	struct xl_loads copy = *l;
	struct xl_load load;
	uint64_t n = 0;

	while (xl_loads_next(&copy, &load))
		n++;
	return n;
}

void xl_loads_init(struct xl_loads *l, const struct xl_slots *slots,
		   const struct xl_kernel *kernel)
{
	*l = (struct xl_loads){ .present = &slots->present, .direct_bias = kernel->page_offset };
	if (kernel->image_start < kernel->image_end) {
		l->image_first = kernel->image_start >> XL_PAGE_SHIFT;
		l->image_end = kernel->image_end >> XL_PAGE_SHIFT;
		l->image_bias = XL_START_KERNEL_MAP - (uint64_t)kernel->phys_base;
		l->split[0] = l->image_first;
		l->split[1] = l->image_end;
	}
	/* The first header is that of the notes. */
	l->image_early = l->image_end && xl_loads_count(l) + 1 >= ELF_PN_XNUM;
	/* crash reads a file with one single segment without checking bounds (netdump.c
	 * read_netdump): make it two. */
	if (slots->count > 1 && xl_loads_count(l) == 1)
		l->split[2] = xl_bitmap_next(l->present, 0) + slots->count / 2;
}
