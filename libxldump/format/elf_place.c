/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where pages lie in an ELF file. */
#include "format/elf_place.h"

#include "format/elf_format.h"
#include "format/elf_raw.h"

static uint64_t page_align(uint64_t v)
{
	return (v + XL_PAGE_MASK) & ~(uint64_t)XL_PAGE_MASK;
}

uint64_t xl_elf_page_offset(const struct xl_elf *f, xl_pfn_t pfn)
{
	uint64_t rank = xl_slots_rank(&f->slots, pfn);

	if (xl_bitmap_test(&f->slots.present, pfn))
		return f->data_start + (rank << XL_PAGE_SHIFT);
	/* One of those that the layout did not have, counted among themselves. */
	return f->overflow_start + ((pfn - rank) << XL_PAGE_SHIFT);
}

/* Number of runs of present pages. */
static uint64_t count_runs(const struct xl_bitmap *b)
{
	uint64_t n = 0;

	for (uint64_t pfn = xl_bitmap_next(b, 0); pfn < b->nbits;
	     pfn = xl_bitmap_next(b, xl_bitmap_next_clear(b, pfn)))
		n++;
	return n;
}

/* Choose where the pages begin.  The room in front is a hole and costs nothing, but crash reads it
 * all into memory, so it is not made huge: twice the program headers of now and a thousand more.
 * Should that not do, the pages are moved at the end.  The overflow begins where no slot can ever
 * be: behind all pfns and the most headers that they can need. */
void xl_elf_place(struct xl_elf *f, uint64_t notes)
{
	uint64_t runs = count_runs(&f->slots.present);
	uint64_t most = f->slots.nr_pfns / 2 + 8;

	f->data_start = page_align(ELF_EHDR_SIZE + ELF_PHDR_SIZE * (runs * 2 + 1024) + notes) +
			xl_elf_raw_p2m_size(f, f->slots.nr_pfns);
	f->overflow_start = f->data_start + (f->slots.nr_pfns << XL_PAGE_SHIFT) +
			    xl_elf_raw_p2m_size(f, f->slots.nr_pfns) +
			    page_align(ELF_EHDR_SIZE + ELF_PHDR_SIZE * most +
				       xl_notes_max(XL_MAX_VCPUS) + notes);
}
