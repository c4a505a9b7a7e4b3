/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the notes say, against each other and against the pages. */
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "format/elf_format.h"
#include "format/notes_format.h"
#include "guest/vmcoreinfo.h"
#include "hv/hv.h"
#include "image/convert.h"
#include "image/image_digests.h"
#include "image/verify_private.h"

/* Registers: one note of each kind for each vCPU, in their order. */
static void check_registers(struct xl_verify *v)
{
	uint32_t prstatus = 0, qemu = 0;

	for (size_t i = 0; i < v->img->notes; i++) {
		const struct xl_image_note *n = &v->img->note[i];

		if (!strcmp(n->name, "CORE") && n->type == PRSTATUS_NOTE_TYPE) {
			prstatus++;
			if (n->size != PRSTATUS_SIZE)
				xl_verify_broken(v, "PRSTATUS at offset %#" PRIx64 " has %zu bytes, "
						 "not %d", n->offset, n->size, PRSTATUS_SIZE);
			else if (v->img->json &&
				 xl_get_le32(n->desc + PRSTATUS_PID) != prstatus)
				xl_verify_broken(v, "PRSTATUS at offset %#" PRIx64 " is of process %u, "
						 "not %u", n->offset,
						 xl_get_le32(n->desc + PRSTATUS_PID), prstatus);
		} else if (!strcmp(n->name, "QEMU") && n->type == QEMU_NOTE_TYPE) {
			qemu++;
			if (n->size < 432 || xl_get_le32(n->desc) != QEMU_STATE_VERSION)
				xl_verify_broken(v, "QEMU note at offset %#" PRIx64 " is not of "
						 "version 1", n->offset);
		}
	}
	if (v->img->json && prstatus != qemu)
		xl_verify_broken(v, "%u PRSTATUS notes, but %u QEMU notes", prstatus, qemu);
	if (prstatus)
		xl_verify_done(v, "registers of %u vCPUs", prstatus);
}

static void check_xen(struct xl_verify *v)
{
	const struct xl_image_section *p = xl_image_section(v->img, ".xen_prstatus");
	const struct xl_image_section *map = xl_image_section(v->img, ".xen_pfn");
	bool ours = v->img->json;

	if (!map)
		map = xl_image_section(v->img, ".xen_p2m");
	if (!map)
		return;
	if (!v->img->xen_magic)
		xl_verify_broken(v, "there is no HEADER note in .note.Xen");
	else if (v->img->xen_magic != (strcmp(map->name, ".xen_pfn") ? XEN_MAGIC_HVM - 1 :
				       XEN_MAGIC_HVM))
		xl_verify_broken(v, "HEADER note: magic %#" PRIx64 " does not match %s",
				 v->img->xen_magic, map->name);
	if (v->img->xen_nr_pages != map->size / (strcmp(map->name, ".xen_pfn") ? 16 : 8))
		xl_verify_broken(v, "HEADER note: %" PRIu64 " pages, and %s is of %" PRIu64 " bytes",
				 v->img->xen_nr_pages, map->name, map->size);
	if (p && p->size != v->img->xen_nr_vcpus * XL_VCPU_CONTEXT_SIZE)
		xl_verify_broken(v, "HEADER note: %" PRIu64 " vCPUs, and .xen_prstatus is of %" PRIu64
				 " bytes", v->img->xen_nr_vcpus, p->size);
	if (ours && v->img->prstatus && v->img->prstatus != v->img->xen_nr_vcpus)
		xl_verify_broken(v, "HEADER note: %" PRIu64 " vCPUs, and %u PRSTATUS notes",
				 v->img->xen_nr_vcpus, v->img->prstatus);
	if (!v->img->xen_version || v->img->xen_version->size < XEN_VERSION_SIZE)
		xl_verify_broken(v, "there is no XEN_VERSION note of %d bytes", XEN_VERSION_SIZE);
	else if (!memmem(v->img->xen_version->desc + XEN_VERSION_CAPABILITIES, 1024, "x86_64", 6))
		xl_verify_broken(v,
				 "XEN_VERSION note: its capabilities lack x86_64, by which mdb "
				 "recognises 64 bits");
	else if (ours && xl_get_le64(v->img->xen_version->desc +
				     (v->img->narrow ? XEN_VERSION_PAGESIZE_32 :
						       XEN_VERSION_PAGESIZE)) != XL_PAGE_SIZE)
		xl_verify_broken(v, "XEN_VERSION note: the size of a page is not %zu", XL_PAGE_SIZE);
	xl_verify_done(v, "Xen's notes");
}

static void check_vmcoreinfo(struct xl_verify *v)
{
	const char *why;

	if (!v->img->vmcoreinfo)
		return;
	why = xl_vmcoreinfo_check(v->img->vmcoreinfo);
	if (why)
		xl_verify_broken(v, "VMCOREINFO: %s", why);
	else
		xl_verify_done(v, "VMCOREINFO");
}

/* ---- ours ---- */

static void expect(struct xl_verify *v, struct json_object *o, const char *key, uint64_t want)
{
	uint64_t got;

	if (xl_json_u64(o, key, &got) && got != want)
		xl_verify_broken(v, "the XLDUMP note says %s: %" PRIu64 ", the file has %" PRIu64, key,
				 got, want);
}

static void check_suspects(struct xl_verify *v, struct json_object *top)
{
	struct json_object *s = xl_json_get(top, "suspects"), *ranges = xl_json_get(s, "ranges");
	uint64_t count = 0, sum = 0;

	if (!s)
		return;
	if (!xl_json_u64(s, "count", &count) || !json_object_is_type(ranges, json_type_array)) {
		xl_verify_broken(v, "the XLDUMP note: suspects without count or ranges");
		return;
	}
	for (size_t i = 0; i < json_object_array_length(ranges); i++) {
		struct json_object *range = json_object_array_get_idx(ranges, i);

		if (json_object_is_type(range, json_type_array))
			sum += json_object_get_uint64(json_object_array_get_idx(range, 1));
	}
	if (xl_json_true(s, "complete") && sum != count)
		xl_verify_broken(v, "the XLDUMP note: %" PRIu64 " suspects in ranges of %" PRIu64
				 " pages", count, sum);
}

/* What was damaged already when the file was made from another one: nothing mends it. */
static void check_damaged(struct xl_verify *v, struct json_object *damaged)
{
	struct json_object *ranges = xl_json_get(damaged, XL_DAMAGED_RANGES);
	size_t n = json_object_is_type(ranges, json_type_array) ? json_object_array_length(ranges) :
								  0;

	if (xl_json_true(damaged, XL_DAMAGED_HEADERS))
		xl_verify_broken(
			v, "what describes the pages was damaged in the file that this one was "
			   "made from");
	for (size_t i = 0; i < n; i++) {
		struct json_object *r = json_object_array_get_idx(ranges, i);

		if (json_object_is_type(r, json_type_array))
			xl_verify_broken(v,
					 "%" PRIu64 " pages from pfn %#" PRIx64
					 " on were damaged in "
					 "the file that this one was made from",
					 json_object_get_uint64(json_object_array_get_idx(r, 1)),
					 json_object_get_uint64(json_object_array_get_idx(r, 0)));
	}
}

static void check_json(struct xl_verify *v)
{
	_cleanup_json_ struct json_object *top = xl_json_parse(v->img->json);
	uint64_t format;
	char kernel[65];

	if (!v->img->json)
		return;
	if (!xl_json_u64(top, "format", &format)) {
		xl_verify_broken(v,
				 "the XLDUMP note does not have the form that xldump-note(7) "
				 "describes");
		return;
	}
	if (format != 1) {
		xl_verify_note(v,
			       "the XLDUMP note has format %" PRIu64 ", which this version of "
			       "xldump does not know", format);
		return;
	}
	/* What others made of the file does not have the records that these count. */
	if (v->img->p2ms) {
		expect(v, top, "tables", v->img->tables);
		expect(v, xl_json_get(top, "edits"), "count", v->img->edits);
	}
	if (!xl_image_lost(v->img))
		expect(v, top, "pages", v->img->pages);
	expect(v, xl_json_get(top, "domain"), "vcpus",
	       v->img->prstatus ? v->img->prstatus : v->img->xen_nr_vcpus);
	if (xl_json_text(top, "kernel", kernel, sizeof(kernel)) && v->img->vmcoreinfo) {
		const char *s = NULL;
		size_t len = 0;

		if (xl_vmcoreinfo_str(v->img->vmcoreinfo, "OSRELEASE", &s, &len) < 0 ||
		    strlen(kernel) != len || memcmp(kernel, s, len) != 0)
			xl_verify_broken(v, "the XLDUMP note and VMCOREINFO name different kernels");
	}
	check_suspects(v, top);
	check_damaged(v, xl_json_get(top, "damaged"));
	xl_verify_done(v, "the XLDUMP note agrees with the file");
}

int xl_verify_notes(struct xl_verify *v)
{
	check_registers(v);
	check_xen(v);
	check_vmcoreinfo(v);
	check_json(v);
	return 0;
}
