/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stretch of the file that is written from front to back. */
#ifndef XL_FORMAT_OUT_H
#define XL_FORMAT_OUT_H

#include "base/ctx.h"
#include "sink/sink.h"

#define XL_OUT_SIZE (64 * 1024)

struct xl_out {
	struct xl_ctx *x;
	struct xl_sink *sink;
	uint64_t offset; /* of the first byte in buf */
	size_t len;
	int r; /* the first error; nothing is written after it */
	uint8_t buf[XL_OUT_SIZE];
};

/* Errors stay in o->r, so that only the last call need be looked at. */
int xl_out_flush(struct xl_out *o);
int xl_out_seek(struct xl_out *o, uint64_t offset);
uint64_t xl_out_tell(const struct xl_out *o);
void xl_out_bytes(struct xl_out *o, const void *data, size_t len);
void xl_out_u64(struct xl_out *o, uint64_t v);

static inline uint64_t xl_align_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

#endif
