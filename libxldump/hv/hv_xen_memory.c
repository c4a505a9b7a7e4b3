/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam on a real Xen: mapping and types of guest memory. */
#include "hv/hv_xen_private.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <xen/hvm/params.h>

int xl_hv_xen_map(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n, int *err,
		  void **ret)
{
	_Static_assert(sizeof(xen_pfn_t) == sizeof(xl_frame_t), "x86_64 only");
	void *addr;

	if (n == 0 || n > XL_MAP_MAX)
		return -EINVAL;
	errno = 0;
	addr = xenforeignmemory_map(xl_hv_xen(hv)->fmem, domid, PROT_READ, n,
				    (const xen_pfn_t *)frame, err);
	if (!addr)
		return xl_hv_errno();
	for (size_t i = 0; i < n; i++) {
		/* The kernel's sign is negative, the header's words leave it open. */
		if (err[i] > 0)
			err[i] = -err[i];
	}
	*ret = addr;
	return 0;
}

void xl_hv_xen_unmap(struct xl_hv *hv, void *addr, size_t n)
{
	(void)xenforeignmemory_unmap(xl_hv_xen(hv)->fmem, addr, n);
}

int xl_hv_xen_page_types(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n,
			 uint8_t *ret)
{
	struct xl_hv_xen *h = xl_hv_xen(hv);
	DECLARE_HYPERCALL_BUFFER_SHADOW(xen_pfn_t, types, &h->types_hbuf);
	struct xen_domctl d = { .cmd = XEN_DOMCTL_getpageframeinfo3, .domain = (domid_t)domid };

	if (n == 0 || n > XL_TYPES_MAX)
		return -EINVAL;
	memcpy(types, frame, n * sizeof(*types));
	d.u.getpageframeinfo3.num = n;
	set_xen_guest_handle(d.u.getpageframeinfo3.array, types);
	if (xc_domctl(h->xch, &d) < 0)
		return xl_hv_errno();
	for (size_t i = 0; i < n; i++) {
		uint8_t type = (types[i] >> XEN_DOMCTL_PFINFO_LTAB_SHIFT) & 0xf;

		/* Bit 31 says "pinned"; but 0xd..0xf, which have it too, are types. */
		ret[i] = type >= XL_PAGE_BROKEN ? type : type & 0x7;
	}
	return 0;
}

int xl_hv_xen_nr_gfns(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	xen_pfn_t nr;

	if (xc_domain_nr_gpfns(xl_hv_xen(hv)->xch, domid, &nr) < 0)
		return xl_hv_errno();
	*ret = nr;
	return 0;
}

int xl_hv_xen_pod_entries(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	uint64_t total, cached, entries;

	if (xc_domain_get_pod_target(xl_hv_xen(hv)->xch, domid, &total, &cached, &entries) < 0)
		return xl_hv_errno();
	*ret = entries;
	return 0;
}

/* The rings of an auto-translated guest are named by HVM parameters. */
static void special_hvm(struct xl_hv_xen *h, uint32_t domid, xl_frame_t *ret, size_t *n)
{
	static const uint32_t param[] = {
		HVM_PARAM_STORE_PFN,
		HVM_PARAM_CONSOLE_PFN,
		HVM_PARAM_IOREQ_PFN,
		HVM_PARAM_BUFIOREQ_PFN,
		HVM_PARAM_PAGING_RING_PFN,
		HVM_PARAM_MONITOR_RING_PFN,
		HVM_PARAM_SHARING_RING_PFN,
	};

	for (size_t i = 0; i < XL_ARRAY_SIZE(param); i++) {
		uint64_t v;

		if (xc_hvm_param_get(h->xch, domid, param[i], &v) == 0 && v)
			ret[(*n)++] = v;
	}
}

/* Those of a PV guest stand in xenstore, as mfns (libxl_create.c). */
static void special_pv(struct xl_hv_xen *h, uint32_t domid, xl_frame_t *ret, size_t *n)
{
	static const char *const node[] = { "store/ring-ref", "console/ring-ref" };

	for (size_t i = 0; i < XL_ARRAY_SIZE(node); i++) {
		_cleanup_free_ char *value = NULL;
		char path[64], *end;
		unsigned len;
		unsigned long long v;

		(void)snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, node[i]);
		value = xs_read(h->xs, XBT_NULL, path, &len);
		if (!value)
			continue;
		errno = 0;
		v = strtoull(value, &end, 10);
		if (errno == 0 && end != value && *end == '\0' && v)
			ret[(*n)++] = v;
	}
}

int xl_hv_xen_special_frames(struct xl_hv *hv, uint32_t domid, xl_frame_t ret[XL_MAX_SPECIAL],
			     size_t *ret_n)
{
	struct xl_domain dom;
	size_t n = 0;
	int r = xl_hv_xen_domain_info(hv, domid, &dom);

	if (r < 0)
		return r;
	if (dom.pv)
		special_pv(xl_hv_xen(hv), domid, ret, &n);
	else
		special_hvm(xl_hv_xen(hv), domid, ret, &n);
	*ret_n = n;
	return 0;
}

int xl_hv_xen_shared_info(struct xl_hv *hv, const struct xl_domain *dom,
			  uint8_t ret[XL_PAGE_SIZE])
{
	xl_frame_t frame = dom->shared_info_frame;
	void *page;
	int err, r;

	r = xl_hv_xen_map(hv, dom->domid, &frame, 1, &err, &page);
	if (r < 0)
		return r;
	if (err == 0)
		memcpy(ret, page, XL_PAGE_SIZE);
	xl_hv_xen_unmap(hv, page, 1);
	return err;
}
