/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the file promises of the guest: its page tables lead nowhere but into the dump. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/elf_format.h"
#include "format/notes_format.h"
#include "guest/kernel_tables.h"
#include "guest/kmem.h"
#include "guest/running.h"
#include "guest/vmcoreinfo.h"
#include "image/image_kernel.h"
#include "image/image_vcpus.h"
#include "image/verify_private.h"
#include "hv/context32.h"

#define PTE_PRESENT 0x001ULL
#define PTE_FRAME 0x000ffffffffff000ULL

static bool is_raw(const struct xl_image *img)
{
	return img->kind == XL_IMAGE_XENCORE_RAW;
}

/* Every table that was rewritten: each present entry names a page that the guest had.  By the p2m,
 * for pages may have been left out of the file. */
static int check_tables(struct xl_verify *v)
{
	uint64_t page[XL_PTES_PER_PAGE], entries = 0;

	for (size_t i = 0; i < v->img->tables; i++) {
		const struct xl_image_table *t = &v->img->table[i];
		int r = xl_check_cancel(v->x);

		if (r < 0)
			return r;
		if (xl_image_left_out(v->img, t->pfn))
			continue;
		if (!xl_image_has(v->img, t->pfn)) {
			xl_verify_broken(v, ".xldump_tables, entry %zu: page %#" PRIx64
					 " is not in the dump", i, t->pfn);
			continue;
		}
		if (v->img->narrow && t->level > 3)
			xl_verify_broken(v,
					 ".xldump_tables, entry %zu: level %" PRIu64 ", which a "
					 "32-bit guest does not have", i, t->level);
		if (is_raw(v->img))
			continue; /* of the host's frames, any may be mapped by right */
		r = xl_image_page(v->x, v->img, t->pfn, (uint8_t *)page);
		if (r < 0)
			return r;
		for (unsigned j = 0; j < XL_PTES_PER_PAGE; j++) {
			uint64_t pte = le64toh(page[j]), pfn = (pte & PTE_FRAME) >> XL_PAGE_SHIFT;

			if (!(pte & PTE_PRESENT))
				continue;
			entries++;
			if (xl_image_pfn_to_mfn(v->img, pfn) == XL_INVALID_FRAME)
				xl_verify_broken(v, "page table %#" PRIx64 " of level %" PRIu64
						 ", entry %u: leads to page %#" PRIx64 ", which the "
						 "guest does not have", t->pfn, t->level, j, pfn);
		}
	}
	if (v->img->tables && is_raw(v->img))
		xl_verify_done(v, "%zu page tables are in the dump", v->img->tables);
	else if (v->img->tables)
		xl_verify_done(v, "%" PRIu64 " entries of %zu page tables lead into the guest",
			       entries, v->img->tables);
	return 0;
}

static int check_edits(struct xl_verify *v)
{
	for (size_t i = 0; i < v->img->edits; i++) {
		uint64_t paddr = v->img->edit[i].paddr, word;

		if (xl_image_left_out(v->img, paddr >> XL_PAGE_SHIFT))
			continue;
		if (xl_image_read(v->img, paddr, &word, sizeof(word)) < 0)
			xl_verify_broken(v, ".xldump_edits, entry %zu: address %#" PRIx64
					 " is not in the dump", i, paddr);
		else if (word != 0)
			xl_verify_broken(v, ".xldump_edits, entry %zu: the word at %#" PRIx64
					 " is not 0", i, paddr);
	}
	if (v->img->edits)
		xl_verify_done(v, "%zu words that were cleared", v->img->edits);
	return 0;
}

/* A page of the guest without a host frame cannot have been read. */
static int check_p2m(struct xl_verify *v)
{
	if (!v->img->p2ms || is_raw(v->img))
		return 0;
	for (xl_pfn_t pfn = xl_image_next(v->img, 0); pfn < v->img->nr_pfns;
	     pfn = xl_image_next(v->img, pfn + 1)) {
		int r = xl_check_cancel(v->x);

		if (r < 0)
			return r;
		if (xl_image_pfn_to_mfn(v->img, pfn) == XL_INVALID_FRAME)
			xl_verify_broken(v, "page %#" PRIx64 " is in no run of .xldump_p2m", pfn);
	}
	xl_verify_done(v, "%zu runs of the p2m cover all pages", v->img->p2ms);
	return 0;
}

/* Registers of an ordinary guest lead to a page table that is there. */
static void check_roots(struct xl_verify *v)
{
	unsigned n = 0;

	for (size_t i = 0; i < v->img->notes; i++) {
		const struct xl_image_note *note = &v->img->note[i];
		uint64_t cr3;

		if (strcmp(note->name, "QEMU") != 0 || note->size < QEMU_STATE_CR + 40)
			continue;
		cr3 = xl_get_le64(note->desc + QEMU_STATE_CR + 24) & PTE_FRAME;
		if (cr3 && !xl_image_has(v->img, is_raw(v->img) ?
					 xl_image_mfn_to_pfn(v->img, cr3 >> XL_PAGE_SHIFT) :
					 cr3 >> XL_PAGE_SHIFT))
			xl_verify_broken(v, "QEMU note at offset %#" PRIx64 ": CR3 %#" PRIx64
					 " is not in the dump", note->offset, cr3);
		n++;
	}
	if (n)
		xl_verify_done(v, "CR3 of %u vCPUs", n);
}

/* A 32-bit guest has no notes of registers: Xen's own structures. */
static int check_roots_32(struct xl_verify *v)
{
	const struct xl_image_section *s = xl_image_section(v->img, ".xen_prstatus");
	uint64_t vcpus = s ? s->size / XL_VCPU_CONTEXT_SIZE : 0;
	unsigned n = 0;

	for (uint64_t i = 0; i < vcpus; i++) {
		uint64_t at = s->offset + i * XL_VCPU_CONTEXT_SIZE;
		xl_mfn_t frame;
		uint8_t raw[4];
		int r = xl_image_bytes(v->x, v->img, at + XL_CONTEXT32_CR3, raw, sizeof(raw));

		if (r < 0)
			return r;
		frame = xl_cr3_32_frame(xl_get_le32(raw));
		if (!frame)
			continue; /* offline */
		if (!xl_image_has(v->img, is_raw(v->img) ? xl_image_mfn_to_pfn(v->img, frame) : frame))
			xl_verify_broken(v, ".xen_prstatus, vCPU %" PRIu64 " at offset %#" PRIx64
					 ": CR3 %#x is not in the dump", i, at, xl_get_le32(raw));
		n++;
	}
	if (n)
		xl_verify_done(v, "CR3 of %u vCPUs", n);
	return 0;
}

/* In a raw file it takes the p2m to follow them. */
static bool raw_maps(struct xl_verify *v, uint64_t va, uint64_t pa)
{
	_cleanup_(xl_image_vm_deinit) struct xl_image_vm vm = { 0 };
	uint64_t got;

	if (xl_image_vm_init(v->x, v->img, false, &vm) < 0) {
		xl_err_clear(v->x);
		return false;
	}
	return xl_image_vm_walk(&vm, va, &got) == 0 && got == pa;
}

/* The kernel's page tables map its code to where VMCOREINFO says. */
static int check_kernel(struct xl_verify *v)
{
	struct xl_kmem m = { xl_image_read, v->img, 0 };
	uint64_t va, pa;

	if (!v->img->json || !v->img->vmcoreinfo || xl_vmcoreinfo_check(v->img->vmcoreinfo))
		return 0;
	if (xl_vmcoreinfo_dec(v->img->vmcoreinfo, "NUMBER(phys_base)", &m.phys_base) < 0)
		return 0;
	if (xl_vmcoreinfo_hex(v->img->vmcoreinfo, "SYMBOL(_stext)", &va) < 0 ||
	    xl_kmem_pa(&m, va, &pa) < 0 ||
	    !(is_raw(v->img) ? raw_maps(v, va, pa) :
			       xl_kernel_maps(v->img->vmcoreinfo, &m, va, pa)))
		xl_verify_broken(v, "the kernel's page tables do not map its code to where VMCOREINFO "
				 "says it is");
	else
		xl_verify_done(v, "the kernel's page tables map its code");
	return 0;
}

/* After a kexec two kernels are in memory, and a dump that describes the dead one is of no use.  One
 * that has crashed is described by right while another saves its memory. */
static int check_running(struct xl_verify *v)
{
	const char *text = v->img->vmcoreinfo, *crashed;
	struct xl_kmem m = { xl_image_read, v->img, 0 };
	_cleanup_free_ struct xl_vcpu *vcpu = NULL;
	struct xl_vcpus vcpus;
	uint32_t n = 0;
	size_t len;
	int r;

	if (v->img->narrow || !text || xl_vmcoreinfo_check(text) ||
	    xl_vmcoreinfo_str(text, "CRASHTIME", &crashed, &len) == 0 ||
	    xl_vmcoreinfo_dec(text, "NUMBER(phys_base)", &m.phys_base) < 0)
		return 0;
	r = xl_image_vcpus(v->x, v->img, v->img->p2ms, &vcpu, &n);
	if (r < 0)
		return r;
	vcpus = (struct xl_vcpus){ vcpu, n, is_raw(v->img) };
	switch (xl_runs_kernel(&vcpus, text, &m)) {
	case XL_RUNS_OTHER:
		xl_verify_broken(v, "the vCPUs do not run the kernel that VMCOREINFO describes: their "
				 "page tables do not lead to its code");
		break;
	case XL_RUNS_UNKNOWN:
		break;
	default:
		xl_verify_done(v, "the vCPUs run the kernel that VMCOREINFO describes");
	}
	return 0;
}

int xl_verify_guest(struct xl_verify *v)
{
	int r = 0;

	check_roots(v);
	if (v->img->narrow)
		r = check_roots_32(v);
	if (r == 0)
		r = check_kernel(v);
	if (r == 0)
		r = check_running(v);
	if (r == 0)
		r = check_p2m(v);
	if (r == 0)
		r = check_tables(v);
	return r < 0 ? r : check_edits(v);
}
