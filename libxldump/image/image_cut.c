/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cut of a dump: the opposite of what the formats' seal() writes. */
#include "image/image_cut.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "format/elf_format.h"
#include "format/notes_format.h"
#include "guest/vmcoreinfo.h"
#include "image/image_kernel.h"
#include "image/image_private.h"
#include "hv/context32.h"

/* struct vcpu_guest_context of x86_64 (xen/include/public/arch-x86/xen.h), made of registers where
 * a file has only these: from r15 to ss in the order of struct cpu_user_regs. */
#define CONTEXT_FLAGS 512
#define VGCF_IN_KERNEL 4
#define CONTEXT_REGS 520
#define CONTEXT_CTRLREG 4984
#define CONTEXT_FS_BASE 5144
#define CONTEXT_GS_KERNEL 5152
#define CONTEXT_GS_USER 5160

/* ---- registers ---- */

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
static void take_vcpu_notes(const struct xl_image *img, struct xl_cut *cut)
{
	uint32_t prstatus = 0, qemu = 0;

	for (size_t i = 0; i < img->notes; i++) {
		const struct xl_image_note *n = &img->note[i];

		if (!strcmp(n->name, "CORE") && n->type == PRSTATUS_NOTE_TYPE &&
		    prstatus < cut->vcpus)
			take_prstatus(&cut->vcpu[prstatus++], n);
		else if (!strcmp(n->name, "QEMU") && n->type == QEMU_NOTE_TYPE && qemu < cut->vcpus)
			take_qemu(&cut->vcpu[qemu++], n);
	}
}

static int take_vcpus(struct xl_ctx *x, struct xl_image *img, struct xl_cut *cut)
{
	const struct xl_image_section *s = xl_image_section(img, ".xen_prstatus");
	uint64_t contexts = s ? s->size / XL_VCPU_CONTEXT_SIZE : 0;
	int r;

	cut->vcpus = img->prstatus ? img->prstatus :
		     contexts < XL_MAX_VCPUS ? (uint32_t)contexts : XL_MAX_VCPUS;
	if (cut->vcpus > XL_MAX_VCPUS)
		return xl_image_bad(x, "registers of %u vCPUs, more than Xen gives", cut->vcpus);
	cut->vcpu = calloc(cut->vcpus + 1, sizeof(*cut->vcpu));
	if (!cut->vcpu)
		return xl_err(x, -ENOMEM, "registers of %u vCPUs", cut->vcpus);
	take_vcpu_notes(img, cut);
	for (uint32_t i = 0; i < cut->vcpus; i++) {
		struct xl_vcpu *v = &cut->vcpu[i];

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
		if (cut->narrow)
			xl_context32_registers(v);
		else if (!img->prstatus)
			take_context(v, cut->dom.pv);
		v->online = v->rip || v->rflags;
	}
	return 0;
}

/* ---- the rest ---- */

static void take_host(const struct xl_image *img, struct xl_host *h)
{
	const uint8_t *p;

	if (!img->xen_version || img->xen_version->size < XEN_VERSION_SIZE)
		return;
	p = img->xen_version->desc;
	h->xen_major = (uint32_t)img->xen_major;
	h->xen_minor = (uint32_t)img->xen_minor;
	memcpy(h->xen_extra, p + XEN_VERSION_EXTRA, sizeof(h->xen_extra));
	memcpy(h->compiler, p + XEN_VERSION_COMPILER, sizeof(h->compiler));
	memcpy(h->compile_by, p + XEN_VERSION_COMPILE_BY, sizeof(h->compile_by));
	memcpy(h->compile_domain, p + XEN_VERSION_COMPILE_DOMAIN, sizeof(h->compile_domain));
	memcpy(h->compile_date, p + XEN_VERSION_COMPILE_DATE, sizeof(h->compile_date));
	memcpy(h->capabilities, p + XEN_VERSION_CAPABILITIES, sizeof(h->capabilities));
	memcpy(h->changeset, p + XEN_VERSION_CHANGESET, sizeof(h->changeset));
	h->virt_start = img->narrow ? xl_get_le32(p + XEN_VERSION_VIRT_START) :
				      xl_get_le64(p + XEN_VERSION_VIRT_START);
}

static int take_pages(struct xl_ctx *x, const struct xl_image *img, struct xl_cut *cut)
{
	const struct xl_image_p2m_run *last = img->p2ms ? &img->p2m[img->p2ms - 1] : NULL;
	xl_mfn_t *p2m;

	cut->nr_pfns = img->nr_pfns;
	if (last && last->pfn + last->count > cut->nr_pfns)
		cut->nr_pfns = last->pfn + last->count;
	if (xl_bitmap_init(&cut->present, cut->nr_pfns) < 0)
		return xl_err(x, -ENOMEM, "allocate an index of %" PRIu64 " pages", cut->nr_pfns);
	for (xl_pfn_t pfn = xl_image_next(img, 0); pfn < img->nr_pfns;
	     pfn = xl_image_next(img, pfn + 1))
		xl_bitmap_set(&cut->present, pfn);
	if (!last)
		return 0;
	p2m = reallocarray(NULL, cut->nr_pfns, sizeof(*p2m));
	if (!p2m)
		return xl_err(x, -ENOMEM, "p2m of %" PRIu64 " pages", cut->nr_pfns);
	cut->p2m = p2m;
	for (xl_pfn_t pfn = 0; pfn < cut->nr_pfns; pfn++)
		p2m[pfn] = XL_INVALID_FRAME;
	for (size_t i = 0; i < img->p2ms; i++)
		for (uint64_t j = 0; j < img->p2m[i].count; j++)
			p2m[img->p2m[i].pfn + j] = img->p2m[i].mfn + j;
	return 0;
}

static int take_changes(struct xl_ctx *x, const struct xl_image *img, struct xl_cut *cut)
{
	for (size_t i = 0; i < img->edits; i++)
		if (xl_edits_add(&cut->edits, img->edit[i].paddr, img->edit[i].old) < 0)
			return xl_err(x, -ENOMEM, "list of %zu edits", img->edits);
	if (!img->tables)
		return 0;
	cut->table = calloc(img->tables, sizeof(*cut->table));
	if (!cut->table)
		return xl_err(x, -ENOMEM, "list of %zu page tables", img->tables);
	cut->tables = img->tables;
	for (size_t i = 0; i < img->tables; i++)
		cut->table[i] = (struct xl_table){ img->table[i].pfn, (unsigned)img->table[i].level };
	return 0;
}

/* What was left out of a kdump file was memory all the same. */
static int take_excluded(struct xl_ctx *x, const struct xl_image *img, struct xl_cut *cut)
{
	_cleanup_json_ struct json_object *note = xl_json_parse(img->json);

	cut->dump_level = img->kind == XL_IMAGE_KDUMP ?
				  img->kdump.dump_level :
				  (unsigned)xl_json_number(note, "dump_level");
	if (!img->kdump.excluded)
		return 0;
	if (xl_bitmap_init(&cut->excluded, cut->nr_pfns) < 0)
		return xl_err(x, -ENOMEM, "allocate an index of %" PRIu64 " pages", cut->nr_pfns);
	for (xl_pfn_t pfn = xl_bitmap_next(&img->kdump.ram, 0); pfn < img->kdump.ram.nbits;
	     pfn = xl_bitmap_next(&img->kdump.ram, pfn + 1))
		if (!xl_bitmap_test(&cut->present, pfn))
			xl_bitmap_set(&cut->excluded, pfn);
	return 0;
}

/* The text of the file's note stays what it was, whatever the scan has found. */
static int take_kernel(struct xl_ctx *x, struct xl_image *img, struct xl_cut *cut)
{
	struct xl_image_vm vm = { 0 };
	int r = xl_image_vm_init(x, img, true, &vm);
	char *text;

	if (r == -ENOMEM || r == -ECANCELED)
		return r;
	xl_err_clear(x); /* not a Linux guest, or pages that would tell were left out */
	cut->kernel = vm.k;
	if (!cut->kernel.release[0] && img->kind == XL_IMAGE_KDUMP) {
		memcpy(cut->kernel.sysname, img->kdump.uts[0], 65);
		memcpy(cut->kernel.nodename, img->kdump.uts[1], 65);
		memcpy(cut->kernel.release, img->kdump.uts[2], 65);
		memcpy(cut->kernel.version, img->kdump.uts[3], 65);
		memcpy(cut->kernel.machine, img->kdump.uts[4], 65);
		memcpy(cut->kernel.domainname, img->kdump.uts[5], 65);
		cut->kernel.phys_base = (int64_t)img->kdump.phys_base;
	}
	if (!img->vmcoreinfo)
		return 0;
	text = strndup(img->vmcoreinfo, XL_VMCOREINFO_MAX);
	if (!text)
		return xl_err(x, -ENOMEM, "copy VMCOREINFO");
	free(cut->kernel.vmcoreinfo);
	cut->kernel.vmcoreinfo = text;
	cut->kernel.vmcoreinfo_len = strlen(text);
	return 0;
}

static void take_instant(const struct xl_image *img, struct xl_cut *cut)
{
	_cleanup_json_ struct json_object *note = xl_json_parse(img->json);
	struct tm tm = { 0 };
	char text[64];

	if (xl_json_text(note, "instant", text, sizeof(text)) &&
	    strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
		cut->instant.tv_sec = timegm(&tm);
	else
		cut->instant.tv_sec = (time_t)img->kdump.time;
}

/* What the note says; without one, only a PV guest has a p2m in its file. */
static enum xldump_guest_type type_of(const struct xl_image *img)
{
	_cleanup_json_ struct json_object *note = xl_json_parse(img->json);
	enum xldump_guest_type type = img->p2ms ? XLDUMP_GUEST_PV : XLDUMP_GUEST_HVM;
	const char *name;
	char text[16];

	if (!xl_json_text(xl_json_get(note, "domain"), "type", text, sizeof(text)))
		return type;
	for (enum xldump_guest_type t = 0; (name = xldump_guest_type_name(t)); t++)
		if (strcmp(text, name) == 0)
			type = t;
	return type;
}

int xl_image_cut_init(struct xl_ctx *x, struct xl_image *img, struct xl_cut *cut)
{
	const struct xl_image_section *s = xl_image_section(img, ".xen_shared_info");
	int r;

	memset(cut, 0, sizeof(*cut));
	cut->narrow = img->narrow;
	cut->raw = img->kind == XL_IMAGE_XENCORE_RAW;
	cut->note = img->json ? img->json : "";
	take_host(img, &cut->host);
	take_instant(img, cut);
	/* xl dump-core says nothing of the width of others. */
	cut->type = img->narrow ? XLDUMP_GUEST_PV : type_of(img);
	cut->dom.pv = cut->type == XLDUMP_GUEST_PV;
	r = take_pages(x, img, cut);
	if (r == 0)
		r = take_excluded(x, img, cut);
	if (r == 0)
		r = take_changes(x, img, cut);
	if (r == 0)
		r = take_vcpus(x, img, cut);
	if (r == 0)
		r = img->narrow ? 0 : take_kernel(x, img, cut);
	if (r == 0 && s && s->size >= XL_PAGE_SIZE) {
		cut->has_shared_info = true;
		r = xl_image_bytes(x, img, s->offset, cut->shared_info, XL_PAGE_SIZE);
	}
	return r;
}

void xl_image_cut_deinit(struct xl_cut *cut)
{
	free((void *)(uintptr_t)cut->p2m);
	cut->p2m = NULL;
	xl_cut_deinit(cut);
}
