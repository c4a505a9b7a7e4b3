/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a kind of sink does; sink.h says what each function promises.  To add one: a file sink/NAME.c
 * with a const table of this shape and an open function in sink.h. */
#ifndef XL_SINK_SINK_OPS_H
#define XL_SINK_SINK_OPS_H

#include "sink/sink.h"

struct xl_sink_ops {
	bool seekable; /* pread, and pwrite over what was written */
	int (*pwrite)(struct xl_ctx *x, struct xl_sink *s, const void *buf, size_t len,
		      uint64_t offset);
	int (*pread)(struct xl_ctx *x, struct xl_sink *s, void *buf, size_t len, uint64_t offset);
	int (*punch)(struct xl_ctx *x, struct xl_sink *s, uint64_t offset, uint64_t len);
	int (*truncate)(struct xl_ctx *x, struct xl_sink *s, uint64_t size);
	int (*check_space)(struct xl_ctx *x, struct xl_sink *s, uint64_t bytes);
	int (*commit)(struct xl_ctx *x, struct xl_sink *s, uint64_t *ret_file_bytes,
		      uint64_t *ret_disk_bytes);
	void (*close)(struct xl_sink *s); /* not NULL */
};

#endif
