/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Polite answers of a hypervisor. */
#include "hv_stub.h"

#include <errno.h>
#include <time.h>

static int host_info(struct xl_hv *hv, struct xl_host *ret)
{
	(void)hv;
	*ret = (struct xl_host){ .xen_major = 4, .xen_minor = 17, .xen_extra = ".0",
				 .capabilities = "xen-3.0-x86_64", .max_mfn = 1 << 20 };
	return 0;
}

static int domain_info(struct xl_hv *hv, uint32_t domid, struct xl_domain *ret)
{
	(void)hv;
	*ret = (struct xl_domain){ 0 };
	return domid == 0 ? 0 : -ESRCH;
}

static int domain_list(struct xl_hv *hv, uint32_t first, struct xl_domain *ret, size_t max,
		       size_t *ret_n)
{
	*ret_n = first == 0 && max > 0;
	return *ret_n ? domain_info(hv, 0, ret) : 0;
}

static int domain_name(struct xl_hv *hv, uint32_t domid, char *ret, size_t size)
{
	(void)hv;
	(void)domid;
	(void)ret;
	(void)size;
	return -ENOENT;
}

static int guest_width(struct xl_hv *hv, uint32_t domid, unsigned *ret)
{
	(void)hv;
	(void)domid;
	*ret = 64;
	return 0;
}

static int pod_entries(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	(void)hv;
	(void)domid;
	*ret = 0;
	return 0;
}

static int xen_frames(struct xl_hv *hv, const struct xl_domain *dom,
		      xl_frame_t ret[XL_MAX_XEN_FRAMES], size_t *ret_n)
{
	(void)hv;
	(void)dom;
	(void)ret;
	*ret_n = 0;
	return 0;
}

static int special_frames(struct xl_hv *hv, uint32_t domid, xl_frame_t ret[XL_MAX_SPECIAL],
			  size_t *ret_n)
{
	(void)hv;
	(void)domid;
	(void)ret;
	*ret_n = 0;
	return 0;
}

static int cap_get(struct xl_hv *hv, uint32_t domid, uint32_t *ret)
{
	(void)hv;
	(void)domid;
	(void)ret;
	return -EOPNOTSUPP;
}

static int cap_set(struct xl_hv *hv, uint32_t domid, uint32_t cap)
{
	(void)hv;
	(void)domid;
	(void)cap;
	return -EOPNOTSUPP;
}

static int grants_prepare(struct xl_hv *hv, uint32_t domid)
{
	(void)hv;
	(void)domid;
	return 0;
}

static int grants_read(struct xl_hv *hv, bool all, xl_frame_t *ret, size_t max, size_t *ret_n)
{
	(void)hv;
	(void)all;
	(void)ret;
	(void)max;
	*ret_n = 0;
	return 0;
}

static int shared_info(struct xl_hv *hv, const struct xl_domain *dom, uint8_t ret[XL_PAGE_SIZE])
{
	(void)hv;
	(void)dom;
	(void)ret;
	return -EOPNOTSUPP;
}

static int dm_logdirty(struct xl_hv *hv, const struct xl_domain *dom, bool on)
{
	(void)hv;
	(void)dom;
	(void)on;
	return 0;
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
	(void)hv;
	(void)nanosleep(&(struct timespec){ .tv_sec = (time_t)(ns / 1000000000),
					    .tv_nsec = (long)(ns % 1000000000) }, NULL);
}

static void close_nothing(struct xl_hv *hv)
{
	(void)hv;
}

#define FILL(op)              \
	do {                  \
		if (!ops->op) \
			ops->op = op; \
	} while (0)

const struct xl_hv_ops *hv_stub(struct xl_hv_ops *ops)
{
	FILL(host_info);
	FILL(domain_info);
	FILL(domain_list);
	FILL(domain_name);
	FILL(guest_width);
	FILL(pod_entries);
	FILL(xen_frames);
	FILL(special_frames);
	FILL(cap_get);
	FILL(cap_set);
	FILL(grants_prepare);
	FILL(grants_read);
	FILL(shared_info);
	FILL(dm_logdirty);
	FILL(now_ns);
	FILL(realtime);
	FILL(sleep_ns);
	if (!ops->close)
		ops->close = close_nothing;
	return ops;
}
