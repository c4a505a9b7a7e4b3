/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the Linux kernel of a guest has panicked. */
#include "guest/panic.h"

#include <string.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "guest/kernel.h"
#include "guest/running.h"

#define BATCH 256
#define NO_CPU UINT32_MAX /* PANIC_CPU_INVALID */
#define MAX_CPUS 8192     /* CONFIG_NR_CPUS cannot be larger */

/* Memory of a guest by physical address, which is the frame; the last page is kept, for what reads
 * tables reads them from front to back. */
struct reader {
	struct xl_hv *hv;
	uint32_t domid;
	xl_frame_t frame; /* of the page that is kept; XL_INVALID_FRAME: none */
	uint8_t page[XL_PAGE_SIZE];
};

static int fetch(struct reader *m, xl_frame_t frame)
{
	void *addr;
	int err, r;

	if (m->frame == frame)
		return 0;
	m->frame = XL_INVALID_FRAME;
	r = m->hv->ops->map(m->hv, m->domid, &frame, 1, &err, &addr);
	if (r < 0)
		return r;
	if (err == 0) {
		memcpy(m->page, addr, XL_PAGE_SIZE);
		m->frame = frame;
	}
	m->hv->ops->unmap(m->hv, addr, 1);
	return err < 0 ? -EFAULT : 0;
}

/* xl_read_part_fn */
static int read_part(void *data, xl_frame_t frame, size_t offset, void *buf, size_t len)
{
	struct reader *m = data;
	int r = fetch(m, frame);

	if (r == 0)
		memcpy(buf, m->page + offset, len);
	return r;
}

/* xl_read_fn */
static int read_guest(void *data, uint64_t paddr, void *buf, size_t len)
{
	return xl_read_across(paddr, buf, len, read_part, data);
}

static int look_at_batch(struct xl_hv *hv, uint32_t domid, xl_frame_t *frame, size_t n,
			 struct xl_candidates *ret)
{
	int err[BATCH], r;
	uint8_t head[64];
	void *addr;

	r = hv->ops->map(hv, domid, frame, n, err, &addr);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		uint8_t page[XL_PAGE_SIZE];

		if (err[i] < 0)
			continue;
		/* Most pages are nothing by their first bytes; only others are copied. */
		memcpy(head, (uint8_t *)addr + i * XL_PAGE_SIZE, sizeof(head));
		if (memcmp(head, "OSRELEASE=", 10) != 0)
			continue;
		memcpy(page, (uint8_t *)addr + i * XL_PAGE_SIZE, sizeof(page));
		xl_candidates_look(ret, frame[i], page);
	}
	hv->ops->unmap(hv, addr, n);
	return 0;
}

static int find_candidates(struct xl_ctx *x, struct xl_hv *hv, uint32_t domid,
			   const struct xl_physmap *map, struct xl_candidates *ret)
{
	xl_frame_t frame[BATCH];
	size_t n = 0;

	for (xl_pfn_t pfn = xl_bitmap_next(&map->present, 0);; pfn = xl_bitmap_next(&map->present, pfn + 1)) {
		bool end = pfn >= map->nr_pfns;
		int r;

		if (n && (end || n == BATCH)) {
			r = xl_check_cancel(x);
			if (r == 0)
				r = look_at_batch(hv, domid, frame, n, ret);
			if (r < 0)
				return xl_err(x, r, "look through the guest's memory");
			n = 0;
		}
		if (end)
			return 0;
		frame[n++] = pfn;
	}
}

static int read_mark(struct reader *m, const struct xldump_panic_mark *mark, uint64_t *ret_sum,
		     uint32_t *ret_cpu)
{
	uint8_t info[XL_PAGE_SIZE], cpu[4];
	int r = read_guest(m, mark->info_paddr, info, sizeof(info));

	if (r == 0)
		r = read_guest(m, mark->panic_paddr, cpu, sizeof(cpu));
	if (r < 0)
		return r;
	/* Nobody gains by deceiving it.  63 bits, for JSON. */
	*ret_sum = XXH3_64bits(info, sizeof(info)) & INT64_MAX;
	*ret_cpu = xl_get_le32(cpu);
	return 0;
}

/* What the vCPUs run tells the kernel from one that a kexec has left behind.  Without them, none is
 * told from any. */
static void look_at_vcpus(struct xl_hv *hv, uint32_t domid, struct xl_vcpu **ret, struct xl_vcpus *all)
{
	struct xl_domain dom;
	size_t n;

	*all = (struct xl_vcpus){ 0 };
	if (hv->ops->domain_info(hv, domid, &dom) < 0 || dom.max_vcpu_id >= XL_MAX_VCPUS)
		return;
	n = (size_t)dom.max_vcpu_id + 1;
	*ret = calloc(n, sizeof(**ret));
	if (*ret && hv->ops->vcpus(hv, &dom, false, *ret, n) == 0)
		*all = (struct xl_vcpus){ .vcpu = *ret, .n = n };
}

int xl_panic_learn(struct xl_ctx *x, struct xl_hv *hv, uint32_t domid, const struct xl_physmap *map,
		   struct xldump_panic_mark *ret)
{
	_cleanup_free_ struct reader *m = calloc(1, sizeof(*m));
	_cleanup_(xl_kernel_deinit) struct xl_kernel k = { 0 };
	struct xldump_panic_mark mark = { .sz = sizeof(mark) };
	_cleanup_free_ struct xl_vcpu *vcpu = NULL;
	struct xl_candidates c = { 0 };
	struct xl_vcpus vcpus;
	uint64_t va;
	uint32_t cpu;
	int r;

	if (map->p2m)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "the memory of a PV guest moves, so the place of its kernel is not "
			       "known");
	if (!m)
		return xl_err(x, -ENOMEM, "look for the guest's kernel");
	*m = (struct reader){ .hv = hv, .domid = domid, .frame = XL_INVALID_FRAME };
	r = find_candidates(x, hv, domid, map, &c);
	look_at_vcpus(hv, domid, &vcpu, &vcpus);
	c.vcpus = &vcpus;
	if (r == 0)
		r = xl_kernel_identify(x, &c, read_guest, m, &k);
	if (r == 0 && k.all.unsure)
		r = xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT,
			    "it cannot be told whether the guest runs kernel %s, so its panics cannot "
			    "be noticed", k.release);
	if (r == 0)
		r = xl_kernel_symbol(x, &k, read_guest, m, "panic_cpu", &va);
	if (r < 0)
		return r;
	mark.panic_paddr = va - XL_START_KERNEL_MAP + (uint64_t)k.phys_base;
	mark.info_paddr = k.vmcoreinfo_pfn << XL_PAGE_SHIFT;
	m->frame = XL_INVALID_FRAME;
	r = read_mark(m, &mark, &mark.info_sum, &cpu);
	if (r < 0)
		return xl_err(x, r, "read the kernel's panic_cpu");
	if (cpu != NO_CPU)
		return xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT,
			       "the kernel's panic_cpu is %u although the kernel runs, so it "
			       "cannot show a panic", cpu);
	*ret = mark;
	return 0;
}

int xl_panic_look(struct xl_ctx *x, struct xl_hv *hv, uint32_t domid,
		  const struct xldump_panic_mark *mark, bool *ret)
{
	_cleanup_free_ struct reader *m = calloc(1, sizeof(*m));
	uint64_t sum;
	uint32_t cpu;
	int r;

	if (!m)
		return xl_err(x, -ENOMEM, "look at the guest's kernel");
	*m = (struct reader){ .hv = hv, .domid = domid, .frame = XL_INVALID_FRAME };
	r = read_mark(m, mark, &sum, &cpu);
	if (r < 0)
		return xl_err(x, r, "look at the guest's kernel");
	if (sum != mark->info_sum || (cpu != NO_CPU && cpu >= MAX_CPUS))
		return xl_fail(x, XLDUMP_CAUSE_OTHER, -ESTALE,
			       "the guest has booted another kernel since");
	*ret = cpu != NO_CPU;
	return 0;
}
