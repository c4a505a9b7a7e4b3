/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the vCPUs run a kernel that is in memory.
 *
 * Every address space maps the kernel that runs, and no other: so the page tables of a vCPU lead to the
 * code of this kernel, or of another one.  With page table isolation those of user mode lead to little
 * of it, but always to its entry points and to its interrupt descriptors. */
#include "guest/running.h"

#include "base/bytes.h"
#include "guest/kernel_tables.h"
#include "guest/vmcoreinfo.h"

#define CR0_PG 0x80000000ULL
#define CR4_LA57 0x1000ULL
#define CR3_FRAME 0x000ffffffffff000ULL
#define RFLAGS_IF 0x200ULL
#define KERNEL_HALF 0x8000000000000000ULL

/* Entry points that the kernel of a PV guest has given to Xen: event_callback_eip and
 * syscall_callback_eip of struct vcpu_guest_context (xen/include/public/arch-x86/xen.h). */
#define CONTEXT_EVENT_ENTRY 5112
#define CONTEXT_SYSCALL_ENTRY 5128

/* One kernel: where its code and data are. */
struct image {
	const char *text;
	const struct xl_kmem *m;
	uint64_t va, pa, size;
};

static bool image_of(const char *text, const struct xl_kmem *m, struct image *ret)
{
	*ret = (struct image){ .text = text, .m = m };
	if (xl_vmcoreinfo_hex(text, "SYMBOL(_stext)", &ret->va) < 0 ||
	    xl_kmem_pa(m, ret->va, &ret->pa) < 0)
		return false;
	ret->size = xl_vmcoreinfo_image_end(text, ret->va) - ret->va;
	return true;
}

static bool within(uint64_t at, uint64_t start, uint64_t size)
{
	return at >= start && at - start < size;
}

static bool in_kernel(const struct xl_vcpu *v)
{
	return v->in_kernel && v->rip >= KERNEL_HALF;
}

static bool has_tables(const struct xl_vcpu *v)
{
	return (v->cr3 & CR3_FRAME) && (!v->cr0 || (v->cr0 & CR0_PG));
}

static int walk(const struct image *k, const struct xl_vcpu *v, uint64_t va, uint64_t *ret_pa)
{
	unsigned levels = !v->cr4 ? xl_kernel_levels(k->text) : v->cr4 & CR4_LA57 ? 5 : 4;
	uint64_t span;

	return xl_kernel_translate(k->m, v->cr3 & CR3_FRAME, levels, va, ret_pa, &span);
}

/* By the tables in force. */
static enum xl_runs by_tables(const struct image *k, const struct xl_vcpu *v)
{
	const uint64_t entry[] = { v->lstar, v->idt.base, in_kernel(v) ? v->rip : 0 };
	uint64_t pa;
	int r;

	r = walk(k, v, k->va, &pa);
	if (r == 0 && pa == k->pa)
		return XL_RUNS_THIS;
	if (r == 0 || (r == -ENOENT && in_kernel(v)))
		return XL_RUNS_OTHER;
	for (size_t i = 0; i < XL_ARRAY_SIZE(entry); i++)
		if (entry[i] >= KERNEL_HALF && walk(k, v, entry[i], &pa) == 0 &&
		    within(pa, k->pa, k->size))
			return XL_RUNS_THIS;
	return XL_RUNS_UNKNOWN;
}

/* By addresses alone: two kernels that are at different ones. */
static enum xl_runs by_addresses(const struct image *k, const struct xl_vcpu *v, bool pv)
{
	const uint64_t entry[] = {
		v->rip,
		v->lstar,
		pv ? xl_get_le64(v->context + CONTEXT_EVENT_ENTRY) : 0,
		pv ? xl_get_le64(v->context + CONTEXT_SYSCALL_ENTRY) : 0,
	};

	for (size_t i = 0; i < XL_ARRAY_SIZE(entry); i++)
		if (within(entry[i], k->va, k->size))
			return XL_RUNS_THIS;
	return XL_RUNS_UNKNOWN;
}

enum xl_runs xl_runs_kernel(const struct xl_vcpus *vcpus, const char *text, const struct xl_kmem *m)
{
	enum xl_runs best = XL_RUNS_UNKNOWN;
	bool other = false;
	struct image k;

	if (!vcpus || !image_of(text, m, &k))
		return XL_RUNS_UNKNOWN;
	for (size_t i = 0; i < vcpus->n; i++) {
		const struct xl_vcpu *v = &vcpus->vcpu[i];
		enum xl_runs runs;

		if (!v->online)
			continue;
		runs = !vcpus->no_tables && has_tables(v) ? by_tables(&k, v) :
							    by_addresses(&k, v, vcpus->no_tables);
		other |= runs == XL_RUNS_OTHER;
		if (runs == XL_RUNS_THIS && in_kernel(v) && !(v->rflags & RFLAGS_IF))
			runs = XL_RUNS_STOPPED;
		best = runs > best ? runs : best;
	}
	return best == XL_RUNS_UNKNOWN && other ? XL_RUNS_OTHER : best;
}
