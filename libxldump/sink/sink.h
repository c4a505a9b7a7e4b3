/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a dump goes.  A sink knows bytes and offsets, nothing of dumps. */
#ifndef XL_SINK_SINK_H
#define XL_SINK_SINK_H

#include <sys/types.h>

#include "base/ctx.h"

struct xl_sink_ops;

/* Each kind of sink has this first in a structure of its own. */
struct xl_sink {
	const struct xl_sink_ops *ops;
	size_t record; /* see xl_sink_set_record() */
};

/* A new file, invisible until it is committed: O_TMPFILE where the file system has it and can link it, a
 * `.NAME.partial-XXXXXX` beside the target otherwise.  Mode 0600.  That it can be given its name is
 * found out by the same steps on an empty file; where there are neither hard links nor renames that
 * replace nothing, the name is that of an empty file for a moment.
 *
 * Checked here, before any work is done on a guest: that the directory exists and can be written,
 * that `path` is not an existing file (unless overwrite), a directory, or something else than a
 * regular file.  Causes: EXISTS, OUTPUT, PERMISSION, NO_SPACE. */
_must_check_ int xl_sink_file_open(struct xl_ctx *x, const char *path, bool overwrite,
				   struct xl_sink **ret);

/* The descriptor of such a file, borrowed, which can be read. */
int xl_sink_file_fd(struct xl_sink *s);

/* A descriptor that is written from front to back, in the flattened form of makedumpfile (fd.c), at
 * once: nothing of what was written can be taken back, and only the end record, which is written by
 * xl_sink_commit(), makes it whole.  The descriptor stays the caller's; a pipe is opened once more, so
 * its reader sees no end before the sink is closed.  A slow reader is waited for, until the caller
 * cancels; one that has gone is an error, without SIGPIPE.
 *
 * A terminal is refused.  Causes: OUTPUT, NO_SPACE. */
_must_check_ int xl_sink_fd_open(struct xl_ctx *x, int fd, struct xl_sink **ret);

/* Whether bytes can be read back, replaced and moved: not in a pipe. */
bool xl_sink_seekable(const struct xl_sink *s);

/* Bytes at any offset, any number of times.  NO_SPACE on ENOSPC and EDQUOT. */
_must_check_ int xl_sink_pwrite(struct xl_ctx *x, struct xl_sink *s, const void *buf, size_t len,
				uint64_t offset);

/* Whatever is written from now on goes into a stream as records that end at each multiple of `size` in
 * the file, so that bytes which are written again replace a whole record.  0, the default: a record for
 * each call.  A file knows no records. */
void xl_sink_set_record(struct xl_sink *s, size_t size);

/* Bytes as they are now; those never written read as zero, also past the end. */
_must_check_ int xl_sink_pread(struct xl_ctx *x, struct xl_sink *s, void *buf, size_t len,
			       uint64_t offset);

/* Make len bytes read as zero, occupying no space where the file system can. */
_must_check_ int xl_sink_punch(struct xl_ctx *x, struct xl_sink *s, uint64_t offset, uint64_t len);

_must_check_ int xl_sink_truncate(struct xl_ctx *x, struct xl_sink *s, uint64_t size);

/* Whether the file system still has room for `bytes` (statvfs); NO_SPACE if not, naming both
 * numbers.  A check before work, not a reservation. */
_must_check_ int xl_sink_check_space(struct xl_ctx *x, struct xl_sink *s, uint64_t bytes);

/* Of a file: fsync, give it its name (link or rename), fsync the directory.  A file of that name that
 * appeared meanwhile is not overwritten unless asked: EXISTS. */
_must_check_ int xl_sink_commit(struct xl_ctx *x, struct xl_sink *s, uint64_t *ret_file_bytes,
				uint64_t *ret_disk_bytes);

/* Closes; what was not committed vanishes.  Accepts NULL. */
void xl_sink_close(struct xl_sink *s);

static inline void xl_sink_closep(struct xl_sink **s)
{
	xl_sink_close(*s);
}

#endif
