/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The form in which page tables of a PV guest hold frames of the host: .xen_p2m, dense, and a slot
 * for each of its entries, so that pages never move. */
#include "format/elf_raw.h"

#include "base/bytes.h"
#include "format/elf_format.h"

uint64_t xl_elf_raw_slots(uint64_t nr_pfns)
{
	return xl_align_up(nr_pfns, XEN_P2M_AT_ONCE);
}

uint64_t xl_elf_raw_p2m_size(const struct xl_elf *f, uint64_t slots)
{
	return f->raw ? slots * XEN_P2M_SIZE : 0;
}

int xl_elf_slots_init(const struct xl_elf *f, uint64_t nr_pfns, const struct xl_bitmap *present,
		      struct xl_slots *ret)
{
	struct xl_bitmap all;
	int r;

	if (!f->raw)
		return xl_slots_init(ret, nr_pfns, present);
	nr_pfns = xl_elf_raw_slots(nr_pfns);
	if (xl_bitmap_init(&all, nr_pfns) < 0)
		return -ENOMEM;
	memset(all.word, 0xff, xl_bitmap_bytes(&all));
	r = xl_slots_init(ret, nr_pfns, &all);
	xl_bitmap_deinit(&all);
	return r;
}

void xl_elf_raw_drop(struct xl_elf *f, const struct xl_cut *cut)
{
	for (xl_pfn_t pfn = xl_bitmap_next(&f->stored, 0); pfn < f->stored.nbits;
	     pfn = xl_bitmap_next(&f->stored, pfn + 1)) {
		if (xl_bitmap_test(&cut->present, pfn))
			continue;
		xl_bitmap_set(&f->stale, pfn);
		xl_bitmap_clear(&f->stored, pfn);
	}
}

void xl_elf_raw_write_p2m(struct xl_elf_seal *s)
{
	(void)xl_out_seek(&s->out, s->data_start -
				   xl_elf_raw_p2m_size(s->f, s->final.nr_pfns));
	for (xl_pfn_t pfn = 0; pfn < s->final.nr_pfns; pfn++) {
		xl_out_u64(&s->out, pfn);
		xl_out_u64(&s->out, xl_bitmap_test(s->present, pfn) ? s->cut->p2m[pfn] :
								      XL_INVALID_FRAME);
	}
}
