/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables, and the p2m by which they are translated.
 *
 *	w:nr_pfns, records for the p2m (frames 0 and 1 of a memory, 0 is a hole), 00
 *	b:level (128: of a 32-bit guest) q:pfn, records for the table (frame 0), 00, then a vCPU's
 *	q:cr3 q:cr3 q:user cr3
 */
#include <errno.h>

#include "fuzz.h"
#include "page/canonicalise.h"

#define PTE_PRESENT 1ULL
#define PTE_FRAME 0x000ffffffffff000ULL
#define CONTEXT_CTRLREG 4984
#define CONTEXT32_CR3 2728
#define NARROW 128

struct guest {
	xl_mfn_t p2m[1024];
	uint64_t nr;
	struct xl_m2p m2p;
};

static void take_p2m(struct guest *g, struct fuzz_in *in)
{
	struct fuzz_mem mem = { 0 };

	g->nr = fuzz_u16(in) % (XL_ARRAY_SIZE(g->p2m) + 1);
	fuzz_mem_fill(&mem, in);
	for (uint64_t pfn = 0; pfn < g->nr; pfn++) {
		uint64_t v = xl_get_le64(fuzz_mem_page(&mem, pfn / 512) + pfn % 512 * 8);

		g->p2m[pfn] = v ? v : XL_INVALID_FRAME;
	}
	fuzz_mem_deinit(&mem);
	if (xl_m2p_init(&g->m2p, g->p2m, g->nr) < 0)
		abort();
}

/* The lower pfn of those that claim a frame has it. */
static void check_inverse(const struct guest *g)
{
	for (xl_pfn_t pfn = 0; pfn < g->nr; pfn++) {
		xl_pfn_t got = xl_m2p_lookup(&g->m2p, g->p2m[pfn]);

		if (g->p2m[pfn] == XL_INVALID_FRAME)
			FUZZ_CHECK(got == XL_INVALID_FRAME);
		else
			FUZZ_CHECK(got <= pfn && g->p2m[got] == g->p2m[pfn]);
	}
}

static void check_entry(const struct guest *g, bool narrow, unsigned level, uint64_t i,
			uint64_t new)
{
	xl_pfn_t pfn = (new & PTE_FRAME) >> XL_PAGE_SHIFT;

	if (level == 4 && i >= 256 && i < 272)
		FUZZ_CHECK(new == 0);
	if (narrow && level == 3 && i >= 4)
		FUZZ_CHECK(new == 0);
	if (new & PTE_PRESENT)
		FUZZ_CHECK(pfn < g->nr && g->p2m[pfn] != XL_INVALID_FRAME);
}

/* What the p2m and the edits give back. */
static void check_undo(const struct guest *g, xl_pfn_t pfn, const uint64_t *old, uint64_t *table,
		       const struct xl_edits *edits)
{
	for (unsigned i = 0; i < XL_PTES_PER_PAGE; i++) {
		if (table[i] & PTE_PRESENT)
			table[i] = (table[i] & ~PTE_FRAME) |
				   g->p2m[(table[i] & PTE_FRAME) >> XL_PAGE_SHIFT]
					   << XL_PAGE_SHIFT;
	}
	for (size_t i = 0; i < edits->n; i++) {
		uint64_t at = edits->edit[i].paddr - (pfn << XL_PAGE_SHIFT);

		FUZZ_CHECK(at < XL_PAGE_SIZE && at % 8 == 0 && table[at / 8] == 0);
		table[at / 8] = edits->edit[i].old;
	}
	FUZZ_CHECK(!memcmp(old, table, XL_PAGE_SIZE));
}

static void check_table(const struct guest *g, struct fuzz_in *in)
{
	uint64_t old[XL_PTES_PER_PAGE], table[XL_PTES_PER_PAGE];
	struct fuzz_mem mem = { 0 };
	struct xl_edits edits = { 0 };
	unsigned level = fuzz_u8(in);
	xl_pfn_t pfn = fuzz_u64(in);
	bool narrow = level & NARROW;
	int r;

	level &= ~(unsigned)NARROW;
	fuzz_mem_fill(&mem, in);
	memcpy(old, fuzz_mem_page(&mem, 0), sizeof(old));
	memcpy(table, old, sizeof(table));
	r = (narrow ? xl_canonicalise_pae : xl_canonicalise)(&g->m2p, level, pfn, table, &edits);
	FUZZ_CHECK(r == 0 || (r == -EINVAL && (level < 1 || level > (narrow ? 3 : 4))));
	for (unsigned i = 0; r == 0 && i < XL_PTES_PER_PAGE; i++)
		check_entry(g, narrow, level, i, table[i]);
	if (r == 0)
		check_undo(g, pfn, old, table, &edits);
	else
		FUZZ_CHECK(!memcmp(old, table, sizeof(old)) && edits.n == 0);
	xl_edits_deinit(&edits);
	fuzz_mem_deinit(&mem);
}

static void check_cr3(const struct guest *g, uint64_t cr3)
{
	xl_pfn_t pfn = cr3 >> XL_PAGE_SHIFT;

	FUZZ_CHECK(cr3 == 0 || (pfn < g->nr && g->p2m[pfn] != XL_INVALID_FRAME));
}

/* Whatever the register holds, it ends as the root of tables that are there, and back again. */
static void check_vcpu_32(const struct guest *g, uint64_t cr3)
{
	struct xl_vcpu v = { .online = true, .cr3 = cr3 };
	uint32_t is;

	xl_put_le32(v.context + CONTEXT32_CR3, (uint32_t)cr3);
	xl_canonicalise_vcpu_32(&g->m2p, &v);
	is = xl_get_le32(v.context + CONTEXT32_CR3);
	check_cr3(g, v.cr3);
	check_cr3(g, (uint64_t)(is >> 12 | is << 20) << XL_PAGE_SHIFT);
	if (!is)
		return;
	/* Its frame has at most 32 bits, or it would not have been found. */
	FUZZ_CHECK(xl_restore_vcpu_32(g->p2m, g->nr, &v) == 0);
	FUZZ_CHECK(xl_get_le32(v.context + CONTEXT32_CR3) == (uint32_t)cr3);
}

static void check_vcpu(const struct guest *g, struct fuzz_in *in)
{
	struct xl_vcpu v = { .online = true, .cr3 = fuzz_u64(in) };

	check_vcpu_32(g, v.cr3);
	xl_put_le64(v.context + CONTEXT_CTRLREG + 24, fuzz_u64(in));
	xl_put_le64(v.context + CONTEXT_CTRLREG + 8, fuzz_u64(in));
	xl_canonicalise_vcpu(&g->m2p, &v);
	check_cr3(g, v.cr3);
	check_cr3(g, xl_get_le64(v.context + CONTEXT_CTRLREG + 24));
	check_cr3(g, xl_get_le64(v.context + CONTEXT_CTRLREG + 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct guest g = { 0 };

	take_p2m(&g, &in);
	check_inverse(&g);
	check_table(&g, &in);
	check_vcpu(&g, &in);
	xl_m2p_deinit(&g.m2p);
	return 0;
}
