/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A growing buffer, and ELF notes in it. */
#include "format/blob.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "format/notes_format.h"

void xl_blob_deinit(struct xl_blob *b)
{
	free(b->data);
	*b = (struct xl_blob){ 0 };
}

static bool reserve(struct xl_blob *b, size_t len)
{
	size_t need, n = b->allocated ? b->allocated : 4096;
	uint8_t *p;

	if (__builtin_add_overflow(b->len, len, &need) || need > SIZE_MAX / 2)
		return false;
	if (need <= b->allocated)
		return true;
	while (n < need)
		n *= 2;
	p = realloc(b->data, n);
	if (!p)
		return false;
	b->data = p;
	b->allocated = n;
	return true;
}

uint8_t *xl_blob_add(struct xl_blob *b, const void *data, size_t len)
{
	uint8_t *p;

	if (b->failed || !reserve(b, len)) {
		b->failed = true;
		return NULL;
	}
	p = b->data + b->len;
	b->len += len;
	if (data)
		memcpy(p, data, len);
	else
		memset(p, 0, len);
	return p;
}

uint8_t *xl_blob_note(struct xl_blob *b, const char *name, uint32_t type, const void *desc,
		      size_t descsz)
{
	size_t namesz = strlen(name) + 1;
	size_t name_room = (namesz + 3) & ~(size_t)3, desc_room = (descsz + 3) & ~(size_t)3;
	uint8_t *p = xl_blob_add(b, NULL, NOTE_HEAD_SIZE + name_room + desc_room);

	if (!p)
		return NULL;
	xl_put_le32(p, (uint32_t)namesz);
	xl_put_le32(p + 4, (uint32_t)descsz);
	xl_put_le32(p + 8, type);
	memcpy(p + NOTE_HEAD_SIZE, name, namesz);
	p += NOTE_HEAD_SIZE + name_room;
	if (desc)
		memcpy(p, desc, descsz);
	return p;
}
