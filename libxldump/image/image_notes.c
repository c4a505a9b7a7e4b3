/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF notes: { u32 namesz, descsz, type; name; desc }, name and desc padded to 4 bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/elf_format.h"
#include "format/notes_format.h"
#include "image/image_private.h"

static int add_note(struct xl_ctx *x, struct xl_image *img, const struct xl_image_note *note)
{
	if ((img->notes & (img->notes - 1)) == 0) {
		size_t n = img->notes ? img->notes * 2 : 1;
		struct xl_image_note *p = reallocarray(img->note, n, sizeof(*p));

		if (!p)
			return xl_err(x, -ENOMEM, "list of %zu notes", n);
		img->note = p;
	}
	img->note[img->notes++] = *note;
	return 0;
}

/* Takes one note off the front.  `base` is the file's offset of data[0]. */
static int take_note(struct xl_ctx *x, struct xl_image *img, uint8_t *data, uint64_t size,
		     uint64_t base, uint64_t *at, const char *what)
{
	const uint64_t start = base + *at;
	uint64_t name_size, desc_size, name_at, desc_at;

	if (size - *at < NOTE_HEAD_SIZE)
		return xl_image_bad(x, "%s: the note at offset %#" PRIx64 " is cut off", what, start);
	name_size = xl_get_le32(data + *at);
	desc_size = xl_get_le32(data + *at + 4);
	name_at = *at + NOTE_HEAD_SIZE;
	desc_at = name_at + ((name_size + 3) & ~(uint64_t)3);
	if (desc_at > size || desc_size > size - desc_at)
		return xl_image_bad(x, "%s: the note at offset %#" PRIx64 " does not fit: name of %"
				    PRIu64 " and %" PRIu64 " bytes", what, start, name_size,
				    desc_size);
	if (name_size && memchr(data + name_at, '\0', name_size) != data + name_at + name_size - 1)
		return xl_image_bad(x, "%s: the name of the note at offset %#" PRIx64
				    " does not end where it should", what, start);
	*at = desc_at + ((desc_size + 3) & ~(uint64_t)3);
	if (*at > size)
		*at = size; /* the last one need not be padded */
	return add_note(x, img, &(struct xl_image_note){
		.name = name_size ? (const char *)data + name_at : "",
		.type = xl_get_le32(data + name_at - 4),
		.desc = data + desc_at, .size = desc_size, .offset = base + desc_at });
}

int xl_image_read_notes(struct xl_ctx *x, struct xl_image *img, uint64_t offset, uint64_t size,
			const char *what)
{
	uint8_t *data;
	uint64_t at = 0;
	int r;

	if (img->note_data_n == XL_ARRAY_SIZE(img->note_data))
		return xl_image_bad(x, "%s: there are notes in too many places", what);
	r = xl_imgfile_load(x, img->file, offset, size, XL_IMAGE_NOTES_MAX, what, &data);
	if (r < 0)
		return r;
	img->note_data[img->note_data_n++] = data;
	while (at < size) {
		r = take_note(x, img, data, size, offset, &at, what);
		if (r < 0)
			return r;
	}
	return 0;
}

int xl_image_text_note(struct xl_ctx *x, struct xl_image *img, const char *name, uint64_t offset,
		       uint64_t size)
{
	uint8_t *data;
	int r;

	if (img->note_data_n == XL_ARRAY_SIZE(img->note_data))
		return xl_image_bad(x, "%s: there are notes in too many places", name);
	r = xl_imgfile_load(x, img->file, offset, size, XL_IMAGE_NOTES_MAX, name, &data);
	if (r < 0)
		return r;
	img->note_data[img->note_data_n++] = data;
	return add_note(x, img,
			&(struct xl_image_note){
				.name = name, .desc = data, .size = size, .offset = offset });
}

/* A text that ends with a NUL, which the note may lack. */
static int copy_text(struct xl_ctx *x, const struct xl_image_note *n, char **ret)
{
	free(*ret);
	*ret = strndup((const char *)n->desc, n->size);
	return *ret ? 0 : xl_err(x, -ENOMEM, "text of %zu bytes", n->size);
}

static int take_header(struct xl_ctx *x, struct xl_image *img, const struct xl_image_note *n)
{
	if (n->size < XEN_HEADER_SIZE)
		return xl_image_bad(x, "the HEADER note at offset %#" PRIx64 " has only %zu bytes",
				    n->offset, n->size);
	img->xen_magic = xl_get_le64(n->desc);
	img->xen_nr_vcpus = xl_get_le64(n->desc + 8);
	img->xen_nr_pages = xl_get_le64(n->desc + 16);
	if (xl_get_le64(n->desc + 24) != XL_PAGE_SIZE)
		return xl_image_bad(x, "the HEADER note at offset %#" PRIx64 " has pages of %" PRIu64
				    " bytes", n->offset, xl_get_le64(n->desc + 24));
	return 0;
}

static void take_version(struct xl_image *img, const struct xl_image_note *n)
{
	if (n->size < XEN_VERSION_COMPILER)
		return;
	img->xen_version = n;
	img->xen_major = xl_get_le64(n->desc + XEN_VERSION_MAJOR);
	img->xen_minor = xl_get_le64(n->desc + XEN_VERSION_MINOR);
	memcpy(img->xen_extra, n->desc + XEN_VERSION_EXTRA, sizeof(img->xen_extra) - 1);
	for (char *p = img->xen_extra; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

int xl_image_take_notes(struct xl_ctx *x, struct xl_image *img)
{
	int r = 0;

	for (size_t i = 0; i < img->notes && r == 0; i++) {
		const struct xl_image_note *n = &img->note[i];

		if (!strcmp(n->name, "CORE") && n->type == PRSTATUS_NOTE_TYPE)
			img->prstatus++;
		else if (!strcmp(n->name, "VMCOREINFO"))
			r = copy_text(x, n, &img->vmcoreinfo_copy);
		else if (!strcmp(n->name, "XLDUMP") && n->type == XLDUMP_NOTE_TYPE)
			r = copy_text(x, n, &img->json_copy);
		else if (!strcmp(n->name, "Xen") && n->type == XEN_NOTE_HEADER)
			r = take_header(x, img, n);
		else if (!strcmp(n->name, "Xen") && n->type == XEN_NOTE_VERSION)
			take_version(img, n);
	}
	img->vmcoreinfo = img->vmcoreinfo_copy;
	img->json = img->json_copy;
	return r;
}
