/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump file: its bytes. */
#include "sink/sink.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "sink/file_private.h"

/* Zeros written at once where the file system cannot punch holes. */
#define ZERO_CHUNK (64 * 1024)

int xl_sink_fail(struct xl_ctx *x, const struct xl_sink *s, int e, const char *what)
{
	switch (e) {
	case ENOSPC:
		return xl_fail(x, XLDUMP_CAUSE_NO_SPACE, -e,
			       "%s: cannot %s: no space left on the file system; make room there, or "
			       "give a file on another one", s->path, what);
	case EDQUOT:
		return xl_fail(x, XLDUMP_CAUSE_NO_SPACE, -e,
			       "%s: cannot %s: the disk quota is used up; make room, or give a file on "
			       "another file system", s->path, what);
	case EFBIG:
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -e,
			       "%s: cannot %s: larger than a file may be here; see `ulimit -f` "
			       "and the limits of the file system", s->path, what);
	case EROFS:
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -e,
			       "%s: cannot %s: the file system is read-only", s->path, what);
	case EEXIST:
		return xl_fail(x, XLDUMP_CAUSE_EXISTS, -e,
			       "%s exists; use --force to replace it", s->path);
	case EACCES:
	case EPERM:
		return xl_fail(x, XLDUMP_CAUSE_PERMISSION, -e, "%s: cannot %s: %s", s->path, what,
			       strerror(e));
	default:
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -e, "%s: cannot %s: %s", s->path, what,
			       strerror(e));
	}
}

int xl_sink_pwrite(struct xl_ctx *x, struct xl_sink *s, const void *buf, size_t len,
		   uint64_t offset)
{
	const char *p = buf;

	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return xl_sink_fail(x, s, EFBIG, "write");
	while (len > 0) {
		ssize_t n = pwrite(s->fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return xl_sink_fail(x, s, n < 0 ? errno : EIO, "write");
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int xl_sink_pread(struct xl_ctx *x, struct xl_sink *s, void *buf, size_t len, uint64_t offset)
{
	char *p = buf;

	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return xl_sink_fail(x, s, EOVERFLOW, "read back");
	while (len > 0) {
		ssize_t n = pread(s->fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return xl_sink_fail(x, s, errno, "read back");
		if (n == 0) {
			memset(p, 0, len);
			return 0;
		}
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Zeros by hand, and only up to the end of the file: what follows reads as zero anyway. */
static int write_zeros(struct xl_ctx *x, struct xl_sink *s, uint64_t offset, uint64_t len)
{
	static const char zeros[ZERO_CHUNK];
	struct stat st;
	int r;

	if (fstat(s->fd, &st) < 0)
		return xl_sink_fail(x, s, errno, "look at it");
	while (len > 0 && offset < (uint64_t)st.st_size) {
		uint64_t n = (uint64_t)st.st_size - offset;

		n = n < len ? n : len;
		n = n < sizeof(zeros) ? n : sizeof(zeros);
		r = xl_sink_pwrite(x, s, zeros, n, offset);
		if (r < 0)
			return r;
		offset += n;
		len -= n;
	}
	return 0;
}

int xl_sink_punch(struct xl_ctx *x, struct xl_sink *s, uint64_t offset, uint64_t len)
{
	if (!len)
		return 0;
	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return xl_sink_fail(x, s, EFBIG, "punch a hole");
	while (!s->no_punch) {
		if (fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
			      (off_t)len) == 0)
			return 0;
		if (errno == EOPNOTSUPP || errno == ENOSYS)
			s->no_punch = true;
		else if (errno != EINTR)
			return xl_sink_fail(x, s, errno, "punch a hole");
	}
	return write_zeros(x, s, offset, len);
}

int xl_sink_truncate(struct xl_ctx *x, struct xl_sink *s, uint64_t size)
{
	if (size > INT64_MAX)
		return xl_sink_fail(x, s, EFBIG, "set its size");
	while (ftruncate(s->fd, (off_t)size) < 0) {
		if (errno != EINTR)
			return xl_sink_fail(x, s, errno, "set its size");
	}
	return 0;
}

int xl_sink_check_space(struct xl_ctx *x, struct xl_sink *s, uint64_t bytes)
{
	struct statvfs st;
	uint64_t room;

	if (fstatvfs(s->fd, &st) < 0)
		return xl_sink_fail(x, s, errno, "ask for free space");
	if (__builtin_mul_overflow((uint64_t)st.f_bavail, (uint64_t)st.f_frsize, &room))
		room = UINT64_MAX;
	if (room >= bytes)
		return 0;
	return xl_fail(x, XLDUMP_CAUSE_NO_SPACE, -ENOSPC,
		       "%s: may need %" PRIu64 " MiB, and the file system has %" PRIu64
		       " MiB free: make room, or give a file on another one", s->path, (bytes >> 20) + !!(bytes & 0xfffff), room >> 20);
}
