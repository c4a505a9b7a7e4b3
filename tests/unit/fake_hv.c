/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hypervisor with one small guest. */
#include "fake_hv.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv_stub.h"

static struct {
	struct xl_hv hv;
	struct fake_guest *g;
	uint64_t now;
} fake;

static void step(void)
{
	struct fake_guest *g = fake.g;
	long now = __atomic_add_fetch(&g->step, 1, __ATOMIC_SEQ_CST);

	if (now == g->act_at)
		g->act(g);
	if (now == g->die_at)
		(void)kill(getpid(), SIGKILL);
}

/* The guest writes now and then: whenever somebody looks at it. */
static void guest_runs(void)
{
	struct fake_guest *g = fake.g;
	unsigned page = (unsigned)(g->step * 7 % FAKE_PAGES);

	if (g->pauses)
		return;
	g->gen[page]++;
	if (g->log_on && !(g->dirty & 1ULL << page)) {
		g->dirty |= 1ULL << page;
		g->dirty_count++;
	}
}

#define BEGIN()               \
	do {                  \
		step();       \
		guest_runs(); \
	} while (0)
#define END(r)                          \
	do {                            \
		int end_r_ = (r);       \
		step();                 \
		return end_r_;          \
	} while (0)

static int domain_info(struct xl_hv *hv, uint32_t domid, struct xl_domain *ret)
{
	(void)hv;
	BEGIN();
	if (domid != fake.g->dom.domid)
		END(-ESRCH);
	*ret = fake.g->dom;
	ret->paused = fake.g->pauses > 0;
	END(0);
}

static int map(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n, int *err,
	       void **ret)
{
	uint8_t *p = mmap(NULL, n * XL_PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)hv;
	(void)domid;
	BEGIN();
	if (p == MAP_FAILED)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		err[i] = 0;
		memcpy(p + i * XL_PAGE_SIZE, &fake.g->gen[frame[i]], sizeof(uint64_t));
	}
	*ret = p;
	END(0);
}

static void unmap(struct xl_hv *hv, void *addr, size_t n)
{
	(void)hv;
	BEGIN();
	(void)munmap(addr, n * XL_PAGE_SIZE);
	step();
}

static int page_types(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n,
		      uint8_t *ret)
{
	(void)hv;
	(void)domid;
	BEGIN();
	for (size_t i = 0; i < n; i++)
		ret[i] = frame[i] < FAKE_PAGES ? XL_PAGE_NOTAB : XL_PAGE_XTAB;
	END(0);
}

static int nr_gfns(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	(void)hv;
	(void)domid;
	BEGIN();
	*ret = FAKE_PAGES;
	END(0);
}

static int special_frames(struct xl_hv *hv, uint32_t domid, xl_frame_t ret[XL_MAX_SPECIAL],
			  size_t *ret_n)
{
	(void)hv;
	(void)domid;
	BEGIN();
	ret[0] = 1;
	*ret_n = 1;
	END(0);
}

static int cap_get(struct xl_hv *hv, uint32_t domid, uint32_t *ret)
{
	(void)hv;
	(void)domid;
	BEGIN();
	*ret = fake.g->cap;
	END(0);
}

static int cap_set(struct xl_hv *hv, uint32_t domid, uint32_t cap)
{
	(void)hv;
	(void)domid;
	BEGIN();
	fake.g->cap = cap;
	END(0);
}

static int logdirty_start(struct xl_hv *hv, uint32_t domid, uint64_t nr)
{
	(void)hv;
	(void)domid;
	(void)nr;
	BEGIN();
	if (fake.g->log_on)
		END(-EBUSY);
	fake.g->log_on = true;
	END(0);
}

static int logdirty_fetch(struct xl_hv *hv, uint32_t domid, bool last, struct xl_bitmap *ret)
{
	(void)hv;
	(void)domid;
	(void)last;
	BEGIN();
	xl_bitmap_zero(ret);
	ret->word[0] = fake.g->dirty;
	fake.g->dirty = fake.g->dirty_count = 0;
	END(0);
}

static int logdirty_count(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	(void)hv;
	(void)domid;
	BEGIN();
	*ret = fake.g->dirty_count;
	END(0);
}

static int logdirty_stop(struct xl_hv *hv, uint32_t domid)
{
	(void)hv;
	(void)domid;
	BEGIN();
	fake.g->log_on = false;
	fake.g->dirty = 0;
	END(0);
}

static int dm_logdirty(struct xl_hv *hv, const struct xl_domain *dom, bool on)
{
	(void)hv;
	(void)dom;
	BEGIN();
	fake.g->dm_on = on;
	END(0);
}

static int do_pause(struct xl_hv *hv, uint32_t domid)
{
	(void)hv;
	(void)domid;
	BEGIN();
	fake.g->pauses++;
	END(0);
}

static int do_unpause(struct xl_hv *hv, uint32_t domid)
{
	(void)hv;
	(void)domid;
	BEGIN();
	if (fake.g->slow_unpause)
		(void)usleep(50000);
	if (fake.g->pauses == 0)
		END(-EINVAL);
	fake.g->pauses--;
	fake.g->unpauses++;
	END(0);
}

static int vcpus(struct xl_hv *hv, const struct xl_domain *dom, bool narrow, struct xl_vcpu *ret,
		 size_t n)
{
	(void)narrow;
	(void)hv;
	(void)dom;
	BEGIN();
	memset(ret, 0, n * sizeof(*ret));
	memcpy(fake.g->at_cut, fake.g->gen, sizeof(fake.g->gen));
	END(0);
}

/* 10 ms for each look at the clock: the rare looks at the log come round, too. */
static uint64_t now_ns(struct xl_hv *hv)
{
	(void)hv;
	return fake.now += 10000000;
}

static void realtime(struct xl_hv *hv, struct timespec *ret)
{
	(void)hv;
	*ret = (struct timespec){ .tv_sec = 1 };
}

static void sleep_ns(struct xl_hv *hv, uint64_t ns)
{
	(void)hv;
	fake.now += ns;
}

static struct xl_hv_ops fake_ops = {
	.domain_info = domain_info,
	.map = map,
	.unmap = unmap,
	.page_types = page_types,
	.nr_gfns = nr_gfns,
	.special_frames = special_frames,
	.cap_get = cap_get,
	.cap_set = cap_set,
	.logdirty_start = logdirty_start,
	.logdirty_fetch = logdirty_fetch,
	.logdirty_count = logdirty_count,
	.logdirty_stop = logdirty_stop,
	.dm_logdirty = dm_logdirty,
	.pause = do_pause,
	.unpause = do_unpause,
	.vcpus = vcpus,
	.now_ns = now_ns,
	.realtime = realtime,
	.sleep_ns = sleep_ns,
};

struct fake_guest *fake_guest_new(bool hvm_devices)
{
	struct fake_guest *g = mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (g == MAP_FAILED)
		abort();
	g->dom = (struct xl_domain){
		.domid = FAKE_DOMID,
		.uuid = { 0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 },
		.hvm_devices = hvm_devices,
		.tot_pages = FAKE_PAGES,
		.max_pages = FAKE_PAGES,
		.online_vcpus = 1,
	};
	return g;
}

void fake_guest_free(struct fake_guest *g)
{
	(void)munmap(g, sizeof(*g));
}

void fake_guest_reset(struct fake_guest *g, int pauses)
{
	struct fake_guest fresh = { .dom = g->dom, .pauses = pauses, .dirty_count = 5 };

	*g = fresh;
}

struct xl_hv *fake_hv(struct fake_guest *g)
{
	fake.hv.ops = hv_stub(&fake_ops);
	fake.g = g;
	return &fake.hv;
}
