/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes of a dump file by offset.  In a flattened one they lie in records, in the order in which
 * they were written; where records overlap, the later one holds, as a later write would. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/flat_format.h"
#include "image/image_private.h"
#include "image/imgfile.h"

/* 512 MiB of memory for a list of them.  A record of xldump is up to a megabyte, so this is more
 * than any guest needs. */
#define RECORDS_MAX ((size_t)16 << 20)

static uint64_t get_be64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static int file_read(int fd, uint64_t offset, void *buf, size_t len)
{
	char *p = buf;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EINVAL; /* it shrinks while we look at it */
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- flattened ---- */

static int read_records(struct xl_ctx *x, struct xl_imgfile *f, struct xl_ranges *all)
{
	uint64_t at = FLAT_HEADER_SIZE;

	for (;;) {
		uint8_t head[FLAT_RECORD_SIZE];
		uint64_t offset, len;
		int r;

		if (f->size - at < sizeof(head))
			return xl_image_bad(x, "the flattened file is cut off at offset %#" PRIx64
					    ": the record that ends it is missing", at);
		r = file_read(f->fd, at, head, sizeof(head));
		if (r < 0)
			return xl_err(x, r, "read the record at offset %#" PRIx64, at);
		offset = get_be64(head);
		len = get_be64(head + 8);
		if (offset == UINT64_MAX && len == UINT64_MAX)
			return 0;
		at += sizeof(head);
		if (len == 0 || offset > INT64_MAX || len > INT64_MAX - offset)
			return xl_image_bad(x, "the record at offset %#" PRIx64 " is none: offset %#"
					    PRIx64 ", length %#" PRIx64, at - sizeof(head), offset,
					    len);
		if (len > f->size - at)
			return xl_image_bad(x, "the flattened file is cut off: the record at offset %#"
					    PRIx64 " has %#" PRIx64 " bytes, and the file only %#"
					    PRIx64 " more", at - sizeof(head), len, f->size - at);
		if (all->n == RECORDS_MAX)
			return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -E2BIG,
				       "more than %zu records in the flattened file: use xldumpctl "
				       "reassemble first",
				       RECORDS_MAX);
		/* A later record is a later write. */
		r = xl_ranges_add(all, &(struct xl_range){ offset, len, at, all->n });
		if (r < 0)
			return xl_err(x, r, "list of %zu records", all->n);
		if (offset + len > f->end)
			f->end = offset + len;
		at += len;
	}
}

static int open_flattened(struct xl_ctx *x, struct xl_imgfile *f)
{
	_cleanup_(xl_ranges_deinit) struct xl_ranges all = { 0 };
	int r;

	f->end = 0;
	if (f->size < FLAT_HEADER_SIZE)
		return xl_image_bad(x, "the flattened file is cut off within its header");
	r = read_records(x, f, &all);
	if (r < 0)
		return r;
	f->flattened = true;
	r = xl_pieces_init(&f->pieces, &all);
	return r < 0 ? xl_err(x, r, "order of %zu records", all.n) : 0;
}

/* ---- either ---- */

int xl_imgfile_init(struct xl_ctx *x, struct xl_imgfile *f, int fd)
{
	uint8_t head[FLAT_SIGNATURE_SIZE];
	struct stat st;
	int r;

	*f = (struct xl_imgfile){ .fd = fd };
	if (fstat(fd, &st) < 0)
		return xl_err(x, -errno, "look at the file");
	if (!S_ISREG(st.st_mode))
		return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL, "not a regular file");
	f->size = f->end = (uint64_t)st.st_size;
	if (f->size < sizeof(head))
		return 0;
	r = file_read(fd, 0, head, sizeof(head));
	if (r < 0)
		return xl_err(x, r, "read the start of the file");
	if (memcmp(head, FLAT_SIGNATURE, sizeof(FLAT_SIGNATURE)) == 0)
		return open_flattened(x, f);
	return 0;
}

void xl_imgfile_deinit(struct xl_imgfile *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	xl_pieces_deinit(&f->pieces);
}

bool xl_imgfile_inside(const struct xl_imgfile *f, uint64_t offset, uint64_t len)
{
	return offset <= f->end && len <= f->end - offset;
}

static int read_pieces(const struct xl_imgfile *f, uint64_t offset, uint8_t *buf, size_t len)
{
	memset(buf, 0, len);
	for (size_t i = xl_pieces_find(&f->pieces, offset);
	     i < f->pieces.n && f->pieces.piece[i].start < offset + len; i++) {
		const struct xl_piece *p = &f->pieces.piece[i];
		uint64_t from = p->start > offset ? p->start : offset, end = p->start + p->len;
		uint64_t to = end < offset + len ? end : offset + len;
		int r = file_read(f->fd, p->at + (from - p->start), buf + (from - offset),
				  to - from);

		if (r < 0)
			return r;
	}
	return 0;
}

int xl_imgfile_read(const struct xl_imgfile *f, uint64_t offset, void *buf, size_t len)
{
	if (!xl_imgfile_inside(f, offset, len))
		return -EINVAL;
	return f->flattened ? read_pieces(f, offset, buf, len) : file_read(f->fd, offset, buf, len);
}

static uint64_t next_record(const struct xl_imgfile *f, uint64_t offset)
{
	size_t i = xl_pieces_find(&f->pieces, offset);

	if (i == f->pieces.n)
		return f->end;
	return f->pieces.piece[i].start > offset ? f->pieces.piece[i].start : offset;
}

uint64_t xl_imgfile_next_data(struct xl_imgfile *f, uint64_t offset)
{
	off_t data, hole;

	if (f->flattened)
		return next_record(f, offset);
	if (offset >= f->data && offset < f->hole)
		return offset;
	if (offset >= f->end)
		return f->end;
	data = lseek(f->fd, (off_t)offset, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? f->end : offset; /* a file system that cannot tell */
	hole = lseek(f->fd, data, SEEK_HOLE);
	f->data = (uint64_t)data;
	f->hole = hole > data ? (uint64_t)hole : (uint64_t)data;
	return f->data;
}

int xl_imgfile_load(struct xl_ctx *x, const struct xl_imgfile *f, uint64_t offset, uint64_t len,
		    uint64_t max, const char *what, uint8_t **ret)
{
	_cleanup_free_ uint8_t *buf = NULL;
	int r;

	if (!xl_imgfile_inside(f, offset, len))
		return xl_image_bad(x, "%s: %#" PRIx64 " bytes at offset %#" PRIx64 " are beyond the "
				    "end of the file, %#" PRIx64, what, len, offset, f->end);
	if (len > max)
		return xl_image_bad(x, "%s: %#" PRIx64 " bytes at offset %#" PRIx64 " are more than "
				    "such a thing can have, %#" PRIx64, what, len, offset, max);
	buf = malloc(len + 1);
	if (!buf)
		return xl_err(x, -ENOMEM, "%s of %" PRIu64 " bytes", what, len);
	r = xl_imgfile_read(f, offset, buf, len);
	if (r < 0)
		return xl_err(x, r, "read %s at offset %#" PRIx64, what, offset);
	buf[len] = '\0';
	*ret = XL_TAKE_PTR(buf);
	return 0;
}
