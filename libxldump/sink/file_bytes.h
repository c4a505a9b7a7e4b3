/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump file: its bytes.  sink.h says what each function promises. */
#ifndef XL_SINK_FILE_BYTES_H
#define XL_SINK_FILE_BYTES_H

#include "sink/file_private.h"

_must_check_ int xl_file_pwrite(struct xl_ctx *x, struct xl_sink *s, const void *buf, size_t len,
				uint64_t offset);
_must_check_ int xl_file_pread(struct xl_ctx *x, struct xl_sink *s, void *buf, size_t len,
			       uint64_t offset);
_must_check_ int xl_file_punch(struct xl_ctx *x, struct xl_sink *s, uint64_t offset, uint64_t len);
_must_check_ int xl_file_truncate(struct xl_ctx *x, struct xl_sink *s, uint64_t size);
_must_check_ int xl_file_check_space(struct xl_ctx *x, struct xl_sink *s, uint64_t bytes);

/* Words and cause for an errno value; `what` completes "cannot ...".  Returns -e. */
_must_check_ int xl_file_fail(struct xl_ctx *x, const struct xl_file *f, int e, const char *what);

#endif
