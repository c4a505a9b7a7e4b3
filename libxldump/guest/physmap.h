/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which pfns of a guest exist, and by which frame the hypervisor knows each.
 *
 * Built while the guest runs, so it may be out of date a moment later.  What makes it true again
 * at the cut is xl_physmap_refresh(), called inside the pause.
 */
#ifndef XL_GUEST_PHYSMAP_H
#define XL_GUEST_PHYSMAP_H

#include "base/bitmap.h"
#include "base/ctx.h"
#include "hv/hv.h"

struct xl_physmap {
	uint64_t nr_pfns;         /* one more than the largest pfn that may exist */
	struct xl_bitmap present; /* by pfn */
	xl_mfn_t *p2m;            /* PV: by pfn, XL_INVALID_FRAME for a hole; NULL if pfn == frame */
	struct xl_bitmap xen;     /* auto-translated: those of them that are Xen's own */
	bool narrow;              /* a PV guest of 32 bits */
	struct xl_physmap_pv *pv; /* where the guest's p2m lives; NULL if auto-translated */
};

static inline xl_frame_t xl_physmap_frame(const struct xl_physmap *m, xl_pfn_t pfn)
{
	return m->p2m ? m->p2m[pfn] : pfn;
}

/* Read the memory layout of a guest, running or not.  Refuses with XLDUMP_CAUSE_UNSUPPORTED what
 * cannot be read without harm or not at all, and says which.
 *
 * @param max_mfn  of the host: a PV guest's claims are checked against it */
_must_check_ int xl_physmap_build(struct xl_ctx *x, struct xl_hv *hv, const struct xl_domain *dom,
				  uint64_t max_mfn, struct xl_physmap *ret);

/* Bring the map up to date.  May be called inside the pause: allocates and logs nothing.
 *
 * @param dirty    pages that changed since the last call; NULL: any may have.  Pages that have
 *                 appeared or moved to another frame are added to it
 * @param dom      of this moment
 * Returns 0, -EOVERFLOW when the layout no longer fits what was allocated (build it anew, outside
 * the pause), or another error of the hypervisor. */
_must_check_ int xl_physmap_refresh(struct xl_hv *hv, const struct xl_domain *dom,
				    struct xl_physmap *m, struct xl_bitmap *dirty);

/* Accepts a zeroed structure. */
void xl_physmap_deinit(struct xl_physmap *m);

/* The two kinds, for physmap.c alone. */
_must_check_ int xl_physmap_pv_build(struct xl_ctx *x, struct xl_hv *hv,
				     const struct xl_domain *dom, uint64_t max_mfn,
				     struct xl_physmap *ret);
_must_check_ int xl_physmap_pv_refresh(struct xl_hv *hv, const struct xl_domain *dom,
				       struct xl_physmap *m, struct xl_bitmap *dirty);
void xl_physmap_pv_destroy(struct xl_physmap_pv *pv);
_must_check_ int xl_physmap_hvm_build(struct xl_ctx *x, struct xl_hv *hv,
				      const struct xl_domain *dom, struct xl_physmap *ret);
_must_check_ int xl_physmap_hvm_refresh(struct xl_hv *hv, const struct xl_domain *dom,
					struct xl_physmap *m, struct xl_bitmap *dirty);

#endif
