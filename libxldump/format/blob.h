/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Growing buffer, for what must have a size before it has a place. */
#ifndef XL_FORMAT_BLOB_H
#define XL_FORMAT_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xl_blob {
	uint8_t *data;
	size_t len, allocated;
	bool failed; /* out of memory: checked once, at the end */
};

void xl_blob_deinit(struct xl_blob *b);

/* Appends len bytes: a copy of data, or zeros when it is NULL.  The place of them, valid until the
 * next call, or NULL when out of memory. */
uint8_t *xl_blob_add(struct xl_blob *b, const void *data, size_t len);

/* Appends a note whose desc is as in xl_blob_add(); the place of desc. */
uint8_t *xl_blob_note(struct xl_blob *b, const char *name, uint32_t type, const void *desc,
		      size_t descsz);

#endif
