/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory map of the Linux kernel in the guest: one struct page for each pfn, found from
 * VMCOREINFO alone.
 *
 *   mem_section   array of pointers to pages of struct mem_section, one for 128 MiB of memory
 *                 (SPARSEMEM_EXTREME, which x86_64 always has)
 *   section_mem_map   address of the struct pages of its section, less section's first pfn times
 *                 their size; flags in the low bits
 *
 * The addresses are virtual and translated by the kernel's own page tables: so the reader must show
 * a PV guest's in their canonical form.  All of it is the guest's word.
 */
#ifndef XL_GUEST_MM_H
#define XL_GUEST_MM_H

#include "guest/kernel.h"

#define XL_MM_ABSENT (-1)

/* struct pages that are read at once: an aligned group; 64 of the usual size are one page. */
#define XL_MM_GROUP 64
#define XL_MM_PAGE_MAX 256 /* sizeof(struct page); 64 but for debugging kernels */

/* Where a struct page has what, and what the values mean.  Offsets are bytes, XL_MM_ABSENT for what
 * this kernel does not have.  Those in the "next" page are counted from the start of that page. */
struct xl_page_layout {
	unsigned size;
	int flags, mapcount, mapping, private_, head; /* head: compound_head, compound_info */
	int next_order, next_dtor;
	unsigned order_width, dtor_width; /* bytes */
	bool order_in_flags;              /* low byte of the next page's flags */

	unsigned max_order; /* orders of the buddy allocator are below */

	/* Masks of page.flags; 0: not there. */
	uint64_t lru, private_flag, swapcache, swapbacked, slab, hwpoison, head_mask;
	uint64_t next_hugetlb; /* in the flags of the next page */

	/* Values of page._mapcount, alias page_type, as far as the kernel tells them. */
	bool has_slab_type, has_offline, has_unaccepted, has_hugetlb_type, has_dtor_id;
	uint32_t buddy, slab_type, offline, unaccepted, hugetlb_type;
	uint64_t dtor_id; /* number or address of the destructor of hugetlb pages */
};

struct xl_mm {
	xl_read_fn read;
	void *data;
	uint64_t root; /* physical address of the kernel's top page table */
	unsigned levels;

	uint64_t sections_va;      /* the array of pointers */
	uint64_t roots, per_root;  /* its length, and sections per pointer */
	unsigned section_size;     /* sizeof(struct mem_section) */
	unsigned section_map;      /* offset of section_mem_map in it */
	unsigned section_pfn_bits; /* log2 of the pages of a section */

	struct xl_page_layout page;

	/* The last translation, and the last section. */
	uint64_t tlb_va, tlb_pa, tlb_span;
	uint64_t section_nr, section_va;
	int section_r;
};

/* Learn the layout from the kernel's VMCOREINFO.
 *
 * @param read  of the memory to judge; borrowed with its data until the last call
 * Returns 0, or -EOPNOTSUPP with XLDUMP_CAUSE_UNSUPPORTED: the text lacks something, and the error
 * says what. */
_must_check_ int xl_mm_init(struct xl_ctx *x, struct xl_mm *mm, const struct xl_kernel *k,
			    xl_read_fn read, void *data);

/* As part of it: what a struct page looks like. */
_must_check_ int xl_page_layout_init(struct xl_ctx *x, struct xl_page_layout *p,
				     const struct xl_kernel *k);

/* Physical address of a virtual one; -ENOENT where nothing is mapped.
 *
 * @param ret_left  bytes that follow at the next physical addresses, va's own included */
_must_check_ int xl_mm_translate(struct xl_mm *mm, uint64_t va, uint64_t *ret_pa,
				 uint64_t *ret_left);

/* Read by virtual address. */
_must_check_ int xl_mm_read(struct xl_mm *mm, uint64_t va, void *buf, size_t len);

/* Virtual address of the struct page of a section's first pfn; -ENOENT when it has none. */
_must_check_ int xl_mm_section(struct xl_mm *mm, uint64_t nr, uint64_t *ret_va);

/* The struct pages of an aligned group, XL_MM_GROUP * page.size bytes; -ENOENT when there are none,
 * or they cannot be read. */
_must_check_ int xl_mm_group(struct xl_mm *mm, xl_pfn_t first, void *buf);

#endif
