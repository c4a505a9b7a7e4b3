/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registers of a 32-bit PV guest. */
#include "hv/context32.h"

#include "base/bytes.h"

#define VGCF_IN_KERNEL 4

/* Words of struct cpu_user_regs. */
enum { EBX, ECX, EDX, ESI, EDI, EBP, EAX, ERROR_CODE, EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS };

static uint32_t reg(const struct xl_vcpu *v, unsigned i)
{
	return xl_get_le32(v->context + XL_CONTEXT32_REGS + 4 * i);
}

/* The upper half of a selector's word is something else. */
static uint16_t selector(const struct xl_vcpu *v, unsigned i)
{
	return (uint16_t)reg(v, i);
}

static uint32_t ctrlreg(const struct xl_vcpu *v, unsigned i)
{
	return xl_get_le32(v->context + XL_CONTEXT32_CTRLREG + 4 * i);
}

void xl_context32_registers(struct xl_vcpu *v)
{
	v->rax = reg(v, EAX), v->rbx = reg(v, EBX), v->rcx = reg(v, ECX), v->rdx = reg(v, EDX);
	v->rsi = reg(v, ESI), v->rdi = reg(v, EDI), v->rbp = reg(v, EBP), v->rsp = reg(v, ESP);
	v->rip = reg(v, EIP);
	v->rflags = reg(v, EFLAGS);
	v->cs.sel = selector(v, CS), v->ds.sel = selector(v, DS), v->es.sel = selector(v, ES);
	v->fs.sel = selector(v, FS), v->gs.sel = selector(v, GS), v->ss.sel = selector(v, SS);
	v->in_kernel = xl_get_le32(v->context + XL_CONTEXT32_FLAGS) & VGCF_IN_KERNEL;
	v->cr0 = ctrlreg(v, 0);
	v->cr2 = ctrlreg(v, 2);
	v->cr3 = xl_cr3_32_frame(ctrlreg(v, 3)) << XL_PAGE_SHIFT;
	v->cr4 = ctrlreg(v, 4);
}
