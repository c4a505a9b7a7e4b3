/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seam on the simulated host: the table, domains, running, clocks. */
#include "sim.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* ---- around every operation ---- */

/* The domain goes away at the named moment; a dying one is gone soon, unless somebody has its pages. */
static void fate(struct sim *s)
{
	if (s->params.die_at && s->ops >= s->params.die_at && !s->dom.dying)
		sim_die(s);
	else if (s->dom.dying && !s->mapped && sim_below(s, 8) == 0)
		s->gone = true;
}

static bool fault_now(struct sim *s, enum sim_op op, bool late)
{
	struct sim_fault *f = &s->fault;

	if (!f->nth || f->op != op || f->late != late || f->page)
		return false;
	if (s->calls[op] != f->nth && !(f->sticks && s->calls[op] > f->nth))
		return false;
	f->hit = true;
	return true;
}

int sim_page_fault(struct sim *s)
{
	struct sim_fault *f = &s->fault;

	if (!f->nth || f->op != SIM_map || !f->page || (s->calls[SIM_map] != f->nth && !f->sticks) ||
	    s->calls[SIM_map] < f->nth)
		return 0;
	f->hit = true;
	return f->err;
}

/* Before and after each operation. */
static void step(struct sim *s)
{
	if (++s->steps == s->kill_at)
		(void)kill(getpid(), SIGKILL);
}

static enum sim_phase phase(const struct sim *s)
{
	if (s->pauses_ours)
		return SIM_PAUSED;
	if (s->calls[SIM_unpause])
		return SIM_AFTER;
	return s->log_on ? SIM_LOGGING : SIM_BEFORE;
}

int sim_enter(struct sim *s, enum sim_op op, uint64_t cost)
{
	step(s);
	if (s->inside)
		sim_broken(s, "%s was called by a callback of another one", sim_op_name[op]);
	s->inside = true;
	s->ops++;
	s->calls[op]++;
	if (!s->first[op][phase(s)])
		s->first[op][phase(s)] = s->calls[op];
	fate(s);
	sim_advance(s, cost / 4 + sim_below(s, cost / 2 + 1));
	s->inside = false;
	return fault_now(s, op, false) ? s->fault.err : 0;
}

int sim_leave(struct sim *s, enum sim_op op, uint64_t cost)
{
	sim_advance(s, cost / 4 + sim_below(s, cost / 2 + 1));
	step(s);
	return fault_now(s, op, true) ? s->fault.err : 0;
}

void sim_touch(struct sim *s, enum sim_op op)
{
	if (s->gone && !s->fault.hit)
		sim_broken(s, "%s of a domain that has gone: its number may be another's", sim_op_name[op]);
}

/* An operation on the domain. */
static int enter_domain(struct sim *s, enum sim_op op, uint32_t domid, uint64_t cost)
{
	int r = sim_enter(s, op, cost);

	if (r < 0)
		return r;
	return domid != SIM_DOMID || s->gone ? -ESRCH : 0;
}

/* ---- host and domains ---- */

static int host_info(struct xl_hv *hv, struct xl_host *ret)
{
	struct sim *s = sim_of(hv);
	int r = sim_enter(s, SIM_host_info, 2000);

	if (r < 0)
		return r;
	*ret = (struct xl_host){
		.xen_major = 4,
		.xen_minor = s->params.xen_minor,
		.capabilities = "xen-3.0-x86_64",
		.virt_start = 0xffff800000000000ULL,
		.max_mfn = s->nr_frames - 1,
		.free_pages = s->nr_free,
	};
	return sim_leave(s, SIM_host_info, 0);
}

static void describe(const struct sim *s, struct xl_domain *ret)
{
	*ret = s->dom;
	ret->paused = s->pauses_ours + s->pauses_other > 0;
	ret->tot_pages = s->tot_pages;
	ret->max_pages = s->max_pages;
}

static int domain_info(struct xl_hv *hv, uint32_t domid, struct xl_domain *ret)
{
	struct sim *s = sim_of(hv);
	int r = enter_domain(s, SIM_domain_info, domid, 2000);

	if (r < 0)
		return r;
	describe(s, ret);
	return sim_leave(s, SIM_domain_info, 500);
}

static int domain_list(struct xl_hv *hv, uint32_t first, struct xl_domain *ret, size_t max,
		       size_t *ret_n)
{
	struct sim *s = sim_of(hv);
	int r = sim_enter(s, SIM_domain_list, 5000);

	if (r < 0)
		return r;
	*ret_n = first <= SIM_DOMID && max > 0 && !s->gone;
	if (*ret_n)
		describe(s, ret);
	return sim_leave(s, SIM_domain_list, 0);
}

static int domain_name(struct xl_hv *hv, uint32_t domid, char *ret, size_t size)
{
	struct sim *s = sim_of(hv);
	int r = enter_domain(s, SIM_domain_name, domid, 20000);

	if (r < 0)
		return r == -ESRCH ? -ENOENT : r;
	(void)snprintf(ret, size, "guest");
	return sim_leave(s, SIM_domain_name, 0);
}

static int guest_width(struct xl_hv *hv, uint32_t domid, unsigned *ret)
{
	struct sim *s = sim_of(hv);
	int r = enter_domain(s, SIM_guest_width, domid, 2000);

	if (r < 0)
		return r;
	*ret = s->params.narrow ? 32 : 64;
	return sim_leave(s, SIM_guest_width, 0);
}

/* ---- running ---- */

static int do_pause(struct xl_hv *hv, uint32_t domid)
{
	struct sim *s = sim_of(hv);
	int r = enter_domain(s, SIM_pause, domid, 10000);

	sim_touch(s, SIM_pause);
	if (r < 0)
		return r;
	s->paused_at = s->clock;
	s->pauses_ours++;
	return sim_leave(s, SIM_pause, 5000);
}

static int do_unpause(struct xl_hv *hv, uint32_t domid)
{
	struct sim *s = sim_of(hv);
	int r = enter_domain(s, SIM_unpause, domid, 5000);

	sim_touch(s, SIM_unpause);
	if (r < 0)
		return r;
	if (s->pauses_ours == 0) {
		sim_broken(s, "one unpause too many");
		return -EINVAL;
	}
	if (!s->truth.taken || s->truth.at < s->paused_at)
		sim_take_truth(s);
	s->pauses_ours--;
	if (s->clock - s->paused_at > s->longest_pause)
		s->longest_pause = s->clock - s->paused_at;
	return sim_leave(s, SIM_unpause, 3000);
}

static int vcpus(struct xl_hv *hv, const struct xl_domain *dom, bool narrow, struct xl_vcpu *ret,
		 size_t n)
{
	struct sim *s = sim_of(hv);
	int r = enter_domain(s, SIM_vcpus, dom->domid, 4000 * n);

	if (narrow != s->params.narrow)
		sim_broken(s, "vCPUs of the other width are asked for");
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		sim_vcpu(s, (uint32_t)i, &ret[i]);
		if (s->stale_looks)
			ret[i].cr3 = s->stale_cr3;
	}
	s->stale_looks -= s->stale_looks > 0;
	return sim_leave(s, SIM_vcpus, 1000);
}

static int cap_get(struct xl_hv *hv, uint32_t domid, uint32_t *ret)
{
	struct sim *s = sim_of(hv);
	int r = enter_domain(s, SIM_cap_get, domid, 2000);

	if (r < 0)
		return r;
	*ret = s->cap;
	return sim_leave(s, SIM_cap_get, 0);
}

static int cap_set(struct xl_hv *hv, uint32_t domid, uint32_t cap)
{
	struct sim *s = sim_of(hv);
	int r = enter_domain(s, SIM_cap_set, domid, 5000);

	if (r < 0)
		return r;
	s->cap = cap;
	return sim_leave(s, SIM_cap_set, 0);
}

/* ---- clocks ---- */

static uint64_t now_ns(struct xl_hv *hv)
{
	return sim_of(hv)->clock;
}

static void now_real(struct xl_hv *hv, struct timespec *ret)
{
	struct sim *s = sim_of(hv);
	uint64_t now = s->clock;

	/* Whoever asks for the time in a pause says that this is T. */
	if (s->pauses_ours)
		sim_take_truth(s);
	*ret = (struct timespec){ (time_t)(1700000000 + now / 1000000000), (long)(now % 1000000000) };
}

static void sleep_for(struct xl_hv *hv, uint64_t ns)
{
	struct sim *s = sim_of(hv);

	(void)sim_enter(s, SIM_sleep_ns, 1000);
	sim_advance(s, ns);
}

static void do_close(struct xl_hv *hv)
{
	(void)hv;
}

const struct xl_hv_ops sim_hv_ops = {
	.host_info = host_info,
	.domain_info = domain_info,
	.domain_list = domain_list,
	.domain_name = domain_name,
	.guest_width = guest_width,
	.map = sim_hv_map,
	.unmap = sim_hv_unmap,
	.page_types = sim_hv_page_types,
	.nr_gfns = sim_hv_nr_gfns,
	.pod_entries = sim_hv_pod_entries,
	.xen_frames = sim_hv_xen_frames,
	.cap_get = cap_get,
	.cap_set = cap_set,
	.special_frames = sim_hv_special_frames,
	.grants_prepare = sim_hv_grants_prepare,
	.grants_read = sim_hv_grants_read,
	.shared_info = sim_hv_shared_info,
	.logdirty_start = sim_hv_logdirty_start,
	.logdirty_fetch = sim_hv_logdirty_fetch,
	.logdirty_count = sim_hv_logdirty_count,
	.logdirty_stop = sim_hv_logdirty_stop,
	.dm_logdirty = sim_hv_dm_logdirty,
	.pause = do_pause,
	.unpause = do_unpause,
	.vcpus = vcpus,
	.now_ns = now_ns,
	.realtime = now_real,
	.sleep_ns = sleep_for,
	.close = do_close,
};
