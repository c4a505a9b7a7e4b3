/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake kernel with struct pages. */
#include "fake_mm.h"

#include <stdlib.h>
#include <string.h>

/* Lines that all kernels have, with the numbers that did not change. */
#define FAKE_MM_LINES                                                                               \
	"SIZE(page)=64\nSIZE(mem_section)=32\nOFFSET(mem_section.section_mem_map)=8\n"               \
	"OFFSET(page.flags)=0\nLENGTH(zone.free_area)=11\n"

#define FAKE_MM_4X                                                                                  \
	FAKE_MM_LINES "OFFSET(page.mapping)=8\nOFFSET(page._mapcount)=24\nOFFSET(page.private)=48\n" \
		      "OFFSET(page.lru)=32\nNUMBER(PG_lru)=5\nNUMBER(PG_slab)=7\n"                    \
		      "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-128\n"

#define FAKE_MM_5X                                                                                  \
	FAKE_MM_LINES "OFFSET(page.mapping)=24\nOFFSET(page._mapcount)=48\nOFFSET(page.private)=40\n" \
		      "OFFSET(page.lru)=8\nOFFSET(page.compound_head)=8\nNUMBER(PG_swapbacked)=19\n"   \
		      "NUMBER(PG_private)=13\nNUMBER(PG_swapcache)=10\nNUMBER(PG_hwpoison)=22\n"       \
		      "NUMBER(SECTION_SIZE_BITS)=27\n"

#define FAKE_MM_5X_PLACES                                                                           \
	.flags = 0, .mapping = 24, .private_ = 40, .mapcount = 48, .head = 8, .private_flag = 13,    \
	.swapcache = 10, .swapbacked = 19, .hwpoison = 22

#define FAKE_MM_6X                                                                                  \
	FAKE_MM_5X "NUMBER(PG_lru)=5\nNUMBER(PG_head_mask)=64\n"                                     \
		   "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\n"

const struct fake_mm_kernel fake_mm_kernels[FAKE_MM_KERNELS] = {
	{
		"4.3.6-1", FAKE_MM_4X "NUMBER(PG_private)=11\nNUMBER(PG_swapcache)=16\n"
			   "NUMBER(PG_head_mask)=16384\nSYMBOL(free_huge_page)=ffffffff8119c3e0\n"
			   "NUMBER(PG_hwpoison)=21\n",
		.flags = 0, .mapping = 8, .private_ = 48, .mapcount = 24, .head = -1, .lru = 5,
		.private_flag = 11, .swapcache = 16, .swapbacked = -1, .slab = 7, .hwpoison = 21,
		.pg_head = 14, .buddy = -128, .order = 40, .order_width = 8, .dtor = 32,
		.dtor_width = 8, .dtor_value = 0xffffffff8119c3e0, .hugetlb = -1,
	},
	{
		"4.9.0-19-amd64", FAKE_MM_4X "OFFSET(page.compound_head)=32\n"
			   "OFFSET(page.compound_dtor)=40\nOFFSET(page.compound_order)=44\n"
			   "NUMBER(PG_private)=11\nNUMBER(PG_swapcache)=15\nNUMBER(PG_hwpoison)=20\n"
			   "NUMBER(PG_head_mask)=16384\nNUMBER(HUGETLB_PAGE_DTOR)=2\n",
		.flags = 0, .mapping = 8, .private_ = 48, .mapcount = 24, .head = 32, .lru = 5,
		.private_flag = 11, .swapcache = 15, .swapbacked = -1, .slab = 7, .hwpoison = 20,
		.pg_head = 14, .buddy = -128, .order = 44, .order_width = 2, .dtor = 40,
		.dtor_width = 2, .dtor_value = 2, .hugetlb = -1,
	},
	{ /* PG_swapcache is an alias, and PG_swapbacked is not told */
		"4.14.0-3-amd64", FAKE_MM_4X "OFFSET(page.compound_head)=32\n"
			   "OFFSET(page.compound_dtor)=40\nOFFSET(page.compound_order)=44\n"
			   "NUMBER(PG_private)=12\nNUMBER(PG_swapcache)=9\nNUMBER(PG_hwpoison)=21\n"
			   "NUMBER(PG_head_mask)=32768\nNUMBER(HUGETLB_PAGE_DTOR)=2\n",
		.flags = 0, .mapping = 8, .private_ = 48, .mapcount = 24, .head = 32, .lru = 5,
		.private_flag = 12, .swapcache = 9, .swapbacked = 18, .slab = 7, .hwpoison = 21,
		.pg_head = 15, .buddy = -128, .order = 44, .order_width = 2, .dtor = 40,
		.dtor_width = 2, .dtor_value = 2, .hugetlb = -1,
	},
	{
		"5.10.0-28-amd64", FAKE_MM_5X "OFFSET(page.compound_dtor)=16\n"
			   "OFFSET(page.compound_order)=17\nNUMBER(PG_lru)=4\nNUMBER(PG_slab)=9\n"
			   "NUMBER(PG_head_mask)=65536\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n"
			   "NUMBER(HUGETLB_PAGE_DTOR)=2\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\n",
		FAKE_MM_5X_PLACES, .lru = 4, .slab = 9, .pg_head = 16, .buddy = -129,
		.offline = -257, .order = 17, .order_width = 1, .dtor = 16, .dtor_width = 1,
		.dtor_value = 2, .hugetlb = -1,
	},
	{
		"6.4.0-1-amd64", FAKE_MM_6X "NUMBER(PG_slab)=9\nNUMBER(HUGETLB_PAGE_DTOR)=2\n"
			   "OFFSET(folio._folio_dtor)=80\nOFFSET(folio._folio_order)=81\n"
			   "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n",
		FAKE_MM_5X_PLACES, .lru = 5, .slab = 9, .pg_head = 6, .buddy = -129,
		.offline = -257, .order = 17, .order_width = 1, .dtor = 16, .dtor_width = 1,
		.dtor_value = 2, .hugetlb = -1,
	},
	{
		"6.6.15-amd64", FAKE_MM_6X "NUMBER(PG_slab)=9\nNUMBER(PG_hugetlb)=8\n"
			   "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n",
		FAKE_MM_5X_PLACES, .lru = 5, .slab = 9, .pg_head = 6, .buddy = -129,
		.offline = -257, .order = 0, .order_width = 1, .dtor = -1, .hugetlb = 8,
	},
	{
		"6.12.48+deb13-amd64", FAKE_MM_5X "NUMBER(PG_lru)=5\nNUMBER(PG_head_mask)=64\n"
			   "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=-184549376\n"
			   "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-268435456\n"
			   "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-251658240\n"
			   "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=-201326592\n"
			   "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)=-134217728\n",
		FAKE_MM_5X_PLACES, .lru = 5, .slab = -1, .pg_head = 6, .buddy = 0xf0000000,
		.slab_type = 0xf5000000, .offline = 0xf1000000, .hugetlb_type = 0xf4000000,
		.unaccepted = 0xf8000000, .order = 0, .order_width = 1, .dtor = -1, .hugetlb = -1,
	},
	{ /* compound_info, five levels of page tables; numbers without a sign */
		"7.0.1-amd64", FAKE_MM_LINES "OFFSET(page.mapping)=24\nOFFSET(page._mapcount)=48\n"
			   "OFFSET(page.private)=40\nOFFSET(page.compound_info)=8\nNUMBER(PG_lru)=5\n"
			   "NUMBER(PG_swapbacked)=19\nNUMBER(PG_private)=13\nNUMBER(PG_swapcache)=10\n"
			   "NUMBER(PG_hwpoison)=22\nNUMBER(SECTION_SIZE_BITS)=27\n"
			   "NUMBER(PG_head_mask)=64\nNUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=4110417920\n"
			   "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=4026531840\n"
			   "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=4043309056\n"
			   "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=4093640704\n",
		FAKE_MM_5X_PLACES, .lru = 5, .slab = -1, .pg_head = 6, .buddy = 0xf0000000,
		.slab_type = 0xf5000000, .offline = 0xf1000000, .hugetlb_type = 0xf4000000,
		.order = 0, .order_width = 1, .dtor = -1, .hugetlb = -1,
	},
};

int fake_mm_read(void *data, uint64_t paddr, void *buf, size_t len)
{
	struct fake_mm *m = data;

	m->reads++;
	return fake_read(&m->f, paddr, buf, len);
}

unsigned char *fake_mm_page(struct fake_mm *m, xl_pfn_t pfn)
{
	if (pfn < FAKE_MM_SECTION)
		return m->f.mem + FAKE_MM_LOW_PA + pfn * 64;
	return m->f.mem + FAKE_MM_HIGH_PA + (pfn - FAKE_MM_HIGH) * 64;
}

void fake_mm_flag(struct fake_mm *m, xl_pfn_t pfn, int bit)
{
	unsigned char *p = fake_mm_page(m, pfn) + m->k->flags;

	if (bit >= 0)
		xl_put_le64(p, xl_get_le64(p) | 1ULL << bit);
}

void fake_mm_type(struct fake_mm *m, xl_pfn_t pfn, uint32_t type)
{
	xl_put_le32(fake_mm_page(m, pfn) + m->k->mapcount, type);
}

void fake_mm_mapping(struct fake_mm *m, xl_pfn_t pfn, uint64_t mapping)
{
	xl_put_le64(fake_mm_page(m, pfn) + m->k->mapping, mapping);
}

void fake_mm_free(struct fake_mm *m, xl_pfn_t pfn, uint64_t order)
{
	fake_mm_type(m, pfn, m->k->buddy);
	xl_put_le64(fake_mm_page(m, pfn) + m->k->private_, order);
}

void fake_mm_compound(struct fake_mm *m, xl_pfn_t pfn, unsigned order, bool hugetlb)
{
	const struct fake_mm_kernel *k = m->k;
	unsigned char *next = fake_mm_page(m, pfn + 1);

	fake_mm_flag(m, pfn, k->pg_head);
	for (xl_pfn_t i = 1; k->head >= 0 && i < 1ULL << order; i++)
		xl_put_le64(fake_mm_page(m, pfn + i) + k->head, m->vmemmap + pfn * 64 + 1);
	if (k->order_width == 8)
		xl_put_le64(next + k->order, order);
	else if (k->order_width == 2)
		xl_put_le16(next + k->order, (uint16_t)order);
	else
		next[k->order] = (unsigned char)order;
	if (!hugetlb)
		return;
	if (k->hugetlb_type)
		fake_mm_type(m, pfn, k->hugetlb_type);
	fake_mm_flag(m, pfn + 1, k->hugetlb);
	if (k->dtor_width == 8)
		xl_put_le64(next + k->dtor, k->dtor_value);
	else if (k->dtor_width == 2)
		xl_put_le16(next + k->dtor, (uint16_t)k->dtor_value);
	else if (k->dtor_width == 1)
		next[k->dtor] = (unsigned char)k->dtor_value;
}

/* The struct pages by two large pages, under whatever top table there is. */
static void fake_mm_tables(struct fake_mm *m)
{
	struct fake *f = &m->f;
	uint64_t t = FAKE_MM_TABLES_PA, top = FAKE_TABLES_PA, v = m->vmemmap;

	if (f->l5) {
		fake_entry(f, top, v >> 48 & 511, t | 0x63);
		top = t;
	}
	fake_entry(f, top, v >> 39 & 511, (t + 0x1000) | 0x63);
	fake_entry(f, t + 0x1000, v >> 30 & 511, (t + 0x2000) | 0x63);
	if (m->small) {
		/* The first section's; and of the direct map what mem_section is in. */
		fake_entry(f, t + 0x2000, v >> 21 & 511, (t + 0x3000) | 0x63);
		fake_entry(f, FAKE_TABLES_PA + 0x3000, f->page_offset >> 30 & 511,
			   (t + 0x4000) | 0x63);
		fake_entry(f, t + 0x4000, FAKE_MM_ROOTS_PA >> 21, (t + 0x5000) | 0x63);
		for (uint64_t i = 0; i < 512; i++) {
			fake_entry(f, t + 0x3000, i, (FAKE_MM_LOW_PA + i * 0x1000) | 0x63);
			fake_entry(f, t + 0x5000, i, (FAKE_MM_ROOTS_PA + i * 0x1000) | 0x63);
		}
		return;
	}
	fake_entry(f, t + 0x2000, v >> 21 & 511, FAKE_MM_LOW_PA | 0xe3);
	fake_entry(f, t + 0x2000, (v >> 21 & 511) + 2, FAKE_MM_HIGH_PA | 0xe3);
}

void fake_mm_section(struct fake_mm *m, unsigned nr, uint64_t value)
{
	xl_put_le64(m->f.mem + FAKE_MM_ROOTS_PA + 0x1000 + nr * FAKE_MM_SECTION_SIZE +
			    FAKE_MM_SECTION_MAP, value);
}

void fake_mm_build(struct fake_mm *m, const struct fake_mm_kernel *k)
{
	struct fake *f = &m->f;

	m->k = k;
	f->release = k->release;
	f->more = k->more;
	f->encoding = FAKE_NO_KALLSYMS;
	f->l5 = k->release[0] == '7';
	f->page_offset = f->l5 ? 0xff11000040000000 : 0xffff9b4c40000000;
	m->vmemmap = f->l5 ? 0xffd4000000000000 : 0xffffea0000000000;
	f->mem_section = f->page_offset + f->base + FAKE_MM_ROOTS_PA;
	fake_build(f);
	fake_mm_tables(m);
	xl_put_le64(f->mem + FAKE_MM_ROOTS_PA, f->mem_section + 0x1000);
	/* Present, has a map, online, early. */
	fake_mm_section(m, 0, m->vmemmap | 0xf);
	fake_mm_section(m, 2, m->vmemmap | 0x2f);
	for (xl_pfn_t pfn = 0; pfn < FAKE_MM_SECTION; pfn++) {
		fake_mm_type(m, pfn, UINT32_MAX);
		fake_mm_type(m, pfn + FAKE_MM_HIGH, UINT32_MAX);
	}
}

void fake_mm_init(struct fake_mm *m, const struct fake_mm_kernel *k)
{
	memset(m, 0, sizeof(*m));
	fake_defaults(&m->f);
	if (xl_bitmap_init(&m->present, FAKE_MM_PFNS) < 0)
		abort();
	for (xl_pfn_t pfn = 0; pfn < FAKE_MM_PFNS; pfn++)
		xl_bitmap_set(&m->present, pfn);
	fake_mm_build(m, k);
}

void fake_mm_deinit(struct fake_mm *m)
{
	xl_bitmap_deinit(&m->present);
	fake_deinit(&m->f);
}
