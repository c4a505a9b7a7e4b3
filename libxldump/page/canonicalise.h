/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page tables of a PV guest hold host frame numbers.  Here they get the guest's own, so that the
 * dump is one of an ordinary auto-translated guest.  Pure: no hypervisor, no I/O.
 *
 * Sources: xen tools/libs/guest/xg_sr_save_x86_pv.c normalise_pagetable() for the rules;
 * xen/include/public/arch-x86/xen-x86_64.h for Xen's slots.
 */
#ifndef XL_PAGE_CANONICALISE_H
#define XL_PAGE_CANONICALISE_H

#include "cut/cut.h"
#include "guest/m2p.h"

/* Rewrite one page table in place.
 *
 * Every present entry gets its pfn.  Entries of level 4 that belong to Xen (slots 256 to 271) are
 * zeroed.  A present entry that leads out of the guest (a grant, I/O memory, garbage) is cleared
 * to zero.  Each zeroed entry that was not zero is added to edits with its old value, so that the
 * change can be undone; rewritten entries are undone with the p2m.
 *
 * @param level  1 to 4
 * @param pfn    of the table itself, for the record
 * Returns 0, -EINVAL for a level out of range, -ENOMEM. */
_must_check_ int xl_canonicalise(const struct xl_m2p *m, unsigned level, xl_pfn_t pfn,
				 uint64_t table[XL_PTES_PER_PAGE], struct xl_edits *edits);

/* The same for a 32-bit guest, whose tables have three levels: -EINVAL for level 4.  Of level 3 only the
 * first four entries are its own, and the others are zeroed. */
_must_check_ int xl_canonicalise_pae(const struct xl_m2p *m, unsigned level, xl_pfn_t pfn,
				     uint64_t table[XL_PTES_PER_PAGE], struct xl_edits *edits);

/* One entry of a table, as xl_canonicalise() leaves it. */
uint64_t xl_canonical_entry(const struct xl_m2p *m, unsigned level, unsigned i, uint64_t pte);

/* CR3 of a PV guest, which holds an mfn, as the physical address in the dump; 0 when its frame is
 * not the guest's.  And the two of them inside the raw vCPU context, in place. */
uint64_t xl_canonicalise_cr3(const struct xl_m2p *m, uint64_t cr3);
void xl_canonicalise_vcpu(const struct xl_m2p *m, struct xl_vcpu *v);
void xl_canonicalise_vcpu_32(const struct xl_m2p *m, struct xl_vcpu *v); /* it has only one */

/* The opposite, but for what was cleared: that is in the edits.  -EINVAL for a present entry, or a
 * CR3 that is not 0, that leads to no page of the guest; the table is spoilt then. */
_must_check_ int xl_restore_table(const xl_mfn_t *p2m, uint64_t nr_pfns,
				  uint64_t table[XL_PTES_PER_PAGE]);
_must_check_ int xl_restore_vcpu(const xl_mfn_t *p2m, uint64_t nr_pfns, struct xl_vcpu *v);
_must_check_ int xl_restore_vcpu_32(const xl_mfn_t *p2m, uint64_t nr_pfns, struct xl_vcpu *v);

#endif
