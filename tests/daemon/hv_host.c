/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host with small PVH guests, as the module that the library loads for a hypervisor.
 *
 * It lives in a file that all processes map, the daemon, its workers and the test: what one does to a
 * guest, the others see.  The file is $XLDUMP_TEST_HOST: a page of 64-bit words for each domain, by
 * its number; the first word is the errno of the list of domains, which domain 0 has no use for. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../unit/hv_stub.h"
#include "hv/hv_xen.h"

#define DOMAINS 64
#define PAGES 3072 /* at most, a multiple of 64 */

/* The test knows these numbers: world.py. */
struct guest {
	uint64_t domid; /* 0: there is none */
	uint64_t shutdown, reason, dying;
	uint64_t pauses, unpauses;
	uint64_t log_on;
	uint64_t delay_us;  /* of each mapping */
	uint64_t steps;     /* operations on it */
	uint64_t map_error; /* errno of each mapping */
	uint64_t pages;
	uint64_t hvm;
	uint8_t uuid[16];   /* at 96 */
	char name[64];      /* at 112 */
	uint64_t written;   /* by the guest */
	uint64_t dirty[PAGES / 64];
};

static struct {
	struct xl_hv hv;
	char *host;
	const char *memory; /* of HVM guests, that of one kernel; NULL: none */
} us;

static struct guest *guest(uint32_t domid)
{
	struct guest *g = (struct guest *)(us.host + (size_t)domid * 4096);

	return domid > 0 && domid < DOMAINS && g->domid == domid ? g : NULL;
}

/* A guest that runs writes: whenever somebody looks at it. */
static struct guest *enter(uint32_t domid)
{
	struct guest *g = guest(domid);
	uint64_t page;

	if (!g)
		return NULL;
	g->steps++;
	if (g->pauses || g->shutdown)
		return g;
	page = g->written++ * 7 % g->pages;
	g->dirty[page / 64] |= 1ULL << (page % 64);
	return g;
}

static void fill(const struct guest *g, struct xl_domain *ret)
{
	*ret = (struct xl_domain){
		.domid = (uint32_t)g->domid,
		.paused = g->pauses > 0,
		.shutdown = g->shutdown,
		.shutdown_reason = (uint8_t)g->reason,
		.dying = g->dying,
		.hvm_devices = g->hvm,
		.tot_pages = g->pages,
		.max_pages = g->pages,
		.online_vcpus = 1,
	};
	memcpy(ret->uuid, g->uuid, sizeof(ret->uuid));
}

static int domain_info(struct xl_hv *hv, uint32_t domid, struct xl_domain *ret)
{
	const struct guest *g = enter(domid);

	(void)hv;
	if (domid == 0) {
		*ret = (struct xl_domain){ 0 };
		return 0;
	}
	if (!g)
		return -ESRCH;
	fill(g, ret);
	return 0;
}

static int domain_list(struct xl_hv *hv, uint32_t first, struct xl_domain *ret, size_t max,
		       size_t *ret_n)
{
	uint64_t error;
	size_t n = 0;

	(void)hv;
	memcpy(&error, us.host, sizeof(error));
	if (error)
		return -(int)error;
	for (uint32_t id = first; id < DOMAINS && n < max; id++) {
		const struct guest *g = guest(id);

		if (g)
			fill(g, &ret[n++]);
	}
	*ret_n = n;
	return 0;
}

static int domain_name(struct xl_hv *hv, uint32_t domid, char *ret, size_t size)
{
	const struct guest *g = guest(domid);

	(void)hv;
	if (!g || !g->name[0])
		return -ENOENT;
	(void)snprintf(ret, size, "%.63s", g->name);
	return 0;
}

static int map(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n, int *err,
	       void **ret)
{
	struct guest *g = enter(domid);
	uint64_t *p;

	(void)hv;
	if (!g)
		return -ESRCH;
	if (g->delay_us)
		(void)usleep((useconds_t)g->delay_us);
	if (g->map_error)
		return -(int)g->map_error;
	p = mmap(NULL, n * XL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint64_t *page = p + i * XL_PAGE_SIZE / sizeof(*p);

		err[i] = frame[i] < g->pages ? 0 : -EINVAL;
		if (err[i] == 0 && g->hvm && us.memory)
			memcpy(page, us.memory + frame[i] * XL_PAGE_SIZE, XL_PAGE_SIZE);
		else
			page[0] = g->domid;
	}
	*ret = p;
	return 0;
}

static void unmap(struct xl_hv *hv, void *addr, size_t n)
{
	(void)hv;
	(void)munmap(addr, n * XL_PAGE_SIZE);
}

static int page_types(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n,
		      uint8_t *ret)
{
	const struct guest *g = enter(domid);

	(void)hv;
	if (!g)
		return -ESRCH;
	for (size_t i = 0; i < n; i++)
		ret[i] = frame[i] < g->pages ? XL_PAGE_NOTAB : XL_PAGE_XTAB;
	return 0;
}

static int nr_gfns(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	const struct guest *g = enter(domid);

	(void)hv;
	if (!g)
		return -ESRCH;
	*ret = g->pages;
	return 0;
}

static int logdirty_start(struct xl_hv *hv, uint32_t domid, uint64_t nr)
{
	struct guest *g = enter(domid);

	(void)hv;
	(void)nr;
	if (!g)
		return -ESRCH;
	if (g->log_on)
		return -EBUSY;
	g->log_on = 1;
	memset(g->dirty, 0, sizeof(g->dirty));
	return 0;
}

static int logdirty_fetch(struct xl_hv *hv, uint32_t domid, bool last, struct xl_bitmap *ret)
{
	struct guest *g = enter(domid);

	(void)hv;
	(void)last;
	if (!g)
		return -ESRCH;
	xl_bitmap_zero(ret);
	memcpy(ret->word, g->dirty, g->pages / 8);
	memset(g->dirty, 0, sizeof(g->dirty));
	return 0;
}

static int logdirty_count(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	struct guest *g = enter(domid);

	(void)hv;
	if (!g)
		return -ESRCH;
	*ret = 0;
	for (size_t i = 0; i < PAGES / 64; i++)
		*ret += (uint64_t)__builtin_popcountll(g->dirty[i]);
	return 0;
}

static int logdirty_stop(struct xl_hv *hv, uint32_t domid)
{
	struct guest *g = enter(domid);

	(void)hv;
	if (!g)
		return -ESRCH;
	g->log_on = 0;
	memset(g->dirty, 0, sizeof(g->dirty));
	return 0;
}

static int do_pause(struct xl_hv *hv, uint32_t domid)
{
	struct guest *g = enter(domid);

	(void)hv;
	if (!g)
		return -ESRCH;
	__atomic_add_fetch(&g->pauses, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int do_unpause(struct xl_hv *hv, uint32_t domid)
{
	struct guest *g = enter(domid);

	(void)hv;
	if (!g)
		return -ESRCH;
	if (g->pauses == 0)
		return -EINVAL;
	__atomic_sub_fetch(&g->pauses, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&g->unpauses, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int vcpus(struct xl_hv *hv, const struct xl_domain *dom, bool narrow, struct xl_vcpu *ret,
		 size_t n)
{
	(void)narrow;
	(void)hv;
	if (!enter(dom->domid))
		return -ESRCH;
	memset(ret, 0, n * sizeof(*ret));
	for (size_t i = 0; i < n; i++) {
		ret[i].id = (uint32_t)i;
		ret[i].online = true;
	}
	return 0;
}

static void do_close(struct xl_hv *hv)
{
	(void)hv;
	(void)munmap(us.host, DOMAINS * 4096);
}

static struct xl_hv_ops ops = {
	.domain_info = domain_info,
	.domain_list = domain_list,
	.domain_name = domain_name,
	.map = map,
	.unmap = unmap,
	.page_types = page_types,
	.nr_gfns = nr_gfns,
	.logdirty_start = logdirty_start,
	.logdirty_fetch = logdirty_fetch,
	.logdirty_count = logdirty_count,
	.logdirty_stop = logdirty_stop,
	.pause = do_pause,
	.unpause = do_unpause,
	.vcpus = vcpus,
	.close = do_close,
};

int xl_hv_xen_open(struct xl_hv **ret, enum xl_hv_xen_step *ret_step)
{
	const char *path = getenv("XLDUMP_TEST_HOST");
	int fd = open(path ? path : "", O_RDWR | O_CLOEXEC);

	*ret_step = XL_HV_XEN_PRIVCMD;
	if (fd < 0)
		return -errno;
	us.host = mmap(NULL, DOMAINS * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (us.host == MAP_FAILED)
		return -errno;
	path = getenv("XLDUMP_TEST_MEMORY");
	fd = open(path ? path : "", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		us.memory = mmap(NULL, PAGES * XL_PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
		(void)close(fd);
		if (us.memory == MAP_FAILED)
			return -errno;
	}
	us.hv.ops = hv_stub(&ops);
	*ret = &us.hv;
	return 0;
}
