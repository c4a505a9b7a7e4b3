/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory layout of a guest of any kind: what is common, and the choice. */
#include "guest/physmap.h"

#include "base/domain.h"

static bool gone(struct xl_hv *hv, const struct xl_domain *dom)
{
	struct xl_domain now;
	int r = hv->ops->domain_info(hv, dom->domid, &now);

	return r == -ESRCH ||
	       (r == 0 && (now.dying || !xl_same_domain(&now, dom)));
}

int xl_physmap_build(struct xl_ctx *x, struct xl_hv *hv, const struct xl_domain *dom,
		     uint64_t max_mfn, struct xl_physmap *ret)
{
	struct xl_physmap m = { 0 };
	int r;

	/* Mapping a frame that was paged out waits for a pager, for ever if that is dead; a shared
	 * one belongs to somebody else too. */
	if (dom->paged_pages || dom->shr_pages)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "the guest has %" PRIu64 " paged out and %" PRIu64
			       " shared pages; memory paging and sharing are not supported",
			       dom->paged_pages, dom->shr_pages);
	r = dom->pv ? xl_physmap_pv_build(x, hv, dom, max_mfn, &m) :
		      xl_physmap_hvm_build(x, hv, dom, &m);
	if (r < 0) {
		xl_physmap_deinit(&m);
		if (x->cause == XLDUMP_CAUSE_NONE && gone(hv, dom))
			return xl_fail(x, XLDUMP_CAUSE_DOMAIN_GONE, -ESRCH,
				       "domain %u was destroyed during the dump", dom->domid);
		return xl_err(x, r, "memory layout of the guest");
	}
	*ret = m;
	return 0;
}

int xl_physmap_refresh(struct xl_hv *hv, const struct xl_domain *dom, struct xl_physmap *m,
		       struct xl_bitmap *dirty)
{
	return m->pv ? xl_physmap_pv_refresh(hv, dom, m, dirty) :
		       xl_physmap_hvm_refresh(hv, dom, m, dirty);
}

void xl_physmap_deinit(struct xl_physmap *m)
{
	xl_physmap_pv_destroy(m->pv);
	xl_bitmap_deinit(&m->present);
	xl_bitmap_deinit(&m->xen);
	free(m->p2m);
	*m = (struct xl_physmap){ 0 };
}
