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
#include "image/image_vcpus.h"

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

/* The text of the file's note stays what it was, unless another kernel is meant. */
static int take_kernel(struct xl_ctx *x, struct xl_image *img, struct xl_cut *cut)
{
	struct xl_image_vm vm = { 0 };
	int r = xl_image_vm_init(x, img, true, &vm);
	char *text;

	if (r == -ENOMEM || r == -ECANCELED || r == -ENXIO)
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
	if (!img->vmcoreinfo || vm.unlike_note)
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
		r = xl_image_vcpus(x, img, cut->dom.pv, &cut->vcpu, &cut->vcpus);
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
