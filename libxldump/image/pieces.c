/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of several ranges holds at each place. */
#include "image/pieces.h"

#include <errno.h>
#include <stdlib.h>

/* Whether r goes on where the last range ends, in the file too. */
static bool extends_last(const struct xl_ranges *all, const struct xl_range *r)
{
	const struct xl_range *last = all->n ? &all->range[all->n - 1] : NULL;

	return last && last->start + last->len == r->start && last->at != XL_PIECE_ZEROS &&
	       r->at != XL_PIECE_ZEROS && last->at + last->len == r->at;
}

int xl_ranges_add(struct xl_ranges *all, const struct xl_range *r)
{
	if (extends_last(all, r)) {
		all->range[all->n - 1].len += r->len;
		return 0;
	}
	if (all->n == all->allocated) {
		size_t n = all->allocated ? all->allocated * 2 : 256;
		struct xl_range *p = reallocarray(all->range, n, sizeof(*p));

		if (!p)
			return -ENOMEM;
		all->range = p;
		all->allocated = n;
	}
	all->range[all->n++] = *r;
	return 0;
}

void xl_ranges_deinit(struct xl_ranges *all)
{
	free(all->range);
	*all = (struct xl_ranges){ 0 };
}

static int compare_starts(const void *a, const void *b)
{
	const struct xl_range *l = a, *r = b;

	if (l->start != r->start)
		return l->start < r->start ? -1 : 1;
	if (l->rank != r->rank)
		return l->rank < r->rank ? -1 : 1;
	return 0;
}

/* A heap of ranges, the highest rank on top. */
struct heap {
	const struct xl_range **r;
	size_t n;
};

static void heap_swap(struct heap *h, size_t i, size_t j)
{
	const struct xl_range *t = h->r[i];

	h->r[i] = h->r[j];
	h->r[j] = t;
}

static void heap_push(struct heap *h, const struct xl_range *r)
{
	size_t i = h->n++;

	h->r[i] = r;
	for (; i && h->r[(i - 1) / 2]->rank < h->r[i]->rank; i = (i - 1) / 2)
		heap_swap(h, i, (i - 1) / 2);
}

static void heap_pop(struct heap *h)
{
	size_t i = 0, child;

	h->r[0] = h->r[--h->n];
	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && h->r[child + 1]->rank > h->r[child]->rank)
			child++;
		if (h->r[child]->rank <= h->r[i]->rank)
			return;
		heap_swap(h, i, child);
		i = child;
	}
}

static void emit(struct xl_pieces *p, uint64_t from, uint64_t to, const struct xl_range *r)
{
	struct xl_piece *last = p->n ? &p->piece[p->n - 1] : NULL;
	bool zeros = r->at == XL_PIECE_ZEROS;
	uint64_t at = zeros ? XL_PIECE_ZEROS : r->at + (from - r->start);

	if (last && last->start + last->len == from &&
	    (zeros ? last->at == XL_PIECE_ZEROS :
		     last->at != XL_PIECE_ZEROS && last->at + last->len == at))
		last->len += to - from;
	else
		p->piece[p->n++] = (struct xl_piece){ from, to - from, at };
}

static bool in_order(const struct xl_ranges *all)
{
	for (size_t i = 1; i < all->n; i++)
		if (compare_starts(&all->range[i - 1], &all->range[i]) > 0)
			return false;
	return true;
}

/* Go through the places upwards; of the ranges that cover one, the highest holds.  Every step ends at
 * the start or the end of a range, so there are at most twice as many pieces. */
static void sweep(struct xl_pieces *p, const struct xl_ranges *all, struct heap *h)
{
	uint64_t pos = 0;
	size_t i = 0;

	while (i < all->n || h->n) {
		uint64_t to;

		if (!h->n)
			pos = all->range[i].start;
		while (i < all->n && all->range[i].start == pos)
			heap_push(h, &all->range[i++]);
		while (h->n && h->r[0]->start + h->r[0]->len <= pos)
			heap_pop(h);
		if (!h->n)
			continue;
		to = h->r[0]->start + h->r[0]->len;
		if (i < all->n && all->range[i].start < to)
			to = all->range[i].start;
		emit(p, pos, to, h->r[0]);
		pos = to;
	}
}

int xl_pieces_init(struct xl_pieces *p, struct xl_ranges *all)
{
	_cleanup_free_ const struct xl_range **room = calloc(all->n + 1, sizeof(*room));
	struct heap h = { room, 0 };
	struct xl_piece *less;

	*p = (struct xl_pieces){ 0 };
	p->piece = calloc(2 * all->n + 1, sizeof(*p->piece));
	if (!room || !p->piece)
		return -ENOMEM;
	if (!in_order(all))
		qsort(all->range, all->n, sizeof(*all->range), compare_starts);
	sweep(p, all, &h);
	less = reallocarray(p->piece, p->n + 1, sizeof(*p->piece));
	if (less)
		p->piece = less;
	return 0;
}

void xl_pieces_deinit(struct xl_pieces *p)
{
	free(p->piece);
	*p = (struct xl_pieces){ 0 };
}

size_t xl_pieces_find(const struct xl_pieces *p, uint64_t place)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->piece[mid].start + p->piece[mid].len <= place)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
