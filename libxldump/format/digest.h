/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Digests of pages and of what is around them; digest_format.h has the bytes. */
#ifndef XL_FORMAT_DIGEST_H
#define XL_FORMAT_DIGEST_H

#include "base/ctx.h"
#include "base/types.h"
#include "sink/sink.h"

/* Of a page as digest[] has it: 0 for one of zeros and no other. */
uint64_t xl_digest_page(const void *page);

/* Fills buf with bytes of the file, from any offset. */
typedef int (*xl_digest_read_fn)(void *data, uint64_t offset, void *buf, size_t len);

/* Parts of a file in which bytes count as zeros, or not at all. */
struct xl_digest_gaps {
	uint64_t data, data_size; /* left out */
	uint64_t meta;            /* offset of the member of that name */
	bool elf;
};

/* Of all that is not a page in a file of that size.  -ENOMEM, or what read() failed with. */
_must_check_ int xl_digest_meta(uint64_t file_size, const struct xl_digest_gaps *gaps,
				xl_digest_read_fn read, void *data, uint64_t *ret);

/* The same, as the file is written from front to back with the member meta as 0: close it with
 * xl_sink_close().  gaps->meta and ->elf are not looked at. */
_must_check_ int xl_digest_sink_open(struct xl_ctx *x, const struct xl_digest_gaps *gaps,
				     struct xl_sink **ret);
uint64_t xl_digest_sink_get(const struct xl_sink *s);

#endif
