/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registers of the vCPUs in a dump: from its notes, and from Xen's own structures. */
#include "image/image_vcpus.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/notes_format.h"
#include "hv/context32.h"
#include "image/image_private.h"

/* struct vcpu_guest_context of x86_64 (xen/include/public/arch-x86/xen.h), made of registers where
 * a file has only these: from r15 to ss in the order of struct cpu_user_regs. */
#define CONTEXT_FLAGS 512
#define VGCF_IN_KERNEL 4
#define CONTEXT_REGS 520
#define CONTEXT_CTRLREG 4984
#define CONTEXT_FS_BASE 5144
#define CONTEXT_GS_KERNEL 5152
#define CONTEXT_GS_USER 5160

static void take_prstatus(struct xl_vcpu *v, const struct xl_image_note *n)
{
	uint64_t *const to[] = {
		&v->r15, &v->r14, &v->r13, &v->r12, &v->rbp, &v->rbx, &v->r11, &v->r10, &v->r9,
		&v->r8, &v->rax, &v->rcx, &v->rdx, &v->rsi, &v->rdi, NULL, &v->rip, NULL,
		&v->rflags, &v->rsp, NULL, &v->fs_base, &v->gs_base,
	};
	const uint8_t *reg = n->desc + PRSTATUS_REG;

	if (n->size < PRSTATUS_SIZE)
		return;
	for (size_t i = 0; i < XL_ARRAY_SIZE(to); i++)
		if (to[i])
			*to[i] = xl_get_le64(reg + 8 * i);
	v->cs.sel = (uint16_t)xl_get_le64(reg + 8 * 17);
	v->ss.sel = (uint16_t)xl_get_le64(reg + 8 * 20);
	v->ds.sel = (uint16_t)xl_get_le64(reg + 8 * 23);
	v->es.sel = (uint16_t)xl_get_le64(reg + 8 * 24);
	v->fs.sel = (uint16_t)xl_get_le64(reg + 8 * 25);
	v->gs.sel = (uint16_t)xl_get_le64(reg + 8 * 26);
}

static void take_segment(struct xl_segment *s, const uint8_t *p)
{
	uint32_t flags = xl_get_le32(p + 8);

	s->sel = (uint16_t)xl_get_le32(p);
	s->limit = xl_get_le32(p + 4);
	s->attr = (flags >> 8 & 0xff) | (flags >> 12 & 0xf00);
	s->base = xl_get_le64(p + 16);
}

static void take_qemu(struct xl_vcpu *v, const struct xl_image_note *n)
{
	struct xl_segment *const seg[] = {
		&v->cs, &v->ds, &v->es, &v->fs, &v->gs, &v->ss, &v->ldt, &v->tr, &v->gdt, &v->idt,
	};
	const uint8_t *cr = n->desc + QEMU_STATE_CR;

	if (n->size < QEMU_STATE_KERNEL_GS)
		return;
	for (size_t i = 0; i < XL_ARRAY_SIZE(seg); i++)
		take_segment(seg[i], n->desc + QEMU_STATE_SEGMENTS + QEMU_SEGMENT_SIZE * i);
	v->cr0 = xl_get_le64(cr);
	v->cr2 = xl_get_le64(cr + 16);
	v->cr3 = xl_get_le64(cr + 24);
	v->cr4 = xl_get_le64(cr + 32);
	if (n->size >= QEMU_STATE_SIZE)
		v->kernel_gs_base = xl_get_le64(n->desc + QEMU_STATE_KERNEL_GS);
}

static void make_context(struct xl_vcpu *v)
{
	const uint64_t reg[] = {
		v->r15, v->r14, v->r13, v->r12, v->rbp, v->rbx, v->r11, v->r10, v->r9, v->r8,
		v->rax, v->rcx, v->rdx, v->rsi, v->rdi, 0, v->rip, v->cs.sel, v->rflags, v->rsp,
		v->ss.sel, v->es.sel, v->ds.sel, v->fs.sel, v->gs.sel,
	};
	const uint64_t cr[] = { v->cr0, 0, v->cr2, v->cr3, v->cr4 };

	for (size_t i = 0; i < XL_ARRAY_SIZE(reg); i++)
		xl_put_le64(v->context + CONTEXT_REGS + 8 * i, reg[i]);
	for (size_t i = 0; i < XL_ARRAY_SIZE(cr); i++)
		xl_put_le64(v->context + CONTEXT_CTRLREG + 8 * i, cr[i]);
	xl_put_le64(v->context + CONTEXT_FS_BASE, v->fs_base);
	xl_put_le64(v->context + CONTEXT_GS_KERNEL, v->in_kernel ? v->gs_base : v->kernel_gs_base);
	xl_put_le64(v->context + CONTEXT_GS_USER, v->in_kernel ? v->kernel_gs_base : v->gs_base);
}

/* And the other way round, for a file of xl dump-core, which has nothing else. */
static void take_context(struct xl_vcpu *v, bool pv)
{
	uint64_t *const to[] = {
		&v->r15, &v->r14, &v->r13, &v->r12, &v->rbp, &v->rbx, &v->r11, &v->r10, &v->r9,
		&v->r8, &v->rax, &v->rcx, &v->rdx, &v->rsi, &v->rdi, NULL, &v->rip, NULL,
		&v->rflags, &v->rsp,
	};
	const uint8_t *reg = v->context + CONTEXT_REGS, *cr = v->context + CONTEXT_CTRLREG;

	for (size_t i = 0; i < XL_ARRAY_SIZE(to); i++)
		if (to[i])
			*to[i] = xl_get_le64(reg + 8 * i);
	v->cs.sel = xl_get_le16(reg + 8 * 17);
	v->ss.sel = xl_get_le16(reg + 8 * 20);
	v->in_kernel = pv ? xl_get_le64(v->context + CONTEXT_FLAGS) & VGCF_IN_KERNEL :
			    (v->cs.sel & 3) == 0;
	v->cr0 = xl_get_le64(cr);
	v->cr2 = xl_get_le64(cr + 16);
	v->cr3 = xl_get_le64(cr + 24);
	v->cr4 = xl_get_le64(cr + 32);
	v->fs_base = xl_get_le64(v->context + CONTEXT_FS_BASE);
	v->gs_base = xl_get_le64(v->context + (v->in_kernel ? CONTEXT_GS_KERNEL : CONTEXT_GS_USER));
	v->kernel_gs_base = xl_get_le64(v->context +
					(v->in_kernel ? CONTEXT_GS_USER : CONTEXT_GS_KERNEL));
}

/* The notes of each kind are in the order of the vCPUs. */
static void take_vcpu_notes(const struct xl_image *img, struct xl_vcpu *vcpu, uint32_t n)
{
	uint32_t prstatus = 0, qemu = 0;

	for (size_t i = 0; i < img->notes; i++) {
		const struct xl_image_note *note = &img->note[i];

		if (!strcmp(note->name, "CORE") && note->type == PRSTATUS_NOTE_TYPE && prstatus < n)
			take_prstatus(&vcpu[prstatus++], note);
		else if (!strcmp(note->name, "QEMU") && note->type == QEMU_NOTE_TYPE && qemu < n)
			take_qemu(&vcpu[qemu++], note);
	}
}

static int take_contexts(struct xl_ctx *x, struct xl_image *img, bool pv, struct xl_vcpu *vcpu,
			 uint32_t n, const struct xl_image_section *s, uint64_t contexts)
{
	for (uint32_t i = 0; i < n; i++) {
		struct xl_vcpu *v = &vcpu[i];
		int r;

		v->id = i;
		v->in_kernel = (v->cs.sel & 3) == 0;
		v->online = v->rip || v->rflags;
		if (i >= contexts) {
			make_context(v);
			continue;
		}
		r = xl_image_bytes(x, img, s->offset + i * (uint64_t)XL_VCPU_CONTEXT_SIZE, v->context,
				   XL_VCPU_CONTEXT_SIZE);
		if (r < 0)
			return r;
		if (img->narrow)
			xl_context32_registers(v);
		else if (!img->prstatus)
			take_context(v, pv);
		v->online = v->rip || v->rflags;
	}
	return 0;
}

int xl_image_vcpus(struct xl_ctx *x, struct xl_image *img, bool pv, struct xl_vcpu **ret,
		   uint32_t *ret_n)
{
	const struct xl_image_section *s = xl_image_section(img, ".xen_prstatus");
	uint64_t contexts = s ? s->size / XL_VCPU_CONTEXT_SIZE : 0;
	uint32_t n = img->prstatus ? img->prstatus :
		     contexts < XL_MAX_VCPUS ? (uint32_t)contexts : XL_MAX_VCPUS;
	_cleanup_free_ struct xl_vcpu *vcpu = NULL;
	int r;

	if (n > XL_MAX_VCPUS)
		return xl_image_bad(x, "registers of %u vCPUs, more than Xen gives", n);
	vcpu = calloc(n + 1, sizeof(*vcpu));
	if (!vcpu)
		return xl_err(x, -ENOMEM, "registers of %u vCPUs", n);
	take_vcpu_notes(img, vcpu, n);
	r = take_contexts(x, img, pv, vcpu, n, s, contexts);
	if (r < 0)
		return r;
	*ret = XL_TAKE_PTR(vcpu);
	*ret_n = n;
	return 0;
}
