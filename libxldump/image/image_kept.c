/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The notes of a dump that are written again as they are. */
#include <string.h>

#include "format/blob.h"
#include "format/elf_format.h"
#include "format/notes_format.h"
#include "guest/vmcoreinfo.h"
#include "image/image_cut.h"
#include "image/image_private.h"

static bool is_registers(const struct xl_image_note *n)
{
	return (!strcmp(n->name, "CORE") && n->type == PRSTATUS_NOTE_TYPE) ||
	       (!strcmp(n->name, "QEMU") && n->type == QEMU_NOTE_TYPE);
}

/* What the new file makes anew: our own, and those in Xen's section.  What the hypervisor puts into
 * a vmcore of the host has the same name and other types. */
static bool is_remade(const struct xl_image_note *n)
{
	if (!strcmp(n->name, "XLDUMP"))
		return true;
	return !strcmp(n->name, "Xen") && n->type >= XEN_NOTE_NONE && n->type <= XEN_NOTE_FORMAT;
}

static void keep(struct xl_blob *b, const struct xl_image_note *n, struct xl_kept_notes *ret)
{
	const uint8_t *desc = xl_blob_note(b, n->name, n->type, n->desc, n->size);

	if (!desc)
		return;
	if (!strcmp(n->name, "VMCOREINFO"))
		ret->vmcoreinfo = (size_t)(desc - b->data);
	if (!strcmp(n->name, "ERASEINFO")) {
		ret->eraseinfo = (size_t)(desc - b->data);
		ret->eraseinfo_len = n->size;
	}
	if (is_registers(n))
		ret->registers = true;
}

/* The debuggers go by it. */
static bool is_of_another(const struct xl_image *img, const struct xl_image_note *n,
			  const struct xl_kernel *k)
{
	return !strcmp(n->name, "VMCOREINFO") && k->vmcoreinfo &&
	       !xl_vmcoreinfo_same_kernel(img->vmcoreinfo, k->vmcoreinfo);
}

int xl_image_keep_notes(struct xl_ctx *x, const struct xl_image *img, bool registers,
			const struct xl_kernel *kernel, struct xl_kept_notes *ret)
{
	struct xl_blob b = { 0 };

	*ret = (struct xl_kept_notes){ 0 };
	for (size_t i = 0; i < img->notes; i++)
		if (!is_remade(&img->note[i]) && (registers || !is_registers(&img->note[i])) &&
		    !is_of_another(img, &img->note[i], kernel))
			keep(&b, &img->note[i], ret);
	if (b.failed) {
		xl_blob_deinit(&b);
		return xl_err(x, -ENOMEM, "keep %zu notes", img->notes);
	}
	ret->data = b.data;
	ret->len = b.len;
	return 0;
}
