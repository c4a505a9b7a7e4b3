/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam to the hypervisor, with patience. */
#include "hv/patience.h"

/* From the first wait to the longest, twice as long each time. */
#define WAIT_FIRST_NS 100000ULL
#define WAIT_MOST_NS 200000000ULL

static struct xl_patience *patience_of(struct xl_hv *hv)
{
	return (struct xl_patience *)hv;
}

/* Whether to try again: waits before it. */
static bool again(struct xl_patience *p, int r, uint64_t *wait)
{
	uint64_t allowed = p->paused ? p->pause_ns : p->run_ns;

	if (!xl_err_passes(r)) {
		if (!p->paused)
			p->waited = 0;
		return false;
	}
	if (p->hv.hasty || p->waited + *wait > allowed)
		return false;
	p->real->ops->sleep_ns(p->real, *wait);
	p->waited += *wait;
	if (*wait < WAIT_MOST_NS)
		*wait *= 2;
	return true;
}

/* The operation OP of the real one with these arguments, and again as long as that may help. */
#define TRY(hv, op, ...)                                                                           \
	({                                                                                         \
		struct xl_patience *p_ = patience_of(hv);                                          \
		uint64_t wait_ = WAIT_FIRST_NS;                                                    \
		int r_;                                                                            \
		do                                                                                 \
			r_ = p_->real->ops->op(p_->real, ##__VA_ARGS__);                           \
		while (again(p_, r_, &wait_));                                                     \
		r_;                                                                                \
	})

static int host_info(struct xl_hv *hv, struct xl_host *ret)
{
	return TRY(hv, host_info, ret);
}

static int domain_info(struct xl_hv *hv, uint32_t domid, struct xl_domain *ret)
{
	return TRY(hv, domain_info, domid, ret);
}

static int domain_list(struct xl_hv *hv, uint32_t first, struct xl_domain *ret, size_t max,
		       size_t *ret_n)
{
	return TRY(hv, domain_list, first, ret, max, ret_n);
}

static int domain_name(struct xl_hv *hv, uint32_t domid, char *ret, size_t size)
{
	return TRY(hv, domain_name, domid, ret, size);
}

static int guest_width(struct xl_hv *hv, uint32_t domid, unsigned *ret)
{
	return TRY(hv, guest_width, domid, ret);
}

static int page_types(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n,
		      uint8_t *ret)
{
	return TRY(hv, page_types, domid, frame, n, ret);
}

static int nr_gfns(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	return TRY(hv, nr_gfns, domid, ret);
}

static int pod_entries(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	return TRY(hv, pod_entries, domid, ret);
}

static int xen_frames(struct xl_hv *hv, const struct xl_domain *dom,
		      xl_frame_t ret[XL_MAX_XEN_FRAMES], size_t *ret_n)
{
	return TRY(hv, xen_frames, dom, ret, ret_n);
}

static int special_frames(struct xl_hv *hv, uint32_t domid, xl_frame_t ret[XL_MAX_SPECIAL],
			  size_t *ret_n)
{
	return TRY(hv, special_frames, domid, ret, ret_n);
}

static int cap_get(struct xl_hv *hv, uint32_t domid, uint32_t *ret)
{
	return TRY(hv, cap_get, domid, ret);
}

static int cap_set(struct xl_hv *hv, uint32_t domid, uint32_t cap)
{
	return TRY(hv, cap_set, domid, cap);
}

static int grants_prepare(struct xl_hv *hv, uint32_t domid)
{
	return TRY(hv, grants_prepare, domid);
}

static int grants_read(struct xl_hv *hv, bool all, xl_frame_t *ret, size_t max, size_t *ret_n)
{
	return TRY(hv, grants_read, all, ret, max, ret_n);
}

static int shared_info(struct xl_hv *hv, const struct xl_domain *dom, uint8_t ret[XL_PAGE_SIZE])
{
	return TRY(hv, shared_info, dom, ret);
}

static int logdirty_start(struct xl_hv *hv, uint32_t domid, uint64_t nr)
{
	return TRY(hv, logdirty_start, domid, nr);
}

static int logdirty_count(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	return TRY(hv, logdirty_count, domid, ret);
}

static int dm_logdirty(struct xl_hv *hv, const struct xl_domain *dom, bool on)
{
	return TRY(hv, dm_logdirty, dom, on);
}

static int vcpus(struct xl_hv *hv, const struct xl_domain *dom, bool narrow, struct xl_vcpu *ret,
		 size_t n)
{
	return TRY(hv, vcpus, dom, narrow, ret, n);
}

static bool some_pass(const int *err, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (xl_map_err_passes(err[i]))
			return true;
	return false;
}

/* Pages that cannot be mapped for the moment are worth waiting for, too. */
static int map(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n, int *err,
	       void **ret)
{
	struct xl_patience *p = patience_of(hv);
	struct xl_hv *real = p->real;
	uint64_t wait = WAIT_FIRST_NS;

	for (;;) {
		int r = real->ops->map(real, domid, frame, n, err, ret);
		bool passes = r == 0 && some_pass(err, n);

		if (!again(p, passes ? -EAGAIN : r, &wait))
			return r;
		if (passes)
			real->ops->unmap(real, *ret, n);
	}
}

static void unmap(struct xl_hv *hv, void *addr, size_t n)
{
	struct xl_hv *real = patience_of(hv)->real;

	real->ops->unmap(real, addr, n);
}

static int logdirty_fetch(struct xl_hv *hv, uint32_t domid, bool last, struct xl_bitmap *ret)
{
	return TRY(hv, logdirty_fetch, domid, last, ret);
}

static int logdirty_stop(struct xl_hv *hv, uint32_t domid)
{
	struct xl_hv *real = patience_of(hv)->real;

	return real->ops->logdirty_stop(real, domid);
}

static int pause_domain(struct xl_hv *hv, uint32_t domid)
{
	struct xl_patience *p = patience_of(hv);
	uint64_t wait = WAIT_FIRST_NS;
	int r;

	do
		r = p->real->ops->pause(p->real, domid);
	while (r != -EINTR && again(p, r, &wait));
	if (r == 0) {
		p->paused = true;
		p->waited = 0;
	}
	return r;
}

static int unpause(struct xl_hv *hv, uint32_t domid)
{
	struct xl_patience *p = patience_of(hv);
	int r = p->real->ops->unpause(p->real, domid);

	if (r == 0) {
		p->paused = false;
		p->waited = 0;
	}
	return r;
}

static uint64_t now_ns(struct xl_hv *hv)
{
	struct xl_hv *real = patience_of(hv)->real;

	return real->ops->now_ns(real);
}

static void realtime(struct xl_hv *hv, struct timespec *ret)
{
	struct xl_hv *real = patience_of(hv)->real;

	real->ops->realtime(real, ret);
}

static void sleep_ns(struct xl_hv *hv, uint64_t ns)
{
	struct xl_hv *real = patience_of(hv)->real;

	real->ops->sleep_ns(real, ns);
}

static void close_nothing(struct xl_hv *hv)
{
	(void)hv;
}

static const struct xl_hv_ops patient_ops = {
	.host_info = host_info,
	.domain_info = domain_info,
	.domain_list = domain_list,
	.domain_name = domain_name,
	.guest_width = guest_width,
	.page_types = page_types,
	.nr_gfns = nr_gfns,
	.pod_entries = pod_entries,
	.xen_frames = xen_frames,
	.special_frames = special_frames,
	.cap_get = cap_get,
	.cap_set = cap_set,
	.grants_prepare = grants_prepare,
	.grants_read = grants_read,
	.shared_info = shared_info,
	.logdirty_start = logdirty_start,
	.logdirty_count = logdirty_count,
	.dm_logdirty = dm_logdirty,
	.vcpus = vcpus,
	.map = map,
	.unmap = unmap,
	.logdirty_fetch = logdirty_fetch,
	.logdirty_stop = logdirty_stop,
	.pause = pause_domain,
	.unpause = unpause,
	.now_ns = now_ns,
	.realtime = realtime,
	.sleep_ns = sleep_ns,
	.close = close_nothing,
};

void xl_patience_init(struct xl_patience *p, struct xl_hv *real)
{
	*p = (struct xl_patience){ .hv = { .ops = &patient_ops }, .real = real,
					    .run_ns = XL_PATIENCE_NS };
}
