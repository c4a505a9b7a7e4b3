/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where compressed pages lie in the file.
 *
 * They are appended to a buffer that is written when it is full.  A page that is put again makes
 * its old bytes free; the next one that fits takes them, and what is still free at the end is given
 * back to the file system.  So the file does not grow with the number of rounds.  Into a pipe, where
 * nothing can be replaced, everything is appended, and what is not used stays.
 */
#include "format/kdump_store.h"

#include <string.h>

/* A hole costs a transaction of the file system, and only whole blocks make one. */
#define PUNCH_MIN (4 * XL_PAGE_SIZE)

int xl_store_init(struct xl_store *s, struct xl_sink *sink, uint64_t start)
{
	*s = (struct xl_store){ .sink = sink, .buf_offset = start, .buf = malloc(XL_STORE_BUF) };
	return s->buf ? 0 : -ENOMEM;
}

void xl_store_deinit(struct xl_store *s)
{
	for (size_t i = 0; i < XL_ARRAY_SIZE(s->free); i++)
		free(s->free[i].offset);
	free(s->buf);
}

uint64_t xl_store_end(const struct xl_store *s)
{
	return s->buf_offset + s->buf_len;
}

static size_t units_of(size_t size)
{
	return (size + XL_STORE_UNIT - 1) / XL_STORE_UNIT;
}

static int flush(struct xl_ctx *x, struct xl_store *s)
{
	int r = 0;

	if (s->buf_len)
		r = xl_sink_pwrite(x, s->sink, s->buf, s->buf_len, s->buf_offset);
	s->buf_offset += s->buf_len;
	s->buf_len = 0;
	return r;
}

/* Without memory to remember it the piece is lost, which is no harm. */
static void add_free(struct xl_store *s, uint64_t offset, size_t units)
{
	struct xl_pieces *p = &s->free[units];

	if (p->n == p->allocated) {
		size_t n = p->allocated ? p->allocated * 2 : 16;
		uint64_t *more = reallocarray(p->offset, n, sizeof(*more));

		if (!more)
			return;
		p->offset = more;
		p->allocated = n;
	}
	p->offset[p->n++] = offset;
}

/* A free piece of at least so many units; what is too much stays free.  0: there is none. */
static uint64_t take_free(struct xl_store *s, size_t units)
{
	for (size_t i = units; i <= XL_STORE_CLASSES; i++) {
		struct xl_pieces *p = &s->free[i];
		uint64_t offset;

		if (!p->n)
			continue;
		offset = p->offset[--p->n];
		if (i > units)
			add_free(s, offset + units * XL_STORE_UNIT, i - units);
		return offset;
	}
	return 0;
}

static int append(struct xl_ctx *x, struct xl_store *s, const void *data, size_t size,
		  size_t units, uint64_t *ret)
{
	uint8_t *to;
	int r;

	if (s->buf_len + units * XL_STORE_UNIT > XL_STORE_BUF) {
		r = flush(x, s);
		if (r < 0)
			return r;
	}
	to = s->buf + s->buf_len;
	memcpy(to, data, size);
	memset(to + size, 0, units * XL_STORE_UNIT - size);
	*ret = s->buf_offset + s->buf_len;
	s->buf_len += units * XL_STORE_UNIT;
	return 0;
}

int xl_store_put(struct xl_ctx *x, struct xl_store *s, const void *data, size_t size,
		 xl_place_t *ret)
{
	size_t units = units_of(size);
	uint64_t offset = take_free(s, units);
	int r = 0;

	if (!offset)
		r = append(x, s, data, size, units, &offset);
	else if (offset >= s->buf_offset)
		memcpy(s->buf + (offset - s->buf_offset), data, size);
	else
		r = xl_sink_pwrite(x, s->sink, data, size, offset);
	*ret = xl_place(offset, size);
	return r;
}

void xl_store_drop(struct xl_store *s, xl_place_t at)
{
	if (xl_sink_seekable(s->sink))
		add_free(s, xl_place_offset(at), units_of(xl_place_size(at)));
}

/* ---- what is left free ---- */

struct piece {
	uint64_t from, to;
};

static int by_offset(const void *a, const void *b)
{
	const struct piece *p = a, *q = b;

	return (p->from > q->from) - (p->from < q->from);
}

static int punch(struct xl_ctx *x, struct xl_store *s, const struct piece *p)
{
	uint64_t from = (p->from + XL_PAGE_MASK) & ~(uint64_t)XL_PAGE_MASK;
	uint64_t to = p->to & ~(uint64_t)XL_PAGE_MASK;

	if (to < from + PUNCH_MIN)
		return 0;
	return xl_sink_punch(x, s->sink, from, to - from);
}

static int punch_all(struct xl_ctx *x, struct xl_store *s)
{
	_cleanup_free_ struct piece *piece = NULL;
	size_t n = 0, merged = 0;
	int r = 0;

	for (size_t i = 1; i <= XL_STORE_CLASSES; i++)
		n += s->free[i].n;
	/* Without memory for it the file is larger, and as good. */
	piece = n ? calloc(n, sizeof(*piece)) : NULL;
	if (!piece)
		return 0;
	n = 0;
	for (size_t i = 1; i <= XL_STORE_CLASSES; i++) {
		for (size_t k = 0; k < s->free[i].n; k++) {
			uint64_t from = s->free[i].offset[k];

			piece[n++] = (struct piece){ from, from + i * XL_STORE_UNIT };
		}
	}
	qsort(piece, n, sizeof(*piece), by_offset);
	for (size_t i = 1; i < n; i++) {
		if (piece[i].from == piece[merged].to)
			piece[merged].to = piece[i].to;
		else
			piece[++merged] = piece[i];
	}
	for (size_t i = 0; i <= merged && r == 0; i++)
		r = punch(x, s, &piece[i]);
	return r;
}

int xl_store_finish(struct xl_ctx *x, struct xl_store *s)
{
	int r = flush(x, s);

	return r < 0 ? r : punch_all(x, s);
}
