/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam on a real Xen: state of the vCPUs. */
#include "hv/hv_xen_private.h"

#include <stddef.h>
#include <string.h>
#include <xen/foreign/x86_32.h>
#include <xen/hvm/save.h>

#include "hv/context32.h"

_Static_assert(sizeof(vcpu_guest_context_t) == XL_VCPU_CONTEXT_SIZE,
	       "the layout that .xen_prstatus and every reader of it have");

/* Both kinds: general registers, selectors and bases, from the structure they share. */
static void fill_common(struct xl_vcpu *v, const vcpu_guest_context_t *c)
{
	const struct cpu_user_regs *u = &c->user_regs;

	v->rax = u->rax, v->rbx = u->rbx, v->rcx = u->rcx, v->rdx = u->rdx;
	v->rsi = u->rsi, v->rdi = u->rdi, v->rbp = u->rbp, v->rsp = u->rsp;
	v->r8 = u->r8, v->r9 = u->r9, v->r10 = u->r10, v->r11 = u->r11;
	v->r12 = u->r12, v->r13 = u->r13, v->r14 = u->r14, v->r15 = u->r15;
	v->rip = u->rip;
	v->rflags = u->rflags;
	v->cs.sel = u->cs, v->ds.sel = u->ds, v->es.sel = u->es;
	v->fs.sel = u->fs, v->gs.sel = u->gs, v->ss.sel = u->ss;
	v->cr0 = c->ctrlreg[0];
	v->cr2 = c->ctrlreg[2];
	v->cr3 = c->ctrlreg[3];
	v->cr4 = c->ctrlreg[4];
	v->fs_base = c->fs_base;
}

_Static_assert(sizeof(vcpu_guest_context_x86_32_t) == XL_CONTEXT32_SIZE &&
		       offsetof(vcpu_guest_context_x86_32_t, flags) == XL_CONTEXT32_FLAGS &&
		       offsetof(vcpu_guest_context_x86_32_t, user_regs) == XL_CONTEXT32_REGS &&
		       offsetof(vcpu_guest_context_x86_32_t, ctrlreg) == XL_CONTEXT32_CTRLREG,
	       "the layout that hv/context32.h has");

static void fill_pv(struct xl_vcpu *v, const vcpu_guest_context_t *c)
{
	fill_common(v, c);
	v->in_kernel = c->flags & VGCF_in_kernel;
	v->gs_base = v->in_kernel ? c->gs_base_kernel : c->gs_base_user;
	v->kernel_gs_base = v->in_kernel ? c->gs_base_user : c->gs_base_kernel;
	v->fs.base = v->fs_base;
	v->gs.base = v->gs_base;
}

#define SEGMENT(hw, name)                                                                         \
	((struct xl_segment){ .sel = (uint16_t)(hw)->name##_sel,                                   \
			      .limit = (hw)->name##_limit,                                         \
			      .attr = (hw)->name##_arbytes,                                        \
			      .base = (hw)->name##_base })

static void fill_hvm(struct xl_vcpu *v, const struct hvm_hw_cpu *hw)
{
	v->cs = SEGMENT(hw, cs), v->ds = SEGMENT(hw, ds), v->es = SEGMENT(hw, es);
	v->fs = SEGMENT(hw, fs), v->gs = SEGMENT(hw, gs), v->ss = SEGMENT(hw, ss);
	v->tr = SEGMENT(hw, tr), v->ldt = SEGMENT(hw, ldtr);
	v->gdt = (struct xl_segment){ .limit = hw->gdtr_limit, .base = hw->gdtr_base };
	v->idt = (struct xl_segment){ .limit = hw->idtr_limit, .base = hw->idtr_base };
	v->cr0 = hw->cr0;
	v->cr2 = hw->cr2;
	v->cr3 = hw->cr3;
	v->cr4 = hw->cr4;
	v->fs_base = hw->fs_base;
	v->gs_base = hw->gs_base;
	v->kernel_gs_base = hw->shadow_gs;
	v->efer = hw->msr_efer;
	v->lstar = hw->msr_lstar;
	v->in_kernel = (v->cs.sel & 3) == 0;
}

/* What Xen's structure is about. */
enum kind { AUTO, PV64, PV32 };

/* In the structure of either width. */
static bool is_online(const vcpu_guest_context_t *c, enum kind kind)
{
	const vcpu_guest_context_x86_32_t *narrow = (const void *)c;

	return kind == PV32 ? narrow->flags & VGCF_online_X86_32 : c->flags & VGCF_online;
}

static int get_context(struct xl_hv_xen *h, uint32_t domid, uint32_t id, struct xl_vcpu *v,
		       enum kind kind)
{
	DECLARE_HYPERCALL_BUFFER_SHADOW(vcpu_guest_context_t, ctx, &h->vcpu_hbuf);
	struct xen_domctl d = { .cmd = XEN_DOMCTL_getvcpucontext, .domain = (domid_t)domid };

	memset(ctx, 0, sizeof(*ctx));
	d.u.vcpucontext.vcpu = id;
	set_xen_guest_handle(d.u.vcpucontext.ctxt, ctx);
	if (xc_domctl(h->xch, &d) < 0) {
		/* ENODATA: it never ran.  EINVAL, ESRCH: there is no vCPU of that number. */
		return errno == ENODATA || errno == EINVAL ? -ENODATA : xl_hv_errno();
	}
	if (!is_online(ctx, kind))
		return -ENODATA;
	memcpy(v->context, ctx, sizeof(v->context));
	if (kind == PV32)
		xl_context32_registers(v);
	else if (kind == PV64)
		fill_pv(v, ctx);
	else
		fill_common(v, ctx);
	return 0;
}

static int get_hvm(struct xl_hv_xen *h, uint32_t domid, uint32_t id, struct xl_vcpu *v)
{
	DECLARE_HYPERCALL_BUFFER_SHADOW(struct hvm_hw_cpu, hw, &h->vcpu_hbuf);
	struct xen_domctl d = { .cmd = XEN_DOMCTL_gethvmcontext_partial,
				.domain = (domid_t)domid };

	memset(hw, 0, sizeof(*hw));
	d.u.hvmcontext_partial.type = HVM_SAVE_CODE(CPU);
	d.u.hvmcontext_partial.instance = id;
	d.u.hvmcontext_partial.bufsz = sizeof(*hw);
	set_xen_guest_handle(d.u.hvmcontext_partial.buffer, hw);
	if (xc_domctl(h->xch, &d) < 0)
		return xl_hv_errno();
	fill_hvm(v, hw);
	return 0;
}

int xl_hv_xen_vcpus(struct xl_hv *hv, const struct xl_domain *dom, bool narrow, struct xl_vcpu *ret,
		    size_t n)
{
	struct xl_hv_xen *h = xl_hv_xen(hv);
	enum kind kind = !dom->pv ? AUTO : narrow ? PV32 : PV64;

	for (uint32_t id = 0; id < n; id++) {
		struct xl_vcpu *v = &ret[id];
		int r;

		memset(v, 0, sizeof(*v));
		v->id = id;
		r = get_context(h, dom->domid, id, v, kind);
		if (r == -ENODATA)
			continue;
		if (r == 0 && !dom->pv)
			r = get_hvm(h, dom->domid, id, v);
		if (r < 0)
			return r;
		v->online = true;
	}
	return 0;
}
