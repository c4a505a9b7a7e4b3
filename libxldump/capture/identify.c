/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The look at the guest's kernel. */
#include "capture/identify.h"

#include <string.h>

#include "capture/filter_plan.h"
#include "guest/running.h"

/* xl_read_part_fn */
static int read_part(void *data, xl_pfn_t pfn, size_t offset, void *buf, size_t len)
{
	struct xl_engine *e = data;
	uint8_t type;
	int r;

	if (!xl_bitmap_test(&e->map->present, pfn))
		return -EFAULT;
	if (!xl_copier_in_time(&e->copier, 1, e->copy_until))
		return -ETIME;
	r = xl_copier_read(&e->copier, &pfn, 1, e->copier.bounce, &type);
	if (r < 0)
		return r;
	if (type == XL_PAGE_XTAB)
		return -EFAULT;
	memcpy(buf, e->copier.bounce + offset, len);
	return 0;
}

/* Guest memory for the look at the kernel: xl_read_fn. */
static int read_guest(void *data, uint64_t paddr, void *buf, size_t len)
{
	return xl_read_across(paddr, buf, len, read_part, data);
}

/* What the vCPUs do now.  Each for itself, if the guest runs: that is enough to tell kernels apart.
 * Until T there is nothing else in the cut's place for them. */
static void look_at_vcpus(struct xl_engine *e, struct xl_vcpus *ret)
{
	const struct xl_cut *cut = e->cut;

	*ret = (struct xl_vcpus){ .vcpu = cut->vcpu, .n = cut->vcpus, .no_tables = e->dom.pv };
	if (e->hv->ops->vcpus(e->hv, &e->dom, cut->narrow, cut->vcpu, cut->vcpus) < 0)
		ret->n = 0;
}

int xl_identify_try(struct xl_engine *e, struct xl_kernel *ret)
{
	struct xl_candidates c = *xl_pipeline_candidates(e->pipe);
	struct xl_vcpus vcpus;

	if (c.n) {
		look_at_vcpus(e, &vcpus);
		c.vcpus = &vcpus;
	}
	return xl_kernel_identify(e->x, &c, read_guest, e, ret);
}

/* Pages that are left out are so by the struct pages of the kernel that runs. */
static void warn_unsure(const struct xl_engine *e, const struct xl_kernel *k)
{
	char names[XL_MAX_KERNELS * 100];

	(void)xl_kernels_names(&k->all, names, sizeof(names));
	if (k->all.n > 1)
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "%zu kernels are in the guest's memory, as after a kexec, and the vCPUs do not "
		       "tell which of them runs: %s; the dump describes %s%s",
		       k->all.n, names, k->release,
		       e->p->dump_level ? ", and no pages are left out" : "");
	else
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "the vCPUs do not run kernel %s, the only one that was found in the guest's "
		       "memory; the dump describes it%s",
		       k->release, e->p->dump_level ? ", and no pages are left out" : "");
}

/* A process may have ended between its registers and the look at its page tables, which lead anywhere
 * then: so a guest that runs is looked at a few times before nothing is said to tell. */
#define LOOKS 3

static int look_for_kernel(struct xl_engine *e, struct xl_kernel *k)
{
	bool stopped = e->cut->strategy == XLDUMP_STRATEGY_STOP ||
		       e->cut->strategy == XLDUMP_STRATEGY_STILL;
	int r = xl_identify_try(e, k);

	for (unsigned i = 1; r == 0 && k->all.unsure && !stopped && i < LOOKS; i++) {
		xl_kernel_deinit(k);
		r = xl_identify_try(e, k);
	}
	return r;
}

/* -ENOENT, with a warning, without one. */
static int find_kernel(struct xl_engine *e, struct xl_kernel *k)
{
	int r = look_for_kernel(e, k);

	if (r == 0 && k->all.unsure)
		warn_unsure(e, k);
	if (r == 0 || r == -ENOEXEC)
		return r;
	if (r != -ENOENT)
		return xl_engine_err_doing(e, r, "look for the guest's kernel");
	xl_log(e->x, XLDUMP_LOG_WARNING,
	       "no Linux kernel recognised in the guest (%s); drgn will not open the dump, and crash "
	       "may need options",
	       e->x->err);
	xl_err_clear(e->x);
	return r;
}

int xl_identify(struct xl_engine *e)
{
	struct xl_kernel *k = &e->cut->kernel;
	xl_pfn_t pfn;
	int r;

	if (e->identified)
		return 0;
	e->identified = true;
	/* What is known of kernels is about those of 64 bits. */
	if (e->cut->narrow)
		return xl_plan_filter(e);
	r = find_kernel(e, k);
	if (r < 0)
		return r == -ENOENT ? xl_plan_filter(e) : r;
	pfn = k->xen_start_info_pa >> XL_PAGE_SHIFT;
	if (!e->dom.pv || xl_pipeline_raw(e->pipe))
		return xl_plan_filter(e);
	/* It is where the guest's symbol table says, which may be anywhere. */
	if (!xl_bitmap_test(&e->map->present, pfn))
		k->xen_start_info_pa = 0;
	if (k->xen_start_info_pa == 0) {
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "the variable xen_start_info of kernel %s was not found, so crash will not "
		       "read this dump of a PV guest (drgn, gdb and makedumpfile will); name the "
		       "kernel's System.map or vmlinux with --symbols",
		       k->release);
		return xl_plan_filter(e);
	}
	xl_pipeline_hold(e->pipe, pfn);
	xl_bitmap_set(&e->must_read, pfn);
	return xl_plan_filter(e);
}
