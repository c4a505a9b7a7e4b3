/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registers of a 32-bit PV guest, as Xen gives them to its tools.  Pure: no hypervisor, no I/O.
 *
 * XEN_DOMCTL_getvcpucontext answers for such a guest with the structure of that width.  xl dump-core
 * keeps it in the room of the wider one, with an entry of .xen_prstatus as large as that of any other
 * guest, and so do we.
 *
 * Sources: xen/include/public/arch-x86/xen.h and xen-x86_32.h; arch_get_info_guest() in
 * xen/arch/x86/domctl.c; xen_pfn_to_cr3_x86_32() in xen tools/include/xen-foreign.
 */
#ifndef XL_HV_CONTEXT32_H
#define XL_HV_CONTEXT32_H

#include "hv/hv.h"

/* struct vcpu_guest_context of x86_32, 2800 bytes; numbers of 4 bytes. */
#define XL_CONTEXT32_FLAGS 512
#define XL_CONTEXT32_REGS 516 /* struct cpu_user_regs, from ebx to gs */
#define XL_CONTEXT32_CTRLREG 2716
#define XL_CONTEXT32_CR3 (XL_CONTEXT32_CTRLREG + 4 * 3)
#define XL_CONTEXT32_SIZE 2800

/* A CR3 of 32 bits has room for a frame of 32 bits: the upper ones are where the flags would be. */
static inline xl_mfn_t xl_cr3_32_frame(uint32_t cr3)
{
	return cr3 >> XL_PAGE_SHIFT | (uint32_t)(cr3 << 20);
}

static inline uint32_t xl_cr3_32(xl_mfn_t frame)
{
	return (uint32_t)frame << XL_PAGE_SHIFT | (uint32_t)frame >> 20;
}

/* Fill in the registers of v from v->context.  v->cr3 becomes an ordinary address, of the page that
 * has the four entries of level 3. */
void xl_context32_registers(struct xl_vcpu *v);

#endif
