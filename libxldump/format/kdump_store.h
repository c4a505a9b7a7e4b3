/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compressed pages in the file: they are appended, and the room of those that are dropped is used
 * again. */
#ifndef XL_FORMAT_KDUMP_STORE_H
#define XL_FORMAT_KDUMP_STORE_H

#include "format/kdump_place.h"
#include "sink/sink.h"

/* The unit of room.  A reader does not mind; without one the free pieces would be of 4096 sizes. */
#define XL_STORE_UNIT 16
#define XL_STORE_CLASSES (XL_PAGE_SIZE / XL_STORE_UNIT)
#define XL_STORE_BUF ((size_t)4 << 20)

struct xl_pieces {
	uint64_t *offset;
	size_t n, allocated;
};

struct xl_store {
	struct xl_sink *sink;
	uint64_t buf_offset; /* what is before it is in the file, what is behind in the buffer */
	size_t buf_len;
	uint8_t *buf;
	struct xl_pieces free[XL_STORE_CLASSES + 1]; /* by number of units */
};

_must_check_ int xl_store_init(struct xl_store *s, struct xl_sink *sink, uint64_t start);
void xl_store_deinit(struct xl_store *s);

/* Write size bytes, 1 to 4096, somewhere. */
_must_check_ int xl_store_put(struct xl_ctx *x, struct xl_store *s, const void *data, size_t size,
			      xl_place_t *ret);

/* The bytes at this place are not needed any more. */
void xl_store_drop(struct xl_store *s, xl_place_t at);

/* Everything into the file; then give back to the file system what is free in it. */
_must_check_ int xl_store_finish(struct xl_ctx *x, struct xl_store *s);

/* End of what is stored. */
uint64_t xl_store_end(const struct xl_store *s);

#endif
