/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest kernel's own page tables, as far as they say where its direct map is.
 *
 * The tables of a PV guest hold frame numbers of the host while it runs, and cannot be walked. */
#include "guest/kernel_tables.h"

#include <errno.h>

#include "base/bytes.h"
#include "guest/vmcoreinfo.h"

/* x86 page tables. */
#define PTE_PRESENT 0x001ULL
#define PTE_PSE 0x080ULL
#define PTE_FRAME 0x000ffffffffff000ULL

/* The direct map starts on a 1 GiB boundary (kernel_randomize_memory(): PUD_MASK), in the top
 * level's slot 273 or later: 272 is Xen's last one, and LDTs are mapped there. */
#define DIRECT_MAP_ALIGN ((uint64_t)1 << 30)
#define DIRECT_MAP_SLOT 273

unsigned xl_kernel_levels(const char *text)
{
	int64_t l5;

	return xl_vmcoreinfo_dec(text, "NUMBER(pgtable_l5_enabled)", &l5) == 0 && l5 == 1 ? 5 : 4;
}

int xl_kernel_root(const char *text, const struct xl_kmem *m, uint64_t *ret_pa)
{
	uint64_t va;

	if (xl_vmcoreinfo_hex(text, "SYMBOL(swapper_pg_dir)", &va) < 0 &&
	    xl_vmcoreinfo_hex(text, "SYMBOL(init_top_pgt)", &va) < 0)
		return -ENOENT;
	return xl_kmem_pa(m, va & ~(uint64_t)XL_PAGE_MASK, ret_pa);
}

static bool is_leaf(uint64_t pte, unsigned level)
{
	return level == 1 || (level <= 3 && (pte & PTE_PSE));
}

static uint64_t span(unsigned level)
{
	return (uint64_t)XL_PAGE_SIZE << (9 * (level - 1));
}

int xl_kernel_translate(const struct xl_kmem *m, uint64_t root, unsigned levels, uint64_t va,
			uint64_t *ret_pa, uint64_t *ret_span)
{
	unsigned char raw[8];
	uint64_t table = root, pte;
	int r;

	for (unsigned level = levels; level >= 1; level--) {
		r = m->read(m->data, table + (va / span(level) % XL_PTES_PER_PAGE) * 8, raw, 8);
		if (r < 0)
			return r;
		pte = xl_get_le64(raw);
		if (!(pte & PTE_PRESENT))
			return -ENOENT;
		table = pte & PTE_FRAME;
		if (!is_leaf(pte, level))
			continue;
		*ret_span = span(level);
		*ret_pa = (table & ~(span(level) - 1)) | (va & (span(level) - 1));
		return 0;
	}
	return -ENOENT;
}

/* Translate by the kernel's own tables, taking what they hold for pfns. */
static int walk(const char *text, const struct xl_kmem *m, uint64_t va, uint64_t *ret_pa)
{
	uint64_t root, size;
	int r = xl_kernel_root(text, m, &root);

	return r < 0 ? r :
		       xl_kernel_translate(m, root, xl_kernel_levels(text), va, ret_pa, &size);
}

bool xl_kernel_maps(const char *text, const struct xl_kmem *m, uint64_t va, uint64_t pa)
{
	uint64_t got = 0;

	return walk(text, m, va, &got) == 0 && got == pa;
}

/* The first mapping of the kernel half beyond slot 272 is that of physical 0. */
static uint64_t first_mapping(const char *text, const struct xl_kmem *m)
{
	unsigned char raw[XL_PAGE_SIZE];
	unsigned top = xl_kernel_levels(text);
	uint64_t table, pte = 0, va = 0;
	size_t i;

	if (xl_kernel_root(text, m, &table) < 0)
		return 0;
	for (unsigned level = top; level >= 1; level--) {
		if (m->read(m->data, table, raw, sizeof(raw)) < 0)
			return 0;
		for (i = level == top ? DIRECT_MAP_SLOT : 0; i < XL_PTES_PER_PAGE; i++) {
			pte = xl_get_le64(raw + 8 * i);
			if (pte & PTE_PRESENT)
				break;
		}
		if (i == XL_PTES_PER_PAGE)
			return 0;
		va |= i * span(level);
		table = pte & PTE_FRAME;
		if (is_leaf(pte, level))
			break;
	}
	va |= ~(uint64_t)0 << (top * 9 + 12);
	return va - table;
}

/* Whether the slot of the top level that va falls into is used. */
static bool slot_present(const char *text, const struct xl_kmem *m, uint64_t va)
{
	unsigned char raw[8];
	uint64_t table;

	if (xl_kernel_root(text, m, &table) < 0 ||
	    m->read(m->data, table + (va / span(xl_kernel_levels(text)) % 512) * 8, raw, 8) < 0)
		return false;
	return xl_get_le64(raw) & PTE_PRESENT;
}

/* Where the direct map begins: where the variable says, or at one of the fixed places
 * (Documentation/arch/x86/x86_64/mm.rst; moved up by one slot in 4.20, commit d52888aa2753, and in
 * stable releases of 4.14 and 4.19, so the release does not tell which). */
uint64_t xl_kernel_page_offset(const char *text, const struct xl_kmem *m, bool walkable,
			       uint64_t pa, uint64_t variable_va)
{
	bool l5 = xl_kernel_levels(text) == 5;
	uint64_t guess[4] = {
		0,
		l5 ? 0xff11000000000000 : 0xffff888000000000,
		l5 ? 0xff10000000000000 : 0xffff880000000000,
		walkable ? first_mapping(text, m) : 0,
	};
	unsigned char raw[8];

	if (variable_va && xl_kmem_read(m, variable_va, raw, 8) == 0)
		guess[0] = xl_get_le64(raw);
	for (size_t i = 0; i < XL_ARRAY_SIZE(guess); i++) {
		uint64_t base = guess[i];

		if (base < (l5 ? 0xff10000000000000 : 0xffff880000000000) ||
		    base >= XL_START_KERNEL_MAP || base % DIRECT_MAP_ALIGN)
			continue;
		if (walkable ? xl_kernel_maps(text, m, base + pa, pa) : slot_present(text, m, base))
			return base;
	}
	return 0;
}
