/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a pfn to its struct page: sections, and the page tables under them. */
#include "guest/mm.h"

#include <string.h>

#include "base/bytes.h"
#include "guest/kernel.h"
#include "guest/kernel_tables.h"
#include "guest/kmem.h"
#include "guest/vmcoreinfo.h"

/* Of section_mem_map: SECTION_MARKED_PRESENT (include/linux/mmzone.h).  The number of flags grew
 * from 2 to 6 over the years.  The value is page aligned without them, for the struct pages of a
 * section are whole pages. */
#define SECTION_PRESENT 1ULL
#define SECTION_FLAGS XL_PAGE_MASK

/* MAX_PHYSMEM_BITS - SECTION_SIZE_BITS with 5-level tables is 25, 256 sections in a page. */
#define ROOTS_MAX ((uint64_t)1 << 20)

#define SECTION_BITS_DEFAULT 27 /* said since 5.8; arch/x86/include/asm/sparsemem.h */

int xl_mm_translate(struct xl_mm *mm, uint64_t va, uint64_t *ret_pa, uint64_t *ret_left)
{
	struct xl_kmem m = { mm->read, mm->data, 0 };
	uint64_t pa, span;

	if (!mm->tlb_span || va - mm->tlb_va >= mm->tlb_span) {
		int r = xl_kernel_translate(&m, mm->root, mm->levels, va, &pa, &span);

		if (r < 0)
			return r;
		mm->tlb_va = va & ~(span - 1);
		mm->tlb_pa = pa & ~(span - 1);
		mm->tlb_span = span;
	}
	*ret_pa = mm->tlb_pa + (va - mm->tlb_va);
	*ret_left = mm->tlb_span - (va - mm->tlb_va);
	return 0;
}

int xl_mm_read(struct xl_mm *mm, uint64_t va, void *buf, size_t len)
{
	uint8_t *out = buf;

	while (len) {
		uint64_t pa, n;
		int r = xl_mm_translate(mm, va, &pa, &n);

		if (r < 0)
			return r;
		if (n > len)
			n = len;
		r = mm->read(mm->data, pa, out, n);
		if (r < 0)
			return r;
		out += n;
		va += n;
		len -= n;
	}
	return 0;
}

static bool is_kernel_va(uint64_t va)
{
	return va >> 63;
}

static int find_section(struct xl_mm *mm, uint64_t nr, uint64_t *ret_va)
{
	uint64_t root = nr / mm->per_root, va;
	uint8_t raw[8];
	int r;

	if (root >= mm->roots)
		return -ENOENT;
	r = xl_mm_read(mm, mm->sections_va + root * 8, raw, 8);
	if (r < 0)
		return r;
	va = xl_get_le64(raw);
	if (!is_kernel_va(va))
		return -ENOENT;
	r = xl_mm_read(mm, va + nr % mm->per_root * mm->section_size + mm->section_map, raw, 8);
	if (r < 0)
		return r;
	va = xl_get_le64(raw);
	if (!(va & SECTION_PRESENT))
		return -ENOENT;
	va = (va & ~SECTION_FLAGS) + (nr << mm->section_pfn_bits) * mm->page.size;
	if (!is_kernel_va(va))
		return -ENOENT;
	*ret_va = va;
	return 0;
}

int xl_mm_section(struct xl_mm *mm, uint64_t nr, uint64_t *ret_va)
{
	if (mm->section_nr != nr) {
		mm->section_r = find_section(mm, nr, &mm->section_va);
		mm->section_nr = nr;
	}
	*ret_va = mm->section_va;
	return mm->section_r;
}

int xl_mm_group(struct xl_mm *mm, xl_pfn_t first, void *buf)
{
	uint64_t nr = first >> mm->section_pfn_bits, va;
	int r = xl_mm_section(mm, nr, &va);

	if (r < 0)
		return r;
	va += (first - (nr << mm->section_pfn_bits)) * mm->page.size;
	return xl_mm_read(mm, va, buf, (size_t)XL_MM_GROUP * mm->page.size);
}

/* ---- what VMCOREINFO says ---- */

static int missing(struct xl_ctx *x, const char *what)
{
	return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
		       "pages cannot be left out: the guest's VMCOREINFO has no usable %s; dump "
		       "without -d", what);
}

static int number(const char *text, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	int r = xl_vmcoreinfo_dec(text, key, ret);

	return r < 0 ? r : *ret < min || *ret > max ? -EINVAL : 0;
}

static int sections_init(struct xl_ctx *x, struct xl_mm *mm, const char *text)
{
	int64_t size, map, roots, bits = SECTION_BITS_DEFAULT;
	int r;

	if (xl_vmcoreinfo_hex(text, "SYMBOL(mem_section)", &mm->sections_va) < 0 ||
	    !is_kernel_va(mm->sections_va))
		return missing(x, "SYMBOL(mem_section): only kernels with SPARSEMEM are understood");
	if (number(text, "SIZE(mem_section)", 8, (int64_t)XL_PAGE_SIZE, &size) < 0)
		return missing(x, "SIZE(mem_section)");
	if (number(text, "OFFSET(mem_section.section_mem_map)", 0, size - 8, &map) < 0)
		return missing(x, "OFFSET(mem_section.section_mem_map)");
	if (number(text, "LENGTH(mem_section)", 1, (int64_t)ROOTS_MAX, &roots) < 0)
		return missing(x, "LENGTH(mem_section)");
	r = number(text, "NUMBER(SECTION_SIZE_BITS)", 24, 40, &bits);
	if (r < 0 && r != -ENOENT)
		return missing(x, "NUMBER(SECTION_SIZE_BITS)");
	mm->section_size = (unsigned)size;
	mm->section_map = (unsigned)map;
	mm->per_root = XL_PAGE_SIZE / (uint64_t)size;
	mm->roots = (uint64_t)roots;
	mm->section_pfn_bits = (unsigned)bits - XL_PAGE_SHIFT;
	return 0;
}

int xl_mm_init(struct xl_ctx *x, struct xl_mm *mm, const struct xl_kernel *k, xl_read_fn read,
	       void *data)
{
	struct xl_kmem m = { read, data, k->phys_base };
	int r;

	*mm = (struct xl_mm){ .read = read, .data = data, .section_nr = UINT64_MAX };
	if (!k->vmcoreinfo)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "pages cannot be left out: no Linux kernel was recognised in the "
			       "guest; dump without -d");
	mm->levels = xl_kernel_levels(k->vmcoreinfo);
	if (xl_kernel_root(k->vmcoreinfo, &m, &mm->root) < 0)
		return missing(x, "SYMBOL(swapper_pg_dir)");
	r = sections_init(x, mm, k->vmcoreinfo);
	return r < 0 ? r : xl_page_layout_init(x, &mm->page, k);
}
