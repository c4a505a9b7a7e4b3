/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seam on the simulated host: mapping, types, layout. */
#include "sim.h"

#include <sys/mman.h>

/* The frame behind what a caller names, or 0. */
static xl_mfn_t resolve(struct sim *s, xl_frame_t frame)
{
	xl_mfn_t mfn = frame;

	/* A dying domain gives its frames back little by little. */
	if (s->dom.dying && sim_below(s, 2))
		return 0;
	if (!s->dom.pv) {
		if (frame >= s->nr_pfns)
			return 0;
		if (!s->p2m[frame])
			s->seen_absent[frame] = 1;
		mfn = s->p2m[frame];
	}
	if (mfn >= s->nr_frames)
		return 0;
	if (!s->dom.pv && s->frame[mfn].owner == SIM_HYPERVISOR)
		return mfn;
	return s->frame[mfn].owner == SIM_GUEST ? mfn : 0;
}

/* Frames that follow each other go into one mapping, read-only: a write of ours would be seen. */
static int map_run(struct sim *s, uint8_t *at, xl_mfn_t first, size_t n)
{
	void *p = mmap(at, n * XL_PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, s->memfd,
		       (off_t)(first * XL_PAGE_SIZE));

	return p == MAP_FAILED ? -errno : 0;
}

static int map_all(struct sim *s, uint8_t *at, const xl_mfn_t *mfn, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t k = 1;
		int r;

		while (i + k < n && mfn[i] && mfn[i + k] == mfn[i] + k)
			k++;
		r = mfn[i] ? map_run(s, at + i * XL_PAGE_SIZE, mfn[i], k) : 0;
		if (r < 0)
			return r;
		i += k;
	}
	return 0;
}

/* A limit that was passed is no reason to read on.  One that does not run anyway feels no pause. */
static void check_limit(struct sim *s)
{
	if (s->pauses_ours && s->pause_limit && !s->pauses_other && !s->dom.shutdown &&
	    s->clock - s->paused_at > s->pause_limit)
		sim_broken(s, "memory was read in a pause that had lasted longer than allowed");
}

static uint64_t in_pause(const struct sim *s, uint64_t cost)
{
	return s->pauses_ours && s->params.slow_pause ? cost * s->params.slow_pause : cost;
}

int sim_hv_map(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n, int *err,
	       void **ret)
{
	struct sim *s = sim_of(hv);
	xl_mfn_t mfn[XL_MAP_MAX];
	uint8_t *at;
	int r;

	check_limit(s);
	r = sim_enter(s, SIM_map, in_pause(s, 4000 + 200 * n));

	if (r < 0)
		return r;
	if (n == 0 || n > XL_MAP_MAX)
		sim_broken(s, "a mapping of %zu frames", n);
	if (domid != SIM_DOMID || s->gone || s->broken[0])
		return -ESRCH;
	/* After the log was found to be at rest; any page may be the one. */
	if (s->params.late_write && s->pauses_ours && !s->late_done && s->log_on) {
		sim_scribble(s, s->data[sim_below(s, s->nr_data)], true);
		s->late_done = true;
	}
	for (size_t i = 0; i < n; i++) {
		mfn[i] = resolve(s, frame[i]);
		err[i] = mfn[i] ? 0 : -EINVAL;
		s->young_read |= s->young && frame[i] == s->young;
		if (s->frame[mfn[i]].type == XL_PAGE_BROKEN)
			sim_broken(s, "a poisoned frame was mapped");
	}
	if (mfn[0]) {
		err[0] = sim_page_fault(s);
		mfn[0] = err[0] ? 0 : mfn[0];
	}
	/* What has an error stays without access. */
	at = mmap(NULL, n * XL_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	r = map_all(s, at, mfn, n);
	/* All at once is cheaper than a fault each; what cannot be read yet, or ever, is left to faults. */
	(void)madvise(at, n * XL_PAGE_SIZE, MADV_POPULATE_READ);
	if (r == 0)
		r = sim_leave(s, SIM_map, 1000);
	if (r < 0) {
		(void)munmap(at, n * XL_PAGE_SIZE);
		return r;
	}
	s->mapped += n;
	*ret = at;
	return 0;
}

void sim_hv_unmap(struct xl_hv *hv, void *addr, size_t n)
{
	struct sim *s = sim_of(hv);

	if (n > s->mapped) {
		sim_broken(s, "%zu pages unmapped, %zu are mapped", n, s->mapped);
		return;
	}
	(void)munmap(addr, n * XL_PAGE_SIZE);
	s->mapped -= n;
	if (s->young_read && s->young && sim_running(s)) {
		sim_scribble(s, s->young, true);
		s->young = 0;
	}
	/* And what the caller did with them since. */
	(void)sim_enter(s, SIM_unmap, in_pause(s, 1000 + 350 * n));
}

int sim_hv_page_types(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n,
		      uint8_t *ret)
{
	struct sim *s = sim_of(hv);
	int r = sim_enter(s, SIM_page_types, 2000 + 10 * n);

	if (r < 0)
		return r;
	if (n == 0 || n > XL_TYPES_MAX)
		sim_broken(s, "types of %zu frames", n);
	if (s->pod)
		sim_broken(s, "a populate-on-demand frame was given memory");
	if (domid != SIM_DOMID || s->gone || s->broken[0])
		return -ESRCH;
	for (size_t i = 0; i < n; i++) {
		xl_mfn_t mfn = resolve(s, frame[i]);

		ret[i] = mfn && s->frame[mfn].owner == SIM_GUEST ? s->frame[mfn].type : XL_PAGE_XTAB;
	}
	return sim_leave(s, SIM_page_types, 500);
}

static int enter_alive(struct sim *s, enum sim_op op, uint32_t domid, uint64_t cost)
{
	int r = sim_enter(s, op, cost);

	if (r < 0)
		return r;
	return domid != SIM_DOMID || s->gone ? -ESRCH : 0;
}

int sim_hv_nr_gfns(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	struct sim *s = sim_of(hv);
	int r = enter_alive(s, SIM_nr_gfns, domid, 1000);

	if (r < 0)
		return r;
	*ret = s->nr_pfns;
	return sim_leave(s, SIM_nr_gfns, 0);
}

int sim_hv_pod_entries(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	struct sim *s = sim_of(hv);
	int r = enter_alive(s, SIM_pod_entries, domid, 1000);

	if (r < 0)
		return r;
	*ret = s->pod;
	return sim_leave(s, SIM_pod_entries, 0);
}

int sim_hv_special_frames(struct xl_hv *hv, uint32_t domid, xl_frame_t ret[XL_MAX_SPECIAL],
			  size_t *ret_n)
{
	struct sim *s = sim_of(hv);
	int r = enter_alive(s, SIM_special_frames, domid, 5000);

	if (r < 0)
		return r;
	memcpy(ret, s->special, s->nr_special * sizeof(*ret));
	*ret_n = s->nr_special;
	return sim_leave(s, SIM_special_frames, 0);
}

int sim_hv_xen_frames(struct xl_hv *hv, const struct xl_domain *dom,
		      xl_frame_t ret[XL_MAX_XEN_FRAMES], size_t *ret_n)
{
	struct sim *s = sim_of(hv);
	int r = enter_alive(s, SIM_xen_frames, dom->domid, 3000);

	if (r < 0)
		return r;
	if (s->dom.pv)
		sim_broken(s, "a PV guest has no frames of Xen's own");
	/* And one that has no place in the guest. */
	ret[0] = s->xen_page;
	ret[1] = s->nr_pfns - 2;
	*ret_n = 2;
	return sim_leave(s, SIM_xen_frames, 0);
}

int sim_hv_grants_prepare(struct xl_hv *hv, uint32_t domid)
{
	struct sim *s = sim_of(hv);
	int r = enter_alive(s, SIM_grants_prepare, domid, 20000);

	if (r < 0)
		return r;
	if (s->pauses_ours)
		sim_broken(s, "grants prepared inside a pause of ours");
	return sim_leave(s, SIM_grants_prepare, 0);
}

int sim_hv_grants_read(struct xl_hv *hv, bool all, xl_frame_t *ret, size_t max, size_t *ret_n)
{
	struct sim *s = sim_of(hv);
	int r = sim_enter(s, SIM_grants_read, 1500);
	size_t n = 0;

	if (r < 0)
		return r;
	if (!s->calls[SIM_grants_prepare])
		sim_broken(s, "grants read and never prepared");
	for (size_t i = 0; i < s->nr_granted; i++, n++) {
		if (n < max)
			ret[n] = s->dom.pv ? s->p2m[s->granted[i]] : s->granted[i];
	}
	for (size_t i = 0; i < s->nr_lent; i++) {
		if (!all && s->lent[i] + 1 != s->dma_page)
			continue;
		if (n++ < max)
			ret[n - 1] = s->dom.pv ? s->p2m[s->lent[i]] : s->lent[i];
	}
	*ret_n = n;
	return sim_leave(s, SIM_grants_read, 0);
}

int sim_hv_shared_info(struct xl_hv *hv, const struct xl_domain *dom, uint8_t ret[XL_PAGE_SIZE])
{
	struct sim *s = sim_of(hv);
	int r = enter_alive(s, SIM_shared_info, dom->domid, 4000);

	if (r < 0)
		return r;
	memcpy(ret, s->shared_info, XL_PAGE_SIZE);
	return sim_leave(s, SIM_shared_info, 500);
}
