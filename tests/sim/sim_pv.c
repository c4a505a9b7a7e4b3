// SPDX-License-Identifier: GPL-2.0-or-later
/* A simulated PV guest: its p2m in its own memory, page tables with host frames, page types. */
#include "sim.h"

#include "base/bytes.h"

/* Offsets in shared_info of a 64-bit guest (xen/include/public/arch-x86/xen.h). */
#define SI_MAX_PFN 3088
#define SI_FRAME_LIST_LIST 3096
#define SI_P2M_CR3 3112
#define SI_P2M_VADDR 3120
#define SI_P2M_GENERATION 3128

/* An array that begins a few pages before the end of an L1 table, to have two of them. */
#define P2M_VADDR 0xffffc900001fd000ULL

#define PTE_BITS 0x067ULL /* present, writable, user, accessed, dirty */
#define PTE(mfn) ((uint64_t)(mfn) << 12 | PTE_BITS)

static unsigned slot(uint64_t va, unsigned level)
{
	return va >> (12 + 9 * (level - 1)) & 511;
}

static xl_pfn_t take(struct sim *s, xl_pfn_t *next, uint8_t type)
{
	while (!s->p2m[*next])
		(*next)++;
	s->frame[s->p2m[*next]].type = type;
	return (*next)++;
}

void sim_pv_set_p2m(struct sim *s, xl_pfn_t pfn, xl_mfn_t mfn)
{
	s->p2m[pfn] = (uint32_t)mfn;
	sim_write64(s, s->p2m_page[pfn / 512], pfn % 512, mfn ? mfn : XL_INVALID_FRAME);
}

/* The L1 entry, or the entry of the mid list, that names page i of the p2m. */
static void name_p2m_page(struct sim *s, size_t i, xl_pfn_t pfn)
{
	uint64_t va = P2M_VADDR + i * XL_PAGE_SIZE;
	size_t l1 = (va >> 21) - (P2M_VADDR >> 21);

	if (s->params.three_level)
		sim_write64(s, s->p2m_table[1], i, s->p2m[pfn]);
	else
		sim_write64(s, s->p2m_table[3 + l1], slot(va, 1), PTE(s->p2m[pfn]));
	s->p2m_page[i] = pfn;
}

static void link_tables(struct sim *s, xl_pfn_t upper, unsigned index, xl_pfn_t lower)
{
	sim_write64(s, upper, index, PTE(s->p2m[lower]));
}

/* Xen does so with each top table: LINEAR_PT_VIRT_START. */
static void map_itself(struct sim *s, xl_pfn_t top)
{
	link_tables(s, top, 258, top);
}

static void publish_linear(struct sim *s, xl_pfn_t *next)
{
	size_t l1s = ((P2M_VADDR + s->nr_p2m_pages * XL_PAGE_SIZE - 1) >> 21) -
		     (P2M_VADDR >> 21) + 1;

	s->p2m_table[0] = take(s, next, XL_PAGE_L4TAB);
	map_itself(s, s->p2m_table[0]);
	s->p2m_table[1] = take(s, next, XL_PAGE_L3TAB);
	s->p2m_table[2] = take(s, next, XL_PAGE_L2TAB);
	link_tables(s, s->p2m_table[0], slot(P2M_VADDR, 4), s->p2m_table[1]);
	link_tables(s, s->p2m_table[1], slot(P2M_VADDR, 3), s->p2m_table[2]);
	for (size_t i = 0; i < l1s; i++) {
		s->p2m_table[3 + i] = take(s, next, XL_PAGE_L1TAB);
		link_tables(s, s->p2m_table[2], slot(P2M_VADDR, 2) + (unsigned)i,
			    s->p2m_table[3 + i]);
	}
	xl_put_le64(s->shared_info + SI_P2M_CR3, (uint64_t)s->p2m[s->p2m_table[0]] << 12);
	xl_put_le64(s->shared_info + SI_P2M_VADDR, P2M_VADDR);
}

static void publish_list(struct sim *s, xl_pfn_t *next)
{
	s->p2m_table[0] = take(s, next, XL_PAGE_NOTAB);
	s->p2m_table[1] = take(s, next, XL_PAGE_NOTAB);
	sim_write64(s, s->p2m_table[0], 0, s->p2m[s->p2m_table[1]]);
	xl_put_le64(s->shared_info + SI_FRAME_LIST_LIST, s->p2m[s->p2m_table[0]]);
}

/* The root that the vCPUs use, with Xen's part in it, and tables under it. */
static void create_tables(struct sim *s, xl_pfn_t *next)
{
	s->top = take(s, next, XL_PAGE_L4TAB);
	for (unsigned i = 256; i <= 271; i++)
		sim_write64(s, s->top, i, PTE(sim_alloc(s, SIM_HYPERVISOR, XL_INVALID_FRAME)));
	map_itself(s, s->top);
	for (; s->nr_tables < 12; s->nr_tables++) {
		uint8_t type = s->nr_tables == 0 ? XL_PAGE_L3TAB :
			       s->nr_tables < 3	 ? XL_PAGE_L2TAB :
						   XL_PAGE_L1TAB;

		s->table[s->nr_tables] = take(s, next, type);
	}
	link_tables(s, s->top, 300, s->table[0]);
	for (unsigned i = 1; i < 3; i++)
		link_tables(s, s->table[0], i, s->table[i]);
	for (unsigned i = 3; i < 12; i++)
		link_tables(s, s->table[1 + i % 2], i, s->table[i]);
}

static int create_memory(struct sim *s)
{
	uint64_t pages = s->params.pages;

	s->nr_pfns = pages + pages / 8 + 8;
	s->nr_p2m_pages = (s->nr_pfns + 511) / 512;
	s->p2m = sim_calloc(s->nr_pfns, sizeof(*s->p2m));
	s->seen_absent = sim_calloc(s->nr_pfns, 1);
	s->p2m_page = sim_calloc(s->nr_p2m_pages, sizeof(*s->p2m_page));
	if (!s->p2m || !s->seen_absent || !s->p2m_page)
		return -ENOMEM;
	for (xl_pfn_t pfn = 0; pfn < s->nr_pfns && s->tot_pages < pages; pfn++) {
		if (sim_below(s, 40) == 0)
			continue;
		s->p2m[pfn] = (uint32_t)sim_alloc(s, SIM_GUEST, pfn);
	}
	s->max_pages = s->tot_pages + 64;
	return 0;
}

int sim_pv_create(struct sim *s)
{
	xl_pfn_t next = 3;
	int r = create_memory(s);

	if (r < 0)
		return r;
	for (size_t i = 0; i < s->nr_p2m_pages; i++)
		s->p2m_page[i] = take(s, &next, XL_PAGE_NOTAB);
	for (xl_pfn_t pfn = 0; pfn < s->nr_p2m_pages * 512; pfn++)
		sim_write64(s, s->p2m_page[pfn / 512], pfn % 512,
			    pfn < s->nr_pfns && s->p2m[pfn] ? s->p2m[pfn] : XL_INVALID_FRAME);
	xl_put_le64(s->shared_info + SI_MAX_PFN, s->nr_pfns);
	if (s->params.three_level)
		publish_list(s, &next);
	else
		publish_linear(s, &next);
	for (size_t i = 0; i < s->nr_p2m_pages; i++)
		name_p2m_page(s, i, s->p2m_page[i]);
	create_tables(s, &next);
	for (; s->nr_special < 2; s->nr_special++)
		s->special[s->nr_special] = s->p2m[take(s, &next, XL_PAGE_NOTAB)];
	for (; next < s->nr_pfns; next++) {
		if (!s->p2m[next])
			continue;
		s->data[s->nr_data++] = next;
		sim_scribble(s, next, false);
	}
	return 0;
}

/* ---- what its kernel does ---- */

/* A frame to point to: mostly its own, sometimes a grant of another domain or a device's. */
static uint64_t some_pte(struct sim *s)
{
	xl_mfn_t mfn;

	switch (sim_below(s, 16)) {
	case 0:
		return 0;
	case 1:
		return sim_random(s) & ~1ULL; /* swapped out: not present */
	case 2:
		return PTE(s->nr_frames + 100 + sim_below(s, 100));
	case 3:
		mfn = sim_below(s, s->nr_frames);
		return PTE(mfn);
	default:
		mfn = s->p2m[s->data[sim_below(s, s->nr_data)]];
		return mfn ? PTE(mfn) | 1ULL << 63 : 0;
	}
}

static void make_table(struct sim *s)
{
	size_t i = sim_below(s, s->nr_data);
	xl_pfn_t pfn = s->data[i];

	if (s->nr_tables == SIM_NR_TABLES || s->nr_data < 64 || !s->p2m[pfn])
		return;
	s->data[i] = s->data[--s->nr_data];
	for (size_t e = 0; e < 512; e += 1 + sim_below(s, 64))
		sim_write64(s, pfn, e, some_pte(s));
	/* What is neither 0 nor an entry was cleared by the kernel before. */
	for (size_t e = 0; e < 3; e++)
		sim_write64(s, pfn, e, 0);
	s->frame[s->p2m[pfn]].type = XL_PAGE_L1TAB;
	sim_mark(s, pfn);
	s->table[s->nr_tables++] = pfn;
}

static void unmake_table(struct sim *s)
{
	size_t i = 12 + sim_below(s, s->nr_tables - 12);
	xl_pfn_t pfn = s->table[i];

	s->table[i] = s->table[--s->nr_tables];
	s->frame[s->p2m[pfn]].type = XL_PAGE_NOTAB;
	sim_mark(s, pfn);
	s->data[s->nr_data++] = pfn;
}

void sim_pv_tables_act(struct sim *s)
{
	switch (sim_below(s, 8)) {
	case 0:
		make_table(s);
		return;
	case 1:
		if (s->nr_tables > 12)
			unmake_table(s);
		return;
	default:
		sim_write64(s, s->table[3 + sim_below(s, s->nr_tables - 3)], sim_below(s, 512),
			    some_pte(s));
	}
}

/* Copies a page of the p2m to another place, names that, and uses the old one for something else. */
void sim_pv_move_p2m(struct sim *s)
{
	size_t i = sim_below(s, s->nr_p2m_pages), d = sim_below(s, s->nr_data);
	xl_pfn_t old = s->p2m_page[i], new = s->data[d];
	uint64_t generation = xl_get_le64(s->shared_info + SI_P2M_GENERATION);

	if (!s->p2m[new])
		return;
	sim_write(s, new, 0, sim_page(s, s->p2m[old]), XL_PAGE_SIZE);
	xl_put_le64(s->shared_info + SI_P2M_GENERATION, generation + 2);
	name_p2m_page(s, i, new);
	s->data[d] = old;
	/* Plausible entries, all wrong. */
	for (size_t e = 0; e < 512; e += 7)
		sim_write64(s, old, e, 1 + sim_below(s, s->nr_frames - 1));
}
