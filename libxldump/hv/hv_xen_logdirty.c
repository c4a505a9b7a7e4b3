/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam on a real Xen: the dirty log of the hypervisor and of the device model. */
#include "hv/hv_xen_private.h"

#include <string.h>

#include "hv/dm_qmp.h"

/* A buffer that the hypervisor can write nr bits into; an existing one is used if large enough. */
static int dirty_buffer(struct xl_hv_xen *h, uint64_t nr)
{
	DECLARE_HYPERCALL_BUFFER_SHADOW(uint8_t, dirty, &h->dirty_hbuf);
	size_t pages = (xl_bitmap_words(nr) * 8 + XL_PAGE_SIZE - 1) / XL_PAGE_SIZE;

	if (h->dirty_pages >= pages)
		return 0;
	if (pages > INT32_MAX)
		return -E2BIG;
	xc_hypercall_buffer_free_pages(h->xch, dirty, (int)h->dirty_pages);
	h->dirty_pages = 0;
	dirty = xc_hypercall_buffer_alloc_pages(h->xch, dirty, (int)pages);
	if (!dirty)
		return -ENOMEM;
	h->dirty_pages = pages;
	return 0;
}

int xl_hv_xen_logdirty_start(struct xl_hv *hv, uint32_t domid, uint64_t nr)
{
	struct xl_hv_xen *h = xl_hv_xen(hv);
	int r = dirty_buffer(h, nr);

	if (r < 0)
		return r;
	if (xc_shadow_control(h->xch, domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0) < 0) {
		/* EINVAL is Xen's word for "on already" and for "a device is assigned"
		 * (xen/arch/x86/mm/paging.c, paging_log_dirty_enable). */
		return errno == EINVAL ? -EBUSY : xl_hv_errno();
	}
	h->dirty_nr = nr;
	return 0;
}

int xl_hv_xen_logdirty_fetch(struct xl_hv *hv, uint32_t domid, bool last, struct xl_bitmap *ret)
{
	struct xl_hv_xen *h = xl_hv_xen(hv);
	DECLARE_HYPERCALL_BUFFER_SHADOW(uint8_t, dirty, &h->dirty_hbuf);
	struct xl_domain dom;
	long long done;
	int r;

	if (ret->nbits < h->dirty_nr)
		return -EINVAL;
	/* Xen 4.17 answers for a dying domain with success and an untouched buffer: so that what is
	 * untouched is empty, and so that the domain is looked at afterwards. */
	memset(dirty, 0, xl_bitmap_words(h->dirty_nr) * 8);
	done = xc_logdirty_control(h->xch, domid, XEN_DOMCTL_SHADOW_OP_CLEAN,
				   HYPERCALL_BUFFER(dirty), h->dirty_nr,
				   last ? XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL : 0, NULL);
	if (done < 0)
		return xl_hv_errno();
	if ((uint64_t)done != h->dirty_nr)
		return -EIO;
	r = xl_hv_xen_domain_info(hv, domid, &dom);
	if (r < 0)
		return r;
	if (dom.dying)
		return -ESRCH;
	memcpy(ret->word, dirty, xl_bitmap_words(h->dirty_nr) * 8);
	if (h->dirty_nr % 64)
		ret->word[h->dirty_nr / 64] &= ((uint64_t)1 << (h->dirty_nr % 64)) - 1;
	return 0;
}

int xl_hv_xen_logdirty_count(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	struct xl_hv_xen *h = xl_hv_xen(hv);
	DECLARE_HYPERCALL_BUFFER_SHADOW(uint8_t, dirty, &h->dirty_hbuf);
	xc_shadow_op_stats_t stats = { 0 };

	(void)dirty; /* the macro takes the name alone */
	/* 0 pages: the bitmap is not walked. */
	if (xc_logdirty_control(h->xch, domid, XEN_DOMCTL_SHADOW_OP_PEEK, HYPERCALL_BUFFER(dirty),
				0, 0, &stats) < 0)
		return xl_hv_errno();
	*ret = stats.dirty_count;
	return 0;
}

int xl_hv_xen_logdirty_stop(struct xl_hv *hv, uint32_t domid)
{
	return xc_shadow_control(xl_hv_xen(hv)->xch, domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0) < 0 ?
		       xl_hv_errno() :
		       0;
}

int xl_hv_xen_dm_logdirty(struct xl_hv *hv, const struct xl_domain *dom, bool on)
{
	(void)hv;
	return xl_dm_qmp_logdirty(dom->domid, dom->uuid, on);
}
