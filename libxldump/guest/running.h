/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the vCPUs run a kernel that is in memory: after a kexec there are two, both whole. */
#ifndef XL_GUEST_RUNNING_H
#define XL_GUEST_RUNNING_H

#include "guest/kmem.h"
#include "hv/hv.h"

/* Registers by which kernels are told apart. */
struct xl_vcpus {
	const struct xl_vcpu *vcpu; /* borrowed */
	size_t n;
	bool no_tables; /* page tables hold frames of the host, and cannot be walked */
};

/* What they say of one kernel, the more certain the greater. */
enum xl_runs {
	XL_RUNS_OTHER,   /* one that runs kernel code has not got this kernel in its page tables */
	XL_RUNS_UNKNOWN,
	XL_RUNS_STOPPED, /* they are in it, with interrupts off: as those that a kexec leaves behind */
	XL_RUNS_THIS,
};

/* @param vcpus  NULL: nothing is known
 * @param text   VMCOREINFO of the kernel; m has its phys_base, and reads memory by pfn */
enum xl_runs xl_runs_kernel(const struct xl_vcpus *vcpus, const char *text, const struct xl_kmem *m);

#endif
