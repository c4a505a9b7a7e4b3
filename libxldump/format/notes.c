/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registers and VMCOREINFO as QEMU's dump-guest-memory has them. */
#include "format/notes.h"

#include "base/bytes.h"
#include "format/notes_format.h"
#include "guest/vmcoreinfo.h"

#define CR0_PG (1ULL << 31)

uint32_t xl_notes_vcpus(const struct xl_cut *cut)
{
	uint32_t n = cut->vcpus;

	while (n > 1 && !cut->vcpu[n - 1].online)
		n--;
	return n ? n : 1;
}

uint64_t xl_notes_max(uint32_t vcpus)
{
	const uint64_t head = NOTE_HEAD_SIZE + 12; /* the longest name is VMCOREINFO */

	return (head + PRSTATUS_SIZE + head + QEMU_STATE_SIZE) * (vcpus ? vcpus : 1) + head +
	       XL_VMCOREINFO_MAX + head + XL_PROVENANCE_MAX;
}

const struct xl_vcpu *xl_notes_vcpu(const struct xl_cut *cut, uint32_t id)
{
	static const struct xl_vcpu offline;

	return id < cut->vcpus && cut->vcpu[id].online ? &cut->vcpu[id] : &offline;
}

/* The kernel of a PV guest runs in ring 3, but Xen shows it ring 0 in the frames of its exceptions
 * (xen create_bounce_frame()); readers shall not take it for user mode either. */
static uint16_t code_selector(const struct xl_cut *cut, const struct xl_vcpu *v)
{
	return cut->dom.pv && v->in_kernel ? v->cs.sel & 0xfffc : v->cs.sel;
}

static void prstatus(struct xl_blob *b, const struct xl_cut *cut, uint32_t id)
{
	const struct xl_vcpu *v = xl_notes_vcpu(cut, id);
	const uint64_t reg[PRSTATUS_NREGS] = {
		v->r15, v->r14, v->r13, v->r12, v->rbp, v->rbx, v->r11, v->r10, v->r9, v->r8,
		v->rax, v->rcx, v->rdx, v->rsi, v->rdi, 0 /* orig_rax */, v->rip,
		code_selector(cut, v), v->rflags, v->rsp, v->ss.sel, v->fs_base, v->gs_base,
		v->ds.sel, v->es.sel, v->fs.sel, v->gs.sel,
	};
	uint8_t *p = xl_blob_note(b, "CORE", PRSTATUS_NOTE_TYPE, NULL, PRSTATUS_SIZE);

	if (!p)
		return;
	xl_put_le32(p + PRSTATUS_PID, id + 1);
	for (size_t i = 0; i < PRSTATUS_NREGS; i++)
		xl_put_le64(p + PRSTATUS_REG + 8 * i, reg[i]);
}

static void put_segment(uint8_t *p, const struct xl_segment *seg, uint16_t sel, uint64_t base)
{
	xl_put_le32(p, sel);
	xl_put_le32(p + 4, seg->limit);
	/* QEMU keeps the attributes where a descriptor has them. */
	xl_put_le32(p + 8, (seg->attr & 0xff) << 8 | (seg->attr & 0xf00) << 12);
	xl_put_le64(p + 16, base);
}

static void qemu_note(struct xl_blob *b, const struct xl_cut *cut, uint32_t id)
{
	const struct xl_vcpu *v = xl_notes_vcpu(cut, id);
	const uint64_t reg[] = {
		v->rax, v->rbx, v->rcx, v->rdx, v->rsi, v->rdi, v->rsp, v->rbp, v->r8,
		v->r9, v->r10, v->r11, v->r12, v->r13, v->r14, v->r15, v->rip, v->rflags,
	};
	const struct xl_segment *seg[] = {
		&v->cs, &v->ds, &v->es, &v->fs, &v->gs, &v->ss, &v->ldt, &v->tr, &v->gdt, &v->idt,
	};
	const uint64_t cr[] = { v->cr0, 0 /* cr1 */, v->cr2, v->cr3, v->cr4 };
	uint8_t *p = xl_blob_note(b, "QEMU", QEMU_NOTE_TYPE, NULL, QEMU_STATE_SIZE);

	if (!p)
		return;
	xl_put_le32(p, QEMU_STATE_VERSION);
	xl_put_le32(p + 4, QEMU_STATE_SIZE);
	for (size_t i = 0; i < XL_ARRAY_SIZE(reg); i++)
		xl_put_le64(p + QEMU_STATE_REGS + 8 * i, reg[i]);
	for (size_t i = 0; i < XL_ARRAY_SIZE(seg); i++) {
		uint16_t sel = seg[i] == &v->cs ? code_selector(cut, v) : seg[i]->sel;
		uint64_t base = seg[i] == &v->fs ? v->fs_base :
				seg[i] == &v->gs ? v->gs_base : seg[i]->base;

		put_segment(p + QEMU_STATE_SEGMENTS + QEMU_SEGMENT_SIZE * i, seg[i], sel, base);
	}
	for (size_t i = 0; i < XL_ARRAY_SIZE(cr); i++)
		xl_put_le64(p + QEMU_STATE_CR + 8 * i, cr[i]);
	xl_put_le64(p + QEMU_STATE_KERNEL_GS, v->kernel_gs_base);
}

/* In QEMU's order, all of a kind together.  Of a 32-bit guest there are none: their layout is that of a
 * guest of 64 bits. */
void xl_notes_add(struct xl_blob *b, const struct xl_cut *cut, struct xl_notes_places *ret)
{
	uint32_t n = cut->narrow || cut->kept.registers ? 0 : xl_notes_vcpus(cut);
	const struct xl_kernel *k = &cut->kernel;
	struct xl_notes_places at = { 0 };

	for (uint32_t id = 0; id < n; id++)
		prstatus(b, cut, id);
	for (uint32_t id = 0; id < n; id++)
		qemu_note(b, cut, id);
	if (cut->kept.eraseinfo_len)
		at.eraseinfo = b->len + cut->kept.eraseinfo;
	if (cut->kept.vmcoreinfo)
		at.vmcoreinfo = b->len + cut->kept.vmcoreinfo;
	if (cut->kept.len)
		(void)xl_blob_add(b, cut->kept.data, cut->kept.len);
	if (k->vmcoreinfo && !cut->kept.vmcoreinfo) {
		(void)xl_blob_note(b, "VMCOREINFO", VMCOREINFO_NOTE_TYPE, k->vmcoreinfo,
				   k->vmcoreinfo_len);
		at.vmcoreinfo = b->len - ((k->vmcoreinfo_len + 3) & ~(size_t)3);
	}
	if (ret)
		*ret = at;
}

/* mdb takes the CR3 of vCPU 0 for the root of the kernel's page tables and reads everything through
 * it.  With page table isolation a vCPU caught in user mode has a root without the kernel.
 * Clearing bit 12, as Linux has it, is no cure: without isolation an odd root is an ordinary one,
 * and other kernels pair them differently.  But every address space maps the same kernel, so the
 * root of any vCPU in kernel mode serves; and of a Linux kernel we know the first root of all.  The
 * QEMU notes keep the CR3s as they were.  A PV guest's ctrlreg[3] is always that of its kernel. */
uint64_t xl_notes_kernel_cr3(const struct xl_cut *cut, const char **ret_from, uint32_t *ret_vcpu)
{
	const struct xl_vcpu *first = xl_notes_vcpu(cut, 0);
	uint64_t va;

	*ret_from = NULL;
	*ret_vcpu = 0;
	if (cut->dom.pv || first->in_kernel)
		return first->cr3;
	for (uint32_t id = 1; id < cut->vcpus; id++) {
		const struct xl_vcpu *v = xl_notes_vcpu(cut, id);

		if (v->online && v->in_kernel && (v->cr0 & CR0_PG)) {
			*ret_from = "vcpu";
			*ret_vcpu = id;
			return v->cr3;
		}
	}
	if (cut->kernel.vmcoreinfo &&
	    xl_vmcoreinfo_hex(cut->kernel.vmcoreinfo, "SYMBOL(swapper_pg_dir)", &va) == 0) {
		*ret_from = "swapper_pg_dir";
		return va - XL_START_KERNEL_MAP + (uint64_t)cut->kernel.phys_base;
	}
	return first->cr3;
}
