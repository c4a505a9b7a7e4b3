/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The look at the guest's kernel. */
#include "capture/identify.h"

#include <string.h>

#include "capture/filter_plan.h"

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

int xl_identify_try(struct xl_engine *e, struct xl_kernel *ret)
{
	return xl_kernel_identify(e->x, xl_pipeline_candidates(e->pipe), read_guest, e, ret);
}

int xl_identify(struct xl_engine *e)
{
	struct xl_kernel *k = &e->cut->kernel;
	xl_pfn_t pfn;
	int r;

	/* What is known of kernels is about those of 64 bits. */
	if (e->cut->narrow)
		return xl_plan_filter(e);
	r = xl_identify_try(e, k);
	pfn = k->xen_start_info_pa >> XL_PAGE_SHIFT;
	if (r == -ENOENT) {
		xl_log(e->x, XLDUMP_LOG_WARNING,
		       "no Linux kernel recognised in the guest (%s); drgn will not open the dump, "
		       "and crash may need options",
		       e->x->err);
		xl_err_clear(e->x);
		return xl_plan_filter(e);
	}
	if (r == -ENOEXEC)
		return r;
	if (r < 0)
		return xl_engine_err_doing(e, r, "look for the guest's kernel");
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
