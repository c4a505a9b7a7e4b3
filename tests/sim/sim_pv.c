/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A simulated PV guest: its p2m in its own memory, page tables with host frames, page types. */
#include "sim.h"

#include "base/bytes.h"

/* Offsets in shared_info of guests of 64 and of 32 bits (xen/include/public/arch-x86/xen.h). */
enum { MAX_PFN, FRAME_LIST_LIST, P2M_CR3, P2M_VADDR, P2M_GENERATION };

static const unsigned si_offset[2][5] = {
	{ 3088, 3096, 3112, 3120, 3128 },
	{ 2316, 2320, 2328, 2332, 2336 },
};

/* An array that begins a few pages before the end of an L1 table, to have two of them. */
#define VADDR64 0xffffc900001fd000ULL
#define VADDR32 0xf51ff000ULL

/* What Xen has in the L2 of the last GiB of a 32-bit guest: its table of frames, from 0xf5800000 on, in
 * superpages. */
#define COMPAT_M2P_SLOT 428

#define PTE_BITS 0x067ULL /* present, writable, user, accessed, dirty */
#define PTE_PSE 0x080ULL
#define PTE(mfn) ((uint64_t)(mfn) << 12 | PTE_BITS)

static void set_si(struct sim *s, unsigned what, uint64_t value)
{
	uint8_t *at = s->shared_info + si_offset[s->params.narrow][what];

	if (s->params.narrow)
		xl_put_le32(at, (uint32_t)value);
	else
		xl_put_le64(at, value);
}

static uint64_t get_si(const struct sim *s, unsigned what)
{
	const uint8_t *at = s->shared_info + si_offset[s->params.narrow][what];

	return s->params.narrow ? xl_get_le32(at) : xl_get_le64(at);
}

static size_t per_page(const struct sim *s)
{
	return s->params.narrow ? 1024 : 512;
}

/* A number of the guest's width, in the p2m or the lists of its pages. */
static void write_number(struct sim *s, xl_pfn_t pfn, size_t index, uint64_t value)
{
	uint8_t le[4];

	if (!s->params.narrow) {
		sim_write64(s, pfn, index, value);
		return;
	}
	xl_put_le32(le, (uint32_t)value);
	sim_write(s, pfn, index * sizeof(le), le, sizeof(le));
}

static uint64_t p2m_vaddr(const struct sim *s)
{
	return s->params.narrow ? VADDR32 : VADDR64;
}

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
	write_number(s, s->p2m_page[pfn / per_page(s)], pfn % per_page(s),
		     mfn ? mfn : XL_INVALID_FRAME);
}

/* Where the L1 tables of a linear p2m are in s->p2m_table. */
static size_t first_l1(const struct sim *s)
{
	return s->params.narrow ? 2 : 3;
}

/* The L1 entry, or the entry of the mid list, that names page i of the p2m. */
static void name_p2m_page(struct sim *s, size_t i, xl_pfn_t pfn)
{
	uint64_t va = p2m_vaddr(s) + i * XL_PAGE_SIZE;
	size_t l1 = (va >> 21) - (p2m_vaddr(s) >> 21);

	if (s->params.three_level)
		write_number(s, s->p2m_table[1], i, s->p2m[pfn]);
	else
		sim_write64(s, s->p2m_table[first_l1(s) + l1], slot(va, 1), PTE(s->p2m[pfn]));
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

/* And so with each L2 of the last GiB. */
static void map_compat_m2p(struct sim *s, xl_pfn_t l2)
{
	for (unsigned i = 0; i < XL_ARRAY_SIZE(s->compat_m2p); i++) {
		if (!s->compat_m2p[i])
			s->compat_m2p[i] = sim_alloc(s, SIM_HYPERVISOR, XL_INVALID_FRAME);
		sim_write64(s, l2, COMPAT_M2P_SLOT + i, PTE(s->compat_m2p[i]) | PTE_PSE);
	}
}

/* The tables above the L1s of the p2m; the one right above them. */
static xl_pfn_t create_upper(struct sim *s, xl_pfn_t *next)
{
	uint64_t va = p2m_vaddr(s);

	s->p2m_table[0] = take(s, next, s->params.narrow ? XL_PAGE_L3TAB : XL_PAGE_L4TAB);
	if (s->params.narrow) {
		s->p2m_table[1] = take(s, next, XL_PAGE_L2TAB);
		link_tables(s, s->p2m_table[0], slot(va, 3), s->p2m_table[1]);
		map_compat_m2p(s, s->p2m_table[1]);
		return s->p2m_table[1];
	}
	map_itself(s, s->p2m_table[0]);
	s->p2m_table[1] = take(s, next, XL_PAGE_L3TAB);
	s->p2m_table[2] = take(s, next, XL_PAGE_L2TAB);
	link_tables(s, s->p2m_table[0], slot(va, 4), s->p2m_table[1]);
	link_tables(s, s->p2m_table[1], slot(va, 3), s->p2m_table[2]);
	return s->p2m_table[2];
}

uint64_t sim_pv_cr3(const struct sim *s, xl_pfn_t top)
{
	uint32_t mfn = s->p2m[top];

	return s->params.narrow ? (uint32_t)(mfn << 12 | mfn >> 20) : (uint64_t)mfn << 12;
}

static void publish_linear(struct sim *s, xl_pfn_t *next)
{
	uint64_t va = p2m_vaddr(s);
	size_t l1s = ((va + s->nr_p2m_pages * XL_PAGE_SIZE - 1) >> 21) - (va >> 21) + 1;
	xl_pfn_t l2 = create_upper(s, next);

	for (size_t i = 0; i < l1s; i++) {
		xl_pfn_t l1 = take(s, next, XL_PAGE_L1TAB);

		s->p2m_table[first_l1(s) + i] = l1;
		link_tables(s, l2, slot(va, 2) + (unsigned)i, l1);
	}
	set_si(s, P2M_CR3, sim_pv_cr3(s, s->p2m_table[0]));
	set_si(s, P2M_VADDR, va);
}

static void publish_list(struct sim *s, xl_pfn_t *next)
{
	s->p2m_table[0] = take(s, next, XL_PAGE_NOTAB);
	s->p2m_table[1] = take(s, next, XL_PAGE_NOTAB);
	write_number(s, s->p2m_table[0], 0, s->p2m[s->p2m_table[1]]);
	set_si(s, FRAME_LIST_LIST, s->p2m[s->p2m_table[0]]);
}

/* Three tables of the upper levels, then L1s. */
static void take_tables(struct sim *s, xl_pfn_t *next)
{
	uint8_t first = s->params.narrow ? XL_PAGE_L2TAB : XL_PAGE_L3TAB;

	for (; s->nr_tables < 12; s->nr_tables++) {
		uint8_t type = s->nr_tables == 0 ? first :
			       s->nr_tables < 3	 ? XL_PAGE_L2TAB :
						   XL_PAGE_L1TAB;

		s->table[s->nr_tables] = take(s, next, type);
	}
}

/* The root that the vCPUs use, with Xen's part in it, and tables under it. */
static void create_tables(struct sim *s, xl_pfn_t *next)
{
	s->top = take(s, next, XL_PAGE_L4TAB);
	for (unsigned i = 256; i <= 271; i++)
		sim_write64(s, s->top, i, PTE(sim_alloc(s, SIM_HYPERVISOR, XL_INVALID_FRAME)));
	map_itself(s, s->top);
	take_tables(s, next);
	link_tables(s, s->top, 300, s->table[0]);
	for (unsigned i = 1; i < 3; i++)
		link_tables(s, s->table[0], i, s->table[i]);
	for (unsigned i = 3; i < 12; i++)
		link_tables(s, s->table[1 + i % 2], i, s->table[i]);
}

/* The same of 32 bits: the L2 of the last GiB is table[0]. */
static void create_tables_32(struct sim *s, xl_pfn_t *next)
{
	s->top = take(s, next, XL_PAGE_L3TAB);
	take_tables(s, next);
	link_tables(s, s->top, 3, s->table[0]);
	map_compat_m2p(s, s->table[0]);
	for (unsigned i = 1; i < 3; i++)
		link_tables(s, s->top, i, s->table[i]);
	for (unsigned i = 3; i < 12; i++)
		link_tables(s, s->table[i % 3], i, s->table[i]);
}

static int create_memory(struct sim *s)
{
	uint64_t pages = s->params.pages;

	s->nr_pfns = pages + pages / 8 + 8;
	s->nr_p2m_pages = (s->nr_pfns + per_page(s) - 1) / per_page(s);
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
	for (xl_pfn_t pfn = 0; pfn < s->nr_p2m_pages * per_page(s); pfn++)
		write_number(s, s->p2m_page[pfn / per_page(s)], pfn % per_page(s),
			     pfn < s->nr_pfns && s->p2m[pfn] ? s->p2m[pfn] : XL_INVALID_FRAME);
	set_si(s, MAX_PFN, s->nr_pfns);
	if (s->params.three_level)
		publish_list(s, &next);
	else
		publish_linear(s, &next);
	for (size_t i = 0; i < s->nr_p2m_pages; i++)
		name_p2m_page(s, i, s->p2m_page[i]);
	if (s->params.narrow)
		create_tables_32(s, &next);
	else
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
	uint64_t generation = get_si(s, P2M_GENERATION);

	if (!s->p2m[new])
		return;
	sim_write(s, new, 0, sim_page(s, s->p2m[old]), XL_PAGE_SIZE);
	set_si(s, P2M_GENERATION, generation + 2);
	name_p2m_page(s, i, new);
	s->data[d] = old;
	/* Plausible entries, all wrong. */
	for (size_t e = 0; e < per_page(s); e += 7)
		write_number(s, old, e, 1 + sim_below(s, s->nr_frames - 1));
}
