/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake kernel with struct pages: of the sections 0 and 2 of its memory, as kernels of several
 * ages lay them out.  The memory has only 12 MiB, so most pages that have a struct page cannot be
 * read; nobody should. */
#ifndef XLDUMP_TESTS_FAKE_MM_H
#define XLDUMP_TESTS_FAKE_MM_H

#include "base/bitmap.h"
#include "fake_kernel.h"

#define FAKE_MM_SECTION 32768 /* pages */
#define FAKE_MM_PFNS (3 * FAKE_MM_SECTION)
#define FAKE_MM_HIGH (2 * FAKE_MM_SECTION) /* the first pfn of section 2 */

/* Physical places. */
#define FAKE_MM_TABLES_PA 0x226000
#define FAKE_MM_ROOTS_PA 0x600000 /* the array mem_section, then a page of struct mem_section */
#define FAKE_MM_LOW_PA 0x800000
#define FAKE_MM_HIGH_PA 0xa00000

#define FAKE_MM_SECTION_SIZE 32 /* sizeof(struct mem_section) */
#define FAKE_MM_SECTION_MAP 8

/* Flags: numbers of bits.  -1: this kernel has none. */
struct fake_mm_kernel {
	const char *release;
	const char *more; /* of VMCOREINFO */
	int flags, mapping, private_, mapcount, head;
	int lru, private_flag, swapcache, swapbacked, slab, hwpoison, pg_head;
	uint32_t buddy, slab_type, offline, hugetlb_type, unaccepted; /* 0: none */

	/* In the struct page after the head of a compound page; -1: not there. */
	int order, order_width, dtor, dtor_width, hugetlb;
	uint64_t dtor_value;
};

struct fake_mm {
	struct fake f;
	const struct fake_mm_kernel *k;
	struct xl_bitmap present;
	uint64_t vmemmap, reads;
	bool small; /* by pages of 4 KiB, as PV guests have them: what is said below 2 MiB of each */
};

#define FAKE_MM_KERNELS 8
extern const struct fake_mm_kernel fake_mm_kernels[FAKE_MM_KERNELS];

/* The text is built here too, so with fake_mm_build() what it says can be set before. */
void fake_mm_init(struct fake_mm *m, const struct fake_mm_kernel *k);
void fake_mm_build(struct fake_mm *m, const struct fake_mm_kernel *k);
void fake_mm_deinit(struct fake_mm *m);

/* xl_read_fn */
int fake_mm_read(void *data, uint64_t paddr, void *buf, size_t len);

/* The struct page of a pfn in the sections 0 and 2, and what it says. */
unsigned char *fake_mm_page(struct fake_mm *m, xl_pfn_t pfn);
void fake_mm_flag(struct fake_mm *m, xl_pfn_t pfn, int bit);
void fake_mm_type(struct fake_mm *m, xl_pfn_t pfn, uint32_t type);
void fake_mm_mapping(struct fake_mm *m, xl_pfn_t pfn, uint64_t mapping);
void fake_mm_free(struct fake_mm *m, xl_pfn_t pfn, uint64_t order);

/* A compound page; its tails say so where this kernel's do. */
void fake_mm_compound(struct fake_mm *m, xl_pfn_t pfn, unsigned order, bool hugetlb);

/* The entry of struct mem_section. */
void fake_mm_section(struct fake_mm *m, unsigned nr, uint64_t value);

#endif
