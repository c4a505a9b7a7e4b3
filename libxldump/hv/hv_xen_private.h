/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the Xen backend share. */
#ifndef XL_HV_HV_XEN_PRIVATE_H
#define XL_HV_HV_XEN_PRIVATE_H

#include <errno.h>

#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xenstore.h>
#include <xentoollog.h>

#include "base/cleanup.h"
#include "hv/hv_xen.h"

/* Room for one vCPU's state of either kind; a whole number of pages. */
#define VCPU_BUFFER_PAGES 4

struct xl_hv_xen {
	struct xl_hv hv; /* first */
	xc_interface *xch;
	xenforeignmemory_handle *fmem;
	struct xs_handle *xs; /* NULL without a xenstore: names are not to be had then */
	xentoollog_logger silent; /* libxenctrl's own default prints to stderr */

	/* Hypercall buffers: memory that the hypervisor can reach.  Allocated when a dump begins,
	 * for nothing is allocated while a guest is paused. */
	xc_hypercall_buffer_t types_hbuf; /* XL_TYPES_MAX frames */
	xc_hypercall_buffer_t vcpu_hbuf;  /* VCPU_BUFFER_PAGES */
	xc_hypercall_buffer_t dirty_hbuf; /* one bit per pfn */
	size_t dirty_pages;               /* pages of dirty_hbuf */
	uint64_t dirty_nr;                /* pfns that the log covers */

	/* The guest's grant table, while grants are looked at. */
	struct {
		int version;
		unsigned frames; /* of shared entries */
		void *shared;
		xenforeignmemory_resource_handle *shared_res;
		unsigned status_frames; /* version 2 has its flags apart */
		const uint16_t *status;
		xenforeignmemory_resource_handle *status_res;
	} grants;
};

static inline struct xl_hv_xen *xl_hv_xen(struct xl_hv *hv)
{
	return (struct xl_hv_xen *)hv;
}

/* Negative errno of a failed libxenctrl call; never 0. */
static inline int xl_hv_errno(void)
{
	return errno > 0 ? -errno : -EIO;
}

/* hv_xen_domain.c */
int xl_hv_xen_domain_info(struct xl_hv *hv, uint32_t domid, struct xl_domain *ret);
int xl_hv_xen_domain_list(struct xl_hv *hv, uint32_t first, struct xl_domain *ret, size_t max,
			  size_t *ret_n);

/* hv_xen_memory.c */
int xl_hv_xen_map(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n, int *err,
		  void **ret);
void xl_hv_xen_unmap(struct xl_hv *hv, void *addr, size_t n);
int xl_hv_xen_page_types(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n,
			 uint8_t *ret);
int xl_hv_xen_nr_gfns(struct xl_hv *hv, uint32_t domid, uint64_t *ret);
int xl_hv_xen_pod_entries(struct xl_hv *hv, uint32_t domid, uint64_t *ret);
int xl_hv_xen_special_frames(struct xl_hv *hv, uint32_t domid, xl_frame_t ret[XL_MAX_SPECIAL],
			     size_t *ret_n);
int xl_hv_xen_shared_info(struct xl_hv *hv, const struct xl_domain *dom,
			  uint8_t ret[XL_PAGE_SIZE]);

/* hv_xen_grants.c */
int xl_hv_xen_frames(struct xl_hv *hv, const struct xl_domain *dom,
		     xl_frame_t ret[XL_MAX_XEN_FRAMES], size_t *ret_n);
int xl_hv_xen_grants_prepare(struct xl_hv *hv, uint32_t domid);
int xl_hv_xen_grants_read(struct xl_hv *hv, bool all, xl_frame_t *ret, size_t max,
			  size_t *ret_n);
void xl_hv_xen_grants_release(struct xl_hv_xen *h);

/* hv_xen_sched.c */
int xl_hv_xen_cap_get(struct xl_hv *hv, uint32_t domid, uint32_t *ret);
int xl_hv_xen_cap_set(struct xl_hv *hv, uint32_t domid, uint32_t cap);

/* hv_xen_logdirty.c */
int xl_hv_xen_logdirty_start(struct xl_hv *hv, uint32_t domid, uint64_t nr);
int xl_hv_xen_logdirty_fetch(struct xl_hv *hv, uint32_t domid, bool last, struct xl_bitmap *ret);
int xl_hv_xen_logdirty_count(struct xl_hv *hv, uint32_t domid, uint64_t *ret);
int xl_hv_xen_logdirty_stop(struct xl_hv *hv, uint32_t domid);
int xl_hv_xen_dm_logdirty(struct xl_hv *hv, const struct xl_domain *dom, bool on);

/* hv_xen_vcpu.c */
int xl_hv_xen_vcpus(struct xl_hv *hv, const struct xl_domain *dom, bool narrow, struct xl_vcpu *ret,
		    size_t n);

#endif
