/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump file: its bytes. */
#include "sink/file_bytes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Zeros written at once where the file system cannot punch holes. */
#define ZERO_CHUNK (64 * 1024)

int xl_file_fail(struct xl_ctx *x, const struct xl_file *f, int e, const char *what)
{
	switch (e) {
	case ENOSPC:
		return xl_fail(x, XLDUMP_CAUSE_NO_SPACE, -e,
			       "%s: cannot %s: no space left on the file system; make room there, or "
			       "give a file on another one", f->path, what);
	case EDQUOT:
		return xl_fail(x, XLDUMP_CAUSE_NO_SPACE, -e,
			       "%s: cannot %s: the disk quota is used up; make room, or give a file on "
			       "another file system", f->path, what);
	case EFBIG:
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -e,
			       "%s: cannot %s: larger than a file may be here; see `ulimit -f` "
			       "and the limits of the file system", f->path, what);
	case EROFS:
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -e,
			       "%s: cannot %s: the file system is read-only", f->path, what);
	case EEXIST:
		return xl_fail(x, XLDUMP_CAUSE_EXISTS, -e,
			       "%s exists; use --force to replace it", f->path);
	case EACCES:
	case EPERM:
		return xl_fail(x, XLDUMP_CAUSE_PERMISSION, -e, "%s: cannot %s: %s", f->path, what,
			       strerror(e));
	default:
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -e, "%s: cannot %s: %s", f->path, what,
			       strerror(e));
	}
}

int xl_file_pwrite(struct xl_ctx *x, struct xl_sink *s, const void *buf, size_t len,
		   uint64_t offset)
{
	struct xl_file *f = xl_file_of(s);
	const char *p = buf;

	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return xl_file_fail(x, f, EFBIG, "write");
	while (len > 0) {
		ssize_t n = pwrite(f->fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return xl_file_fail(x, f, n < 0 ? errno : EIO, "write");
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int xl_file_pread(struct xl_ctx *x, struct xl_sink *s, void *buf, size_t len, uint64_t offset)
{
	struct xl_file *f = xl_file_of(s);
	char *p = buf;

	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return xl_file_fail(x, f, EOVERFLOW, "read back");
	while (len > 0) {
		ssize_t n = pread(f->fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return xl_file_fail(x, f, errno, "read back");
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
static int write_zeros(struct xl_ctx *x, struct xl_file *f, uint64_t offset, uint64_t len)
{
	static const char zeros[ZERO_CHUNK];
	struct stat st;
	int r;

	if (fstat(f->fd, &st) < 0)
		return xl_file_fail(x, f, errno, "look at it");
	while (len > 0 && offset < (uint64_t)st.st_size) {
		uint64_t n = (uint64_t)st.st_size - offset;

		n = n < len ? n : len;
		n = n < sizeof(zeros) ? n : sizeof(zeros);
		r = xl_file_pwrite(x, &f->sink, zeros, n, offset);
		if (r < 0)
			return r;
		offset += n;
		len -= n;
	}
	return 0;
}

int xl_file_punch(struct xl_ctx *x, struct xl_sink *s, uint64_t offset, uint64_t len)
{
	struct xl_file *f = xl_file_of(s);

	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return xl_file_fail(x, f, EFBIG, "punch a hole");
	while (!f->no_punch) {
		if (fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
			      (off_t)len) == 0)
			return 0;
		if (errno == EOPNOTSUPP || errno == ENOSYS)
			f->no_punch = true;
		else if (errno != EINTR)
			return xl_file_fail(x, f, errno, "punch a hole");
	}
	return write_zeros(x, f, offset, len);
}

int xl_file_truncate(struct xl_ctx *x, struct xl_sink *s, uint64_t size)
{
	struct xl_file *f = xl_file_of(s);

	if (size > INT64_MAX)
		return xl_file_fail(x, f, EFBIG, "set its size");
	while (ftruncate(f->fd, (off_t)size) < 0) {
		if (errno != EINTR)
			return xl_file_fail(x, f, errno, "set its size");
	}
	return 0;
}

int xl_file_check_space(struct xl_ctx *x, struct xl_sink *s, uint64_t bytes)
{
	struct xl_file *f = xl_file_of(s);
	struct statvfs st;
	uint64_t room;

	if (fstatvfs(f->fd, &st) < 0)
		return xl_file_fail(x, f, errno, "ask for free space");
	if (__builtin_mul_overflow((uint64_t)st.f_bavail, (uint64_t)st.f_frsize, &room))
		room = UINT64_MAX;
	if (room >= bytes)
		return 0;
	return xl_fail(x, XLDUMP_CAUSE_NO_SPACE, -ENOSPC,
		       "%s: may need %" PRIu64 " MiB, and the file system has %" PRIu64
		       " MiB free: make room, or give a file on another one",
		       f->path, (bytes >> 20) + !!(bytes & 0xfffff), room >> 20);
}
