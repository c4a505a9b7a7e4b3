/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seam with a guest behind it that is whatever the input says. */
#include "fuzz_hv.h"

#include <errno.h>

#include "../unit/hv_stub.h"

static struct fuzz_hv *fuzz(struct xl_hv *hv)
{
	return (struct fuzz_hv *)hv;
}

/* The guest runs for a moment. */
static void go_on(struct fuzz_hv *f)
{
	if (!f->pauses)
		fuzz_mem_fill(&f->mem, &f->later);
}

static int host_info(struct xl_hv *hv, struct xl_host *ret)
{
	*ret = fuzz(hv)->host;
	return 0;
}

static int domain_info(struct xl_hv *hv, uint32_t domid, struct xl_domain *ret)
{
	if (domid != fuzz(hv)->dom.domid)
		return -ESRCH;
	*ret = fuzz(hv)->dom;
	ret->paused = ret->paused || fuzz(hv)->pauses;
	return 0;
}

static int domain_list(struct xl_hv *hv, uint32_t first, struct xl_domain *ret, size_t max,
		       size_t *ret_n)
{
	*ret_n = max > 0 && first <= fuzz(hv)->dom.domid;
	if (*ret_n)
		*ret = fuzz(hv)->dom;
	return 0;
}

static int domain_name(struct xl_hv *hv, uint32_t domid, char *ret, size_t size)
{
	(void)domid;
	if (!fuzz(hv)->name)
		return -ENOENT;
	(void)snprintf(ret, size, "%s", fuzz(hv)->name);
	return 0;
}

static int guest_width(struct xl_hv *hv, uint32_t domid, unsigned *ret)
{
	(void)domid;
	*ret = fuzz(hv)->width;
	return 0;
}

/* ---- memory ---- */

static int map(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n, int *err,
	       void **ret)
{
	struct fuzz_hv *f = fuzz(hv);
	uint8_t *copy;

	(void)domid;
	FUZZ_CHECK(n > 0 && n <= XL_MAP_MAX);
	copy = malloc(n * XL_PAGE_SIZE);
	if (!copy)
		abort();
	for (size_t i = 0; i < n; i++) {
		const uint8_t *page = fuzz_mem_page(&f->mem, frame[i]);

		err[i] = page ? 0 : -EINVAL;
		/* What cannot be mapped must not be looked at: full of frames to believe in. */
		if (page)
			memcpy(copy + i * XL_PAGE_SIZE, page, XL_PAGE_SIZE);
		else
			memset(copy + i * XL_PAGE_SIZE, 1, XL_PAGE_SIZE);
	}
	f->mapped += n;
	*ret = copy;
	return 0;
}

static void unmap(struct xl_hv *hv, void *addr, size_t n)
{
	FUZZ_CHECK(fuzz(hv)->mapped >= n);
	fuzz(hv)->mapped -= n;
	free(addr);
}

uint8_t fuzz_hv_type(const struct fuzz_hv *f, uint64_t frame)
{
	return frame < f->types ? f->type[frame] : XL_PAGE_XTAB;
}

void fuzz_hv_take_types(struct fuzz_hv *f, uint64_t n, struct fuzz_in *in, unsigned width)
{
	free(f->type);
	f->type = malloc(n ? n : 1);
	if (!f->type)
		abort();
	f->types = n;
	memset(f->type, f->dom.pv ? XL_PAGE_NOTAB : XL_PAGE_XTAB, n);
	for (unsigned k = fuzz_u8(in); k; k--) {
		uint64_t first = width == 2 ? fuzz_u16(in) : fuzz_u32(in);
		uint64_t count = width == 2 ? fuzz_u16(in) : fuzz_u32(in);
		uint8_t type = fuzz_u8(in) & 0xf;

		if (first < n)
			memset(f->type + first, type, count < n - first ? count : n - first);
	}
}

static int page_types(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n,
		      uint8_t *ret)
{
	(void)domid;
	FUZZ_CHECK(n > 0 && n <= XL_TYPES_MAX);
	fuzz(hv)->type_calls++;
	for (size_t i = 0; i < n; i++)
		ret[i] = fuzz_hv_type(fuzz(hv), frame[i]);
	return 0;
}

static int nr_gfns(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	(void)domid;
	*ret = fuzz(hv)->nr_gfns;
	return 0;
}

static int pod_entries(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	(void)domid;
	*ret = fuzz(hv)->pod;
	return 0;
}

static int xen_frames(struct xl_hv *hv, const struct xl_domain *dom,
		      xl_frame_t ret[XL_MAX_XEN_FRAMES], size_t *ret_n)
{
	const struct fuzz_hv *f = fuzz(hv);

	(void)dom;
	memcpy(ret, f->xen_frame, f->xen_frames * sizeof(*ret));
	*ret_n = f->xen_frames;
	return 0;
}

static int special_frames(struct xl_hv *hv, uint32_t domid, xl_frame_t ret[XL_MAX_SPECIAL],
			  size_t *ret_n)
{
	const struct fuzz_hv *f = fuzz(hv);

	(void)domid;
	memcpy(ret, f->special, f->specials * sizeof(*ret));
	*ret_n = f->specials;
	return 0;
}

static int grants_read(struct xl_hv *hv, bool all, xl_frame_t *ret, size_t max, size_t *ret_n)
{
	const struct fuzz_hv *f = fuzz(hv);

	(void)all;
	for (size_t i = 0; i < f->grants && i < max; i++)
		ret[i] = f->grant[i];
	*ret_n = f->grants;
	return 0;
}

static int shared_info(struct xl_hv *hv, const struct xl_domain *dom, uint8_t ret[XL_PAGE_SIZE])
{
	(void)dom;
	memcpy(ret, fuzz(hv)->shared_info, XL_PAGE_SIZE);
	return 0;
}

/* ---- dirty logging ---- */

static int logdirty_start(struct xl_hv *hv, uint32_t domid, uint64_t nr)
{
	(void)domid;
	if (fuzz(hv)->logging)
		return -EBUSY;
	fuzz(hv)->log_size = nr;
	fuzz(hv)->logging = true;
	return 0;
}

/* The log grows while the guest runs, and is never lost: tests/sim has thieves. */
static void log_more(struct fuzz_hv *f)
{
	if (f->pauses)
		return;
	go_on(f);
	for (unsigned n = fuzz_u8(&f->later); n && f->later.left; n--)
		f->dirty[fuzz_u16(&f->later) % XL_ARRAY_SIZE(f->dirty)] = true;
}

static int logdirty_fetch(struct xl_hv *hv, uint32_t domid, bool last, struct xl_bitmap *ret)
{
	struct fuzz_hv *f = fuzz(hv);

	(void)domid;
	(void)last;
	log_more(f);
	xl_bitmap_zero(ret);
	for (uint64_t pfn = 0; pfn < XL_ARRAY_SIZE(f->dirty) && pfn < ret->nbits; pfn++) {
		if (f->dirty[pfn])
			xl_bitmap_set(ret, pfn);
	}
	memset(f->dirty, 0, sizeof(f->dirty));
	return 0;
}

/* Of those that a fetch would give. */
static int logdirty_count(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	const struct fuzz_hv *f = fuzz(hv);

	(void)domid;
	*ret = 0;
	for (size_t pfn = 0; pfn < XL_ARRAY_SIZE(f->dirty) && pfn < f->log_size; pfn++)
		*ret += f->dirty[pfn];
	return 0;
}

static int logdirty_stop(struct xl_hv *hv, uint32_t domid)
{
	(void)domid;
	if (!fuzz(hv)->logging)
		return -EINVAL;
	fuzz(hv)->logging = false;
	return 0;
}

static int dm_logdirty(struct xl_hv *hv, const struct xl_domain *dom, bool on)
{
	(void)dom;
	fuzz(hv)->dm_logging = on;
	return 0;
}

/* ---- running ---- */

static int pause_domain(struct xl_hv *hv, uint32_t domid)
{
	(void)domid;
	go_on(fuzz(hv));
	fuzz(hv)->pauses++;
	return 0;
}

static int unpause_domain(struct xl_hv *hv, uint32_t domid)
{
	(void)domid;
	FUZZ_CHECK(fuzz(hv)->pauses > 0);
	fuzz(hv)->pauses--;
	return 0;
}

static int vcpus(struct xl_hv *hv, const struct xl_domain *dom, bool narrow, struct xl_vcpu *ret,
		 size_t n)
{
	(void)narrow;
	(void)dom;
	for (size_t i = 0; i < n; i++)
		ret[i] = fuzz(hv)->vcpu[i % XL_ARRAY_SIZE(fuzz(hv)->vcpu)];
	return 0;
}

static uint64_t now_ns(struct xl_hv *hv)
{
	return fuzz(hv)->clock += 1000;
}

static void realtime(struct xl_hv *hv, struct timespec *ret)
{
	(void)hv;
	*ret = (struct timespec){ .tv_sec = 1700000000 };
}

static void sleep_ns(struct xl_hv *hv, uint64_t ns)
{
	fuzz(hv)->clock += ns;
}

static struct xl_hv_ops ops = {
	.host_info = host_info,
	.domain_info = domain_info,
	.domain_list = domain_list,
	.domain_name = domain_name,
	.guest_width = guest_width,
	.map = map,
	.unmap = unmap,
	.page_types = page_types,
	.nr_gfns = nr_gfns,
	.pod_entries = pod_entries,
	.xen_frames = xen_frames,
	.special_frames = special_frames,
	.grants_read = grants_read,
	.shared_info = shared_info,
	.logdirty_start = logdirty_start,
	.logdirty_fetch = logdirty_fetch,
	.logdirty_count = logdirty_count,
	.logdirty_stop = logdirty_stop,
	.dm_logdirty = dm_logdirty,
	.pause = pause_domain,
	.unpause = unpause_domain,
	.vcpus = vcpus,
	.now_ns = now_ns,
	.realtime = realtime,
	.sleep_ns = sleep_ns,
};

void fuzz_hv_init(struct fuzz_hv *f)
{
	*f = (struct fuzz_hv){
		.hv = { .ops = hv_stub(&ops) },
		.dom = { .domid = 1, .pv = true, .tot_pages = 256, .max_pages = 256 },
		.host = { .xen_major = 4, .xen_minor = 17, .max_mfn = 0xfffff },
		.width = 64,
	};
}

void fuzz_hv_deinit(struct fuzz_hv *f)
{
	FUZZ_CHECK(f->mapped == 0 && f->pauses == 0 && !f->logging && !f->dm_logging);
	fuzz_mem_deinit(&f->mem);
	free(f->type);
}
