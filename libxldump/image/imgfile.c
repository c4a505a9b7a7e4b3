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

/* 512 MiB of memory for a list of them.  A record of xldump is up to a megabyte, so this is more
 * than any guest needs. */
#define RECORDS_MAX ((size_t)16 << 20)

struct record {
	uint64_t offset, len, at;
	size_t seq;
};

struct records {
	struct record *r;
	size_t n, allocated;
};

static void records_deinit(struct records *r)
{
	free(r->r);
}

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

static int add_record(struct xl_ctx *x, struct records *all, uint64_t offset, uint64_t len,
		      uint64_t at)
{
	if (all->n == RECORDS_MAX)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -E2BIG,
			       "more than %zu records in the flattened file: use xldumpctl "
			       "reassemble first", RECORDS_MAX);
	if (all->n == all->allocated) {
		size_t n = all->allocated ? all->allocated * 2 : 256;
		struct record *p = reallocarray(all->r, n, sizeof(*p));

		if (!p)
			return xl_err(x, -ENOMEM, "list of %zu records", n);
		all->r = p;
		all->allocated = n;
	}
	all->r[all->n] = (struct record){ offset, len, at, all->n };
	all->n++;
	return 0;
}

static int read_records(struct xl_ctx *x, struct xl_imgfile *f, struct records *all)
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
		r = add_record(x, all, offset, len, at);
		if (r < 0)
			return r;
		if (offset + len > f->end)
			f->end = offset + len;
		at += len;
	}
}

static int compare_offsets(const void *a, const void *b)
{
	const struct record *l = a, *r = b;

	if (l->offset != r->offset)
		return l->offset < r->offset ? -1 : 1;
	return l->seq < r->seq ? -1 : 1;
}

/* A heap of records, the latest on top. */
struct heap {
	const struct record **r;
	size_t n;
};

static void heap_swap(struct heap *h, size_t i, size_t j)
{
	const struct record *t = h->r[i];

	h->r[i] = h->r[j];
	h->r[j] = t;
}

static void heap_push(struct heap *h, const struct record *r)
{
	size_t i = h->n++;

	h->r[i] = r;
	for (; i && h->r[(i - 1) / 2]->seq < h->r[i]->seq; i = (i - 1) / 2)
		heap_swap(h, i, (i - 1) / 2);
}

static void heap_pop(struct heap *h)
{
	size_t i = 0, child;

	h->r[0] = h->r[--h->n];
	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && h->r[child + 1]->seq > h->r[child]->seq)
			child++;
		if (h->r[child]->seq <= h->r[i]->seq)
			return;
		heap_swap(h, i, child);
		i = child;
	}
}

static void emit(struct xl_imgfile *f, uint64_t from, uint64_t to, const struct record *r)
{
	struct xl_flat_piece *last = f->pieces ? &f->piece[f->pieces - 1] : NULL;
	uint64_t at = r->at + (from - r->offset);

	if (last && last->offset + last->len == from && last->at + last->len == at)
		last->len += to - from;
	else
		f->piece[f->pieces++] = (struct xl_flat_piece){ from, to - from, at };
}

/* Go through the offsets upwards; of the records that cover a place, the latest holds.  Every step
 * ends at the start or the end of a record, so there are at most twice as many pieces. */
static int put_in_order(struct xl_ctx *x, struct xl_imgfile *f, struct records *all)
{
	_cleanup_free_ const struct record **room = calloc(all->n + 1, sizeof(*room));
	struct heap h = { room, 0 };
	uint64_t pos = 0;
	size_t i = 0;

	f->piece = calloc(2 * all->n + 1, sizeof(*f->piece));
	if (!room || !f->piece)
		return xl_err(x, -ENOMEM, "order of %zu records", all->n);
	if (all->n)
		qsort(all->r, all->n, sizeof(*all->r), compare_offsets);
	while (i < all->n || h.n) {
		uint64_t to;

		if (!h.n)
			pos = all->r[i].offset;
		while (i < all->n && all->r[i].offset == pos)
			heap_push(&h, &all->r[i++]);
		while (h.n && h.r[0]->offset + h.r[0]->len <= pos)
			heap_pop(&h);
		if (!h.n)
			continue;
		to = h.r[0]->offset + h.r[0]->len;
		if (i < all->n && all->r[i].offset < to)
			to = all->r[i].offset;
		emit(f, pos, to, h.r[0]);
		pos = to;
	}
	return 0;
}

static int open_flattened(struct xl_ctx *x, struct xl_imgfile *f)
{
	_cleanup_(records_deinit) struct records all = { 0 };
	int r;

	f->end = 0;
	if (f->size < FLAT_HEADER_SIZE)
		return xl_image_bad(x, "the flattened file is cut off within its header");
	r = read_records(x, f, &all);
	if (r < 0)
		return r;
	return put_in_order(x, f, &all);
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
	free(f->piece);
	f->piece = NULL;
}

bool xl_imgfile_inside(const struct xl_imgfile *f, uint64_t offset, uint64_t len)
{
	return offset <= f->end && len <= f->end - offset;
}

/* The first piece that ends behind offset. */
static size_t find_piece(const struct xl_imgfile *f, uint64_t offset)
{
	size_t lo = 0, hi = f->pieces;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->piece[mid].offset + f->piece[mid].len <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int read_pieces(const struct xl_imgfile *f, uint64_t offset, uint8_t *buf, size_t len)
{
	size_t i = find_piece(f, offset);

	memset(buf, 0, len);
	for (; i < f->pieces && f->piece[i].offset < offset + len; i++) {
		const struct xl_flat_piece *p = &f->piece[i];
		uint64_t from = p->offset > offset ? p->offset : offset;
		uint64_t to = p->offset + p->len < offset + len ? p->offset + p->len : offset + len;
		int r = file_read(f->fd, p->at + (from - p->offset), buf + (from - offset),
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
	return f->piece ? read_pieces(f, offset, buf, len) : file_read(f->fd, offset, buf, len);
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
