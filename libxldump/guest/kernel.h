/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a dump's readers need to know of the Linux kernel in the guest, found in the guest's memory
 * without its help: VMCOREINFO, and through it symbols (kallsyms).
 *
 * Everything here reads hostile memory: it is copied first, then checked, with bounds on every
 * length and loop.
 */
#ifndef XL_GUEST_KERNEL_H
#define XL_GUEST_KERNEL_H

#include "base/ctx.h"
#include "base/types.h"
#include "guest/candidates.h"
#include "guest/kmem.h"

/* One of the kernels that are whole in memory: a kexec leaves the old one behind. */
struct xl_kernel_found {
	char release[65];
	uint64_t kaslr_offset, start; /* start: physical address of its code */
	bool runs, crashed;
};

#define XL_MAX_KERNELS 8

struct xl_kernels {
	struct xl_kernel_found kernel[XL_MAX_KERNELS]; /* ascending by `start` */
	size_t n, chosen;
	bool unsure; /* it cannot be told whether the chosen one is the one that the vCPUs run */
};

struct xl_kernel {
	char *vmcoreinfo;      /* NUL-terminated, lines end in '\n'; NULL when no kernel was found */
	size_t vmcoreinfo_len; /* without the NUL */
	xl_pfn_t vmcoreinfo_pfn;

	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
	int64_t phys_base;      /* pa = va - XL_START_KERNEL_MAP + phys_base for the kernel image */
	uint64_t kaslr_offset;  /* KERNELOFFSET */
	bool l5;                /* 5-level page tables in use */
	uint64_t image_start;   /* physical, page aligned; 0 with image_end 0 when unknown */
	uint64_t image_end;     /* physical, page aligned, exclusive */
	uint64_t page_offset;   /* virtual address of physical 0 in the direct map; 0 when unknown */

	/* Physical address of the variable by which crash judges a guest to be PV; 0 when the kernel
	 * has none, or when it could not be found. */
	uint64_t xen_start_info_pa;

	struct xl_kernels all; /* of which this is one; n is 0 where no search was made */
};

/* "1: 6.1.0-1-amd64 (crashed), 2: ..."; printable. */
const char *xl_kernels_names(const struct xl_kernels *all, char *ret, size_t size);

/* Accepts a zeroed structure. */
void xl_kernel_deinit(struct xl_kernel *k);

/* Judge the candidates and describe the kernel that is running.
 *
 * @param read   reads memory of the guest; it may be running
 * Of several, the one is taken that the vCPUs run, or that c->noted or c->wish names; ret->all has all.
 *
 * Returns 0 and fills *ret; -ENXIO when c->wish names none of them; -ENOENT when no candidate stands up
 * to the checks (not a Linux guest, or too early in its boot; the error chain says what was wrong with
 * the first one); -ENOEXEC when c->symbols are of another kernel. */
_must_check_ int xl_kernel_identify(struct xl_ctx *x, const struct xl_candidates *c, xl_read_fn read,
				    void *read_data, struct xl_kernel *ret);

/* Address of a symbol from the kernel's own table, whose place VMCOREINFO names since Linux 6.0.
 * -ENOENT: the kernel does not say where its table is, or has no such symbol. */
_must_check_ int xl_kernel_symbol(struct xl_ctx *x, const struct xl_kernel *k, xl_read_fn read,
				     void *read_data, const char *name, uint64_t *ret_va);

#endif
