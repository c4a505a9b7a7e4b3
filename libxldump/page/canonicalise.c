/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rewriting of PV page tables and CR3s from host frames to the guest's own. */
#include "page/canonicalise.h"

#include <errno.h>

#include "base/bytes.h"
#include "hv/context32.h"

#define PTE_PRESENT 0x001ULL
#define PTE_PSE 0x080ULL /* PAT in level 1 */
#define PTE_FRAME 0x000ffffffffff000ULL /* bits 12 to 51 */

/* HYPERVISOR_VIRT_START 0xffff800000000000 .. HYPERVISOR_VIRT_END 0xffff880000000000
 * (xen/include/public/arch-x86/xen-x86_64.h) in units of a level 4 entry. */
#define XEN_SLOT_FIRST 256
#define XEN_SLOT_LAST 271

/* struct vcpu_guest_context for x86_64 (xen/include/public/arch-x86/xen.h): ctrlreg[8] at 4984.
 * ctrlreg[1] is the root of the tables that a PV guest uses in user mode. */
#define CONTEXT_CTRLREG 4984
#define CONTEXT_USER_CR3 (CONTEXT_CTRLREG + 8 * 1)
#define CONTEXT_CR3 (CONTEXT_CTRLREG + 8 * 3)

/* A table of level 3 of a 32-bit guest has four entries; Xen keeps the rest of the page for itself. */
#define PAE_L3_ENTRIES 4

/* 0 for one that must go. */
static uint64_t translate(const struct xl_m2p *m, unsigned level, uint64_t pte)
{
	xl_pfn_t pfn;

	if (!(pte & PTE_PRESENT))
		return pte;
	/* Xen gives PV guests no superpages, so this is no entry that it validated. */
	if (level > 1 && (pte & PTE_PSE))
		return 0;
	pfn = xl_m2p_lookup(m, (pte & PTE_FRAME) >> XL_PAGE_SHIFT);
	if (pfn == XL_INVALID_FRAME)
		return 0;
	return (pte & ~PTE_FRAME) | pfn << XL_PAGE_SHIFT;
}

uint64_t xl_canonical_entry(const struct xl_m2p *m, unsigned level, unsigned i, uint64_t pte)
{
	if (level == 4 && i >= XEN_SLOT_FIRST && i <= XEN_SLOT_LAST)
		return 0;
	return translate(m, level, pte);
}

/* In level 2 Xen has entries too, from 0xf5800000 on: they map its own table of frames in superpages,
 * and go for that. */
static uint64_t canonical_entry_pae(const struct xl_m2p *m, unsigned level, unsigned i, uint64_t pte)
{
	return level == 3 && i >= PAE_L3_ENTRIES ? 0 : translate(m, level, pte);
}

static int rewrite(const struct xl_m2p *m, unsigned level, xl_pfn_t pfn,
		   uint64_t table[XL_PTES_PER_PAGE], struct xl_edits *edits,
		   uint64_t (*entry)(const struct xl_m2p *, unsigned, unsigned, uint64_t))
{
	for (unsigned i = 0; i < XL_PTES_PER_PAGE; i++) {
		uint64_t old = table[i], new = entry(m, level, i, old);
		int r;

		if (new == old)
			continue;
		if (!new) {
			r = xl_edits_add(edits, (pfn << XL_PAGE_SHIFT) + i * sizeof(old), old);
			if (r < 0)
				return r;
		}
		table[i] = new;
	}
	return 0;
}

int xl_canonicalise(const struct xl_m2p *m, unsigned level, xl_pfn_t pfn,
		    uint64_t table[XL_PTES_PER_PAGE], struct xl_edits *edits)
{
	if (level < 1 || level > 4)
		return -EINVAL;
	return rewrite(m, level, pfn, table, edits, xl_canonical_entry);
}

int xl_canonicalise_pae(const struct xl_m2p *m, unsigned level, xl_pfn_t pfn,
			uint64_t table[XL_PTES_PER_PAGE], struct xl_edits *edits)
{
	if (level < 1 || level > 3)
		return -EINVAL;
	return rewrite(m, level, pfn, table, edits, canonical_entry_pae);
}

uint64_t xl_canonicalise_cr3(const struct xl_m2p *m, uint64_t cr3)
{
	xl_pfn_t pfn = xl_m2p_lookup(m, cr3 >> XL_PAGE_SHIFT);

	return pfn == XL_INVALID_FRAME ? 0 : pfn << XL_PAGE_SHIFT;
}

void xl_canonicalise_vcpu(const struct xl_m2p *m, struct xl_vcpu *v)
{
	uint64_t cr3 = xl_get_le64(v->context + CONTEXT_CR3);
	uint64_t user = xl_get_le64(v->context + CONTEXT_USER_CR3);
	uint64_t low = user & XL_PAGE_MASK;

	v->cr3 = xl_canonicalise_cr3(m, v->cr3);
	xl_put_le64(v->context + CONTEXT_CR3, xl_canonicalise_cr3(m, cr3));

	/* 0 says "there is none"; a low bit, where the tools set one, says that 0 is not meant. */
	if (user) {
		user = xl_canonicalise_cr3(m, user);
		xl_put_le64(v->context + CONTEXT_USER_CR3, user ? user | low : 0);
	}
}

void xl_canonicalise_vcpu_32(const struct xl_m2p *m, struct xl_vcpu *v)
{
	xl_mfn_t root = xl_cr3_32_frame(xl_get_le32(v->context + XL_CONTEXT32_CR3));
	uint64_t cr3 = xl_canonicalise_cr3(m, root << XL_PAGE_SHIFT);

	v->cr3 = xl_canonicalise_cr3(m, v->cr3);
	xl_put_le32(v->context + XL_CONTEXT32_CR3, xl_cr3_32(cr3 >> XL_PAGE_SHIFT));
}

/* ---- back ---- */

static bool restore_frame(const xl_mfn_t *p2m, uint64_t nr_pfns, xl_pfn_t pfn, xl_mfn_t *ret)
{
	if (pfn >= nr_pfns || p2m[pfn] == XL_INVALID_FRAME)
		return false;
	*ret = p2m[pfn];
	return true;
}

int xl_restore_table(const xl_mfn_t *p2m, uint64_t nr_pfns, uint64_t table[XL_PTES_PER_PAGE])
{
	for (unsigned i = 0; i < XL_PTES_PER_PAGE; i++) {
		xl_mfn_t mfn;

		if (!(table[i] & PTE_PRESENT))
			continue;
		if (!restore_frame(p2m, nr_pfns, (table[i] & PTE_FRAME) >> XL_PAGE_SHIFT, &mfn))
			return -EINVAL;
		table[i] = (table[i] & ~PTE_FRAME) | mfn << XL_PAGE_SHIFT;
	}
	return 0;
}

static int restore_cr3(const xl_mfn_t *p2m, uint64_t nr_pfns, uint64_t *cr3)
{
	xl_mfn_t mfn;

	if (!*cr3)
		return 0;
	if (!restore_frame(p2m, nr_pfns, *cr3 >> XL_PAGE_SHIFT, &mfn))
		return -EINVAL;
	*cr3 = mfn << XL_PAGE_SHIFT | (*cr3 & XL_PAGE_MASK);
	return 0;
}

int xl_restore_vcpu(const xl_mfn_t *p2m, uint64_t nr_pfns, struct xl_vcpu *v)
{
	uint64_t cr3 = xl_get_le64(v->context + CONTEXT_CR3);
	uint64_t user = xl_get_le64(v->context + CONTEXT_USER_CR3);

	if (restore_cr3(p2m, nr_pfns, &v->cr3) < 0 || restore_cr3(p2m, nr_pfns, &cr3) < 0 ||
	    restore_cr3(p2m, nr_pfns, &user) < 0)
		return -EINVAL;
	xl_put_le64(v->context + CONTEXT_CR3, cr3);
	xl_put_le64(v->context + CONTEXT_USER_CR3, user);
	return 0;
}

int xl_restore_vcpu_32(const xl_mfn_t *p2m, uint64_t nr_pfns, struct xl_vcpu *v)
{
	uint64_t cr3 = xl_cr3_32_frame(xl_get_le32(v->context + XL_CONTEXT32_CR3)) << XL_PAGE_SHIFT;

	if (restore_cr3(p2m, nr_pfns, &v->cr3) < 0 || restore_cr3(p2m, nr_pfns, &cr3) < 0 ||
	    cr3 >> XL_PAGE_SHIFT > UINT32_MAX)
		return -EINVAL;
	xl_put_le32(v->context + XL_CONTEXT32_CR3, xl_cr3_32(cr3 >> XL_PAGE_SHIFT));
	return 0;
}
