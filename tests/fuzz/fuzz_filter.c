/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The judgement of pages: VMCOREINFO, page tables, sections, struct pages.
 *
 *	b:level b:flags b3:image start d:image pages, w:length and the text, then the records of a
 *	memory; the kernel's image is at physical 0.  Flag 1: the memory repeats without end
 */
#include "fuzz.h"
#include "page/filter.h"

#define NR_PFNS 16384
#define TEXT_MAX 4096

/* At most, for one group of struct pages: its pages and those of its section, each with a walk. */
#define READS_MAX (NR_PFNS / XL_MM_GROUP * 64)

struct guest {
	struct fuzz_mem mem;
	bool endless;
	uint64_t reads;
	const struct xl_bitmap *shown; /* pages that can be read; NULL: all */
};

static int read_guest(void *data, uint64_t paddr, void *buf, size_t len)
{
	struct guest *g = data;

	FUZZ_CHECK(++g->reads <= READS_MAX);
	FUZZ_CHECK(len > 0 && len <= XL_MM_GROUP * XL_MM_PAGE_MAX);
	for (uint64_t pfn = paddr >> XL_PAGE_SHIFT;
	     g->shown && pfn <= (paddr + len - 1) >> XL_PAGE_SHIFT; pfn++)
		if (!xl_bitmap_test(g->shown, pfn))
			return -EFAULT;
	if (g->endless && paddr < NR_PFNS << XL_PAGE_SHIFT)
		paddr %= FUZZ_FRAMES / 2 * XL_PAGE_SIZE;
	return fuzz_mem_read(&g->mem, paddr, buf, len);
}

static void check_filter(const struct xl_filter *f, const struct xl_bitmap *present,
			 const struct xl_kernel *k)
{
	uint64_t sum = 0;

	FUZZ_CHECK(f->count[XL_KIND_KEPT] == 0);
	for (unsigned i = 0; i < _XL_KINDS; i++)
		sum += f->count[i];
	FUZZ_CHECK(xl_bitmap_count(&f->excluded) == sum);
	FUZZ_CHECK((f->level & XLDUMP_LEVEL_FREE) || f->count[XL_KIND_FREE] == 0);
	FUZZ_CHECK((f->level & XLDUMP_LEVEL_USER) || f->count[XL_KIND_USER] == 0);
	for (uint64_t pfn = xl_bitmap_next(&f->excluded, 0); pfn < f->excluded.nbits;
	     pfn = xl_bitmap_next(&f->excluded, pfn + 1)) {
		FUZZ_CHECK(xl_bitmap_test(present, pfn));
		FUZZ_CHECK(pfn < k->image_start >> XL_PAGE_SHIFT ||
			   pfn >= k->image_end >> XL_PAGE_SHIFT);
	}
}

/* What was planned is all that the judgement needs to see. */
static void check_plan(struct guest *g, const struct xl_kernel *k, const struct xl_bitmap *present,
		       const struct xl_filter *f)
{
	struct xl_ctx x = { 0 };
	struct xl_bitmap wanted;
	struct xl_filter again;

	if (xl_bitmap_init(&wanted, NR_PFNS) < 0)
		abort();
	g->reads = 0;
	FUZZ_CHECK(xl_filter_plan(&x, k, present, read_guest, g, &wanted, NULL) == 0);
	g->shown = &wanted;
	g->reads = 0;
	FUZZ_CHECK(xl_filter_judge(&x, k, f->level, present, NULL, read_guest, g, &again) == 0);
	FUZZ_CHECK(memcmp(again.excluded.word, f->excluded.word,
			  xl_bitmap_bytes(&f->excluded)) == 0);
	FUZZ_CHECK(again.unknown == f->unknown);
	xl_filter_deinit(&again);
	xl_bitmap_deinit(&wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct guest g = { 0 };
	struct xl_kernel k = { 0 };
	struct xl_bitmap present;
	struct xl_ctx x = { 0 };
	struct xl_filter f;
	unsigned level = fuzz_u8(&in);
	char text[TEXT_MAX + 1] = { 0 };
	size_t len;

	g.endless = fuzz_u8(&in) & 1;
	k.image_start = (uint64_t)fuzz_u16(&in) << 8;
	k.image_start |= (uint64_t)fuzz_u8(&in) << 24;
	k.image_start &= ~(uint64_t)XL_PAGE_MASK;
	k.image_end = k.image_start + ((uint64_t)fuzz_u32(&in) << XL_PAGE_SHIFT);
	len = fuzz_u16(&in);
	fuzz_bytes(&in, text, len < TEXT_MAX ? len : TEXT_MAX);
	k.vmcoreinfo = text;
	(void)snprintf(k.release, sizeof(k.release), "%.64s", text);
	fuzz_mem_fill(&g.mem, &in);

	if (xl_bitmap_init(&present, NR_PFNS) < 0)
		abort();
	for (uint64_t pfn = 0; pfn < NR_PFNS; pfn++)
		if (pfn % 1021)
			xl_bitmap_set(&present, pfn);
	if (xl_filter_judge(&x, &k, level, &present, NULL, read_guest, &g, &f) == 0) {
		check_filter(&f, &present, &k);
		check_plan(&g, &k, &present, &f);
		xl_filter_deinit(&f);
	} else {
		FUZZ_CHECK(x.cause == XLDUMP_CAUSE_UNSUPPORTED);
	}
	xl_bitmap_deinit(&present);
	fuzz_mem_deinit(&g.mem);
	return 0;
}
