/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Xen's sections say of the hypervisor and of the vCPUs; kdump files have them too. */
#include "format/elf_format.h"
#include "format/notes.h"

#include "base/bytes.h"

static void xen_version(struct xl_blob *b, const struct xl_host *host, bool narrow)
{
	uint8_t *p = xl_blob_note(b, "Xen", XEN_NOTE_VERSION, NULL, XEN_VERSION_SIZE);

	if (!p)
		return;
	xl_put_le64(p + XEN_VERSION_MAJOR, host->xen_major);
	xl_put_le64(p + XEN_VERSION_MINOR, host->xen_minor);
	memcpy(p + XEN_VERSION_EXTRA, host->xen_extra, sizeof(host->xen_extra));
	memcpy(p + XEN_VERSION_COMPILER, host->compiler, sizeof(host->compiler));
	memcpy(p + XEN_VERSION_COMPILE_BY, host->compile_by, sizeof(host->compile_by));
	memcpy(p + XEN_VERSION_COMPILE_DOMAIN, host->compile_domain,
	       sizeof(host->compile_domain));
	memcpy(p + XEN_VERSION_COMPILE_DATE, host->compile_date, sizeof(host->compile_date));
	memcpy(p + XEN_VERSION_CAPABILITIES, host->capabilities, sizeof(host->capabilities));
	memcpy(p + XEN_VERSION_CHANGESET, host->changeset, sizeof(host->changeset));
	xl_put_le64(p + XEN_VERSION_VIRT_START, host->virt_start);
	xl_put_le64(p + (narrow ? XEN_VERSION_PAGESIZE_32 : XEN_VERSION_PAGESIZE), XL_PAGE_SIZE);
	/* mdb learns from this string alone that the dump is one of 64 bits. */
	if (!memmem(host->capabilities, sizeof(host->capabilities), "x86_64", 6))
		memcpy(p + XEN_VERSION_CAPABILITIES, "xen-3.0-x86_64", 15);
}

void xl_notes_xen(struct xl_blob *b, const struct xl_cut *cut, uint64_t nr_pages)
{
	uint8_t *p;

	(void)xl_blob_note(b, "Xen", XEN_NOTE_NONE, NULL, 0);
	p = xl_blob_note(b, "Xen", XEN_NOTE_HEADER, NULL, XEN_HEADER_SIZE);
	if (p) {
		xl_put_le64(p, cut->raw ? XEN_MAGIC_PV : XEN_MAGIC_HVM);
		xl_put_le64(p + 8, xl_notes_vcpus(cut));
		xl_put_le64(p + 16, nr_pages);
		xl_put_le64(p + 24, XL_PAGE_SIZE);
	}
	xen_version(b, &cut->host, cut->narrow);
	p = xl_blob_note(b, "Xen", XEN_NOTE_FORMAT, NULL, 8);
	if (p)
		xl_put_le64(p, 1);
}

void xl_notes_contexts(struct xl_blob *b, const struct xl_cut *cut)
{
	uint32_t n = xl_notes_vcpus(cut), vcpu;
	const char *from;
	uint64_t cr3 = xl_notes_kernel_cr3(cut, &from, &vcpu);
	size_t first = b->len;

	for (uint32_t id = 0; id < n; id++)
		(void)xl_blob_add(b, xl_notes_vcpu(cut, id)->context, XL_VCPU_CONTEXT_SIZE);
	if (from && !b->failed)
		xl_put_le64(b->data + first + XEN_CONTEXT_CR3, cr3);
}
