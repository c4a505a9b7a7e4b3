/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam on a real Xen: opening, the host, domains, pause, clocks. */
#include "hv/hv_xen_private.h"

#include <stdio.h>
#include <string.h>

#include "config.h"

static void silent_message(struct xentoollog_logger *logger, xentoollog_level level, int errnoval,
			   const char *context, const char *format, va_list al)
{
	(void)logger;
	(void)level;
	(void)errnoval;
	(void)context;
	(void)format;
	(void)al;
}

static void silent_progress(struct xentoollog_logger *logger, const char *context,
			    const char *doing_what, int percent, unsigned long done,
			    unsigned long total)
{
	(void)logger;
	(void)context;
	(void)doing_what;
	(void)percent;
	(void)done;
	(void)total;
}

static void silent_destroy(struct xentoollog_logger *logger)
{
	(void)logger; /* lives in struct xl_hv_xen */
}

/* A string of xc_version(), which need not be terminated. */
static void version_string(struct xl_hv_xen *h, int cmd, void *buf, size_t size, char *ret,
			   size_t ret_size)
{
	memset(buf, 0, size);
	if (xc_version(h->xch, cmd, buf) < 0)
		return;
	(void)snprintf(ret, ret_size, "%.*s", (int)size, (const char *)buf);
}

static int host_info(struct xl_hv *hv, struct xl_host *ret)
{
	struct xl_hv_xen *h = xl_hv_xen(hv);
	struct xl_host host = { 0 };
	xen_extraversion_t extra;
	xen_capabilities_info_t caps;
	xen_changeset_info_t changeset;
	xen_compile_info_t compile = { 0 };
	xen_platform_parameters_t platform = { 0 };
	xc_physinfo_t phys = { 0 };
	unsigned long max_mfn;
	int version = xc_version(h->xch, XENVER_version, NULL);

	if (version < 0)
		return xl_hv_errno();
	host.xen_major = (unsigned)version >> 16;
	host.xen_minor = (unsigned)version & 0xffff;
	version_string(h, XENVER_extraversion, extra, sizeof(extra), host.xen_extra,
		       sizeof(host.xen_extra));
	version_string(h, XENVER_capabilities, caps, sizeof(caps), host.capabilities,
		       sizeof(host.capabilities));
	version_string(h, XENVER_changeset, changeset, sizeof(changeset), host.changeset,
		       sizeof(host.changeset));
	if (xc_version(h->xch, XENVER_compile_info, &compile) == 0) {
		(void)snprintf(host.compiler, sizeof(host.compiler), "%.*s",
			       (int)sizeof(compile.compiler), compile.compiler);
		(void)snprintf(host.compile_by, sizeof(host.compile_by), "%.*s",
			       (int)sizeof(compile.compile_by), compile.compile_by);
		(void)snprintf(host.compile_domain, sizeof(host.compile_domain), "%.*s",
			       (int)sizeof(compile.compile_domain), compile.compile_domain);
		(void)snprintf(host.compile_date, sizeof(host.compile_date), "%.*s",
			       (int)sizeof(compile.compile_date), compile.compile_date);
	}
	if (xc_version(h->xch, XENVER_platform_parameters, &platform) == 0)
		host.virt_start = platform.virt_start;
	if (xc_maximum_ram_page(h->xch, &max_mfn) < 0)
		return xl_hv_errno();
	host.max_mfn = max_mfn;
	if (xc_physinfo(h->xch, &phys) < 0)
		return xl_hv_errno();
	host.free_pages = phys.free_pages;
	*ret = host;
	return 0;
}

static int domain_name(struct xl_hv *hv, uint32_t domid, char *ret, size_t size)
{
	struct xl_hv_xen *h = xl_hv_xen(hv);
	_cleanup_free_ char *value = NULL;
	char path[64];
	unsigned len;

	if (!h->xs)
		return -ENOENT;
	(void)snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	value = xs_read(h->xs, XBT_NULL, path, &len);
	if (!value)
		return errno == ENOENT ? -ENOENT : xl_hv_errno();
	(void)snprintf(ret, size, "%s", value);
	return 0;
}

static int guest_width(struct xl_hv *hv, uint32_t domid, unsigned *ret)
{
	unsigned bytes;

	if (xc_domain_get_guest_width(xl_hv_xen(hv)->xch, domid, &bytes) < 0)
		return xl_hv_errno();
	*ret = bytes * 8;
	return 0;
}

static int do_pause(struct xl_hv *hv, uint32_t domid)
{
	return xc_domain_pause(xl_hv_xen(hv)->xch, domid) < 0 ? xl_hv_errno() : 0;
}

static int do_unpause(struct xl_hv *hv, uint32_t domid)
{
	return xc_domain_unpause(xl_hv_xen(hv)->xch, domid) < 0 ? xl_hv_errno() : 0;
}

static uint64_t now_ns(struct xl_hv *hv)
{
	struct timespec t;

	(void)hv;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void realtime(struct xl_hv *hv, struct timespec *ret)
{
	(void)hv;
	(void)clock_gettime(CLOCK_REALTIME, ret);
}

static void sleep_ns(struct xl_hv *hv, uint64_t ns)
{
	struct timespec t = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };

	(void)hv;
	(void)nanosleep(&t, NULL);
}

static void hv_close(struct xl_hv *hv)
{
	struct xl_hv_xen *h = xl_hv_xen(hv);
	DECLARE_HYPERCALL_BUFFER_SHADOW(xen_pfn_t, types, &h->types_hbuf);
	DECLARE_HYPERCALL_BUFFER_SHADOW(uint8_t, vcpu, &h->vcpu_hbuf);
	DECLARE_HYPERCALL_BUFFER_SHADOW(uint8_t, dirty, &h->dirty_hbuf);

	(void)types; /* the macro takes the name alone */
	xl_hv_xen_grants_release(h);
	if (h->xch) {
		xc_hypercall_buffer_free_pages(h->xch, dirty, (int)h->dirty_pages);
		xc_hypercall_buffer_free_pages(h->xch, vcpu, VCPU_BUFFER_PAGES);
		xc_hypercall_buffer_free(h->xch, types);
		(void)xc_interface_close(h->xch);
	}
	if (h->fmem)
		(void)xenforeignmemory_close(h->fmem);
	if (h->xs)
		xs_close(h->xs);
	free(h);
}

static const struct xl_hv_ops xen_ops = {
	.host_info = host_info,
	.domain_info = xl_hv_xen_domain_info,
	.domain_list = xl_hv_xen_domain_list,
	.domain_name = domain_name,
	.guest_width = guest_width,
	.map = xl_hv_xen_map,
	.unmap = xl_hv_xen_unmap,
	.page_types = xl_hv_xen_page_types,
	.nr_gfns = xl_hv_xen_nr_gfns,
	.pod_entries = xl_hv_xen_pod_entries,
	.xen_frames = xl_hv_xen_frames,
	.special_frames = xl_hv_xen_special_frames,
	.cap_get = xl_hv_xen_cap_get,
	.cap_set = xl_hv_xen_cap_set,
	.grants_prepare = xl_hv_xen_grants_prepare,
	.grants_read = xl_hv_xen_grants_read,
	.shared_info = xl_hv_xen_shared_info,
	.logdirty_start = xl_hv_xen_logdirty_start,
	.logdirty_fetch = xl_hv_xen_logdirty_fetch,
	.logdirty_count = xl_hv_xen_logdirty_count,
	.logdirty_stop = xl_hv_xen_logdirty_stop,
	.dm_logdirty = xl_hv_xen_dm_logdirty,
	.pause = do_pause,
	.unpause = do_unpause,
	.vcpus = xl_hv_xen_vcpus,
	.now_ns = now_ns,
	.realtime = realtime,
	.sleep_ns = sleep_ns,
	.close = hv_close,
};

static int open_all(struct xl_hv_xen *h, enum xl_hv_xen_step *ret_step)
{
	DECLARE_HYPERCALL_BUFFER_SHADOW(xen_pfn_t, types, &h->types_hbuf);
	DECLARE_HYPERCALL_BUFFER_SHADOW(uint8_t, vcpu, &h->vcpu_hbuf);
	xc_domaininfo_t dom0;

	*ret_step = XL_HV_XEN_PRIVCMD;
	errno = ENODEV;
	h->xch = xc_interface_open(&h->silent, &h->silent, 0);
	if (!h->xch)
		return xl_hv_errno();
	errno = ENODEV;
	h->fmem = xenforeignmemory_open(&h->silent, 0);
	if (!h->fmem)
		return xl_hv_errno();
	types = xc_hypercall_buffer_alloc(h->xch, types, XL_TYPES_MAX * sizeof(xen_pfn_t));
	vcpu = xc_hypercall_buffer_alloc_pages(h->xch, vcpu, VCPU_BUFFER_PAGES);
	if (!types || !vcpu)
		return -ENOMEM;

	*ret_step = XL_HV_XEN_DOMCTL;
	if (xc_domain_getinfolist(h->xch, 0, 1, &dom0) < 0)
		return xl_hv_errno();

	*ret_step = XL_HV_XEN_STORE;
	errno = ENOENT;
	h->xs = xs_open(0);
	return h->xs ? 0 : xl_hv_errno();
}

__attribute__((__visibility__("default"))) const struct xl_hv_xen_about xl_hv_xen_about = {
	.xen = XEN_BUILD_VERSION,
	.xldump = PACKAGE_VERSION,
};

__attribute__((__visibility__("default"))) int xl_hv_xen_open(struct xl_hv **ret,
							      enum xl_hv_xen_step *ret_step)
{
	struct xl_hv_xen *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->hv.ops = &xen_ops;
	h->silent = (xentoollog_logger){ silent_message, silent_progress, silent_destroy };
	r = open_all(h, ret_step);
	if (r < 0) {
		hv_close(&h->hv);
		return r;
	}
	*ret = &h->hv;
	return 0;
}
