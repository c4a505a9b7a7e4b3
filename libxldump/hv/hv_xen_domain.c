/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam on a real Xen: domains. */
#include "hv/hv_xen_private.h"

#include <string.h>

static void fill_domain(struct xl_domain *d, const xc_domaininfo_t *i)
{
	*d = (struct xl_domain){
		.domid = i->domain,
		.pv = !(i->flags & XEN_DOMINF_hvm_guest),
		.paused = i->flags & XEN_DOMINF_paused,
		.shutdown = i->flags & XEN_DOMINF_shutdown,
		.shutdown_reason = (i->flags >> XEN_DOMINF_shutdownshift) &
				   XEN_DOMINF_shutdownmask,
		.dying = i->flags & XEN_DOMINF_dying,
		.tot_pages = i->tot_pages,
		.max_pages = i->max_pages,
		.paged_pages = i->paged_pages,
		.shr_pages = i->shr_pages,
		.max_vcpu_id = i->max_vcpu_id,
		.online_vcpus = i->nr_online_vcpus,
		.shared_info_frame = i->shared_info_frame,
	};
	/* What libxl gives an HVM guest and not a PVH one (libxl_x86.c: PVH has a local APIC and
	 * nothing else): an interrupt controller of a PC. */
	d->hvm_devices = !d->pv && (i->arch_config.emulation_flags & XEN_X86_EMU_PIC);
	memcpy(d->uuid, i->handle, sizeof(d->uuid));
}

int xl_hv_xen_domain_info(struct xl_hv *hv, uint32_t domid, struct xl_domain *ret)
{
	xc_domaininfo_t info;
	int n = xc_domain_getinfolist(xl_hv_xen(hv)->xch, domid, 1, &info);

	if (n < 0)
		return xl_hv_errno();
	/* It returns the first domain with this id or a higher one. */
	if (n == 0 || info.domain != domid)
		return -ESRCH;
	fill_domain(ret, &info);
	return 0;
}

int xl_hv_xen_domain_list(struct xl_hv *hv, uint32_t first, struct xl_domain *ret, size_t max,
			  size_t *ret_n)
{
	_cleanup_free_ xc_domaininfo_t *info = calloc(max, sizeof(*info));
	int n;

	if (!info)
		return -ENOMEM;
	n = xc_domain_getinfolist(xl_hv_xen(hv)->xch, first, max, info);
	if (n < 0)
		return xl_hv_errno();
	for (int i = 0; i < n; i++)
		fill_domain(&ret[i], &info[i]);
	*ret_n = (size_t)n;
	return 0;
}
