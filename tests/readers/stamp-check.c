/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stamp-check FILE...: is the dump of a guest that runs the `stamp` workload of one instant?
 *
 * Exit status: 0 every file is consistent, 1 one is torn, 2 one cannot be judged (not readable, or
 * without stamps).  One line per file says why.
 *
 * A ring of N pages in which the largest counter is c must hold in page k the largest i <= c with
 * i mod N = k, or 0 where that lap was not yet (../lab/guest/stamp.h).  Anything else is a mix of
 * instants.
 *
 * Two frames may hold the same page of the same ring: the kernel moves pages, even locked ones, to
 * make room for large ones, and does not wipe the frame that it leaves.  The true page was written
 * at least as late as any copy that was left behind.  So of several the one with the largest
 * counter is taken: a consistent dump is never blamed for a copy.  A tear would be hidden by it
 * only where a page moved during its last lap and the dump has the new frame from before that, and
 * the verdict tells how many copies it passed over.
 *
 * A ring that is not complete beside one that is belonged to a process that died, and parts of it
 * are in use for something else; alone it is a dump that lost pages.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lab/guest/stamp.h"
#include "core.h"

#define RING_MAX (1ULL << 24) /* 64 GiB: more is no ring but garbage */

struct stamp {
	uint64_t instance, npages, index, counter, pfn;
	unsigned bad_words; /* of the filling */
};

enum verdict { CONSISTENT, TORN, UNKNOWN };

/* By ring and place; of several in one place the best first: newest, then least damaged. */
static int by_place(const void *a, const void *b)
{
	const struct stamp *p = a, *q = b;

	if (p->instance != q->instance)
		return p->instance < q->instance ? -1 : 1;
	if (p->index != q->index)
		return p->index < q->index ? -1 : 1;
	if (p->counter != q->counter)
		return p->counter > q->counter ? -1 : 1;
	if (p->bad_words != q->bad_words)
		return p->bad_words < q->bad_words ? -1 : 1;
	return (p->pfn > q->pfn) - (p->pfn < q->pfn);
}

static bool read_stamp(const struct core *c, const struct page *page, struct stamp *s)
{
	const unsigned char *b = c->file + page->offset;
	uint64_t fill;

	if (le64(b + offsetof(struct stamp_page, magic)) != STAMP_MAGIC)
		return false;
	s->instance = le64(b + offsetof(struct stamp_page, instance));
	s->npages = le64(b + offsetof(struct stamp_page, npages));
	s->index = le64(b + offsetof(struct stamp_page, index));
	s->counter = le64(b + offsetof(struct stamp_page, counter));
	s->pfn = page->pfn;
	s->bad_words = 0;
	if (s->npages == 0 || s->npages > RING_MAX || s->index >= s->npages)
		return false;

	fill = STAMP_MAGIC ^ s->instance ^ s->index;
	for (size_t at = offsetof(struct stamp_page, fill); at < STAMP_PAGE_SIZE; at += 8)
		s->bad_words += le64(b + at) != fill;
	return true;
}

static size_t find_stamps(const struct core *c, struct stamp **ret)
{
	struct stamp *all = calloc(c->pages + 1, sizeof(*all));
	size_t n = 0;

	if (!all)
		abort();
	for (size_t i = 0; i < c->pages; i++)
		n += read_stamp(c, &c->page[i], &all[n]);
	qsort(all, n, sizeof(*all), by_place);
	*ret = all;
	return n;
}

/* What page k of a ring must hold at the instant c. */
static uint64_t expected(uint64_t c, uint64_t k, uint64_t n)
{
	uint64_t back = (c % n + n - k) % n;

	return back < c ? c - back : 0;
}

/* Drop all but the best of each place; returns how many are left. */
static size_t drop_copies(struct stamp *s, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++)
		if (i == 0 || s[i].index != s[out - 1].index)
			s[out++] = s[i];
	return out;
}

struct finding {
	uint64_t min, max, off;
	const struct stamp *first; /* that is off */
	uint64_t want;
	const char *damage;
};

static void examine(const struct stamp *s, size_t n, struct finding *f)
{
	memset(f, 0, sizeof(*f));
	f->min = UINT64_MAX;
	for (size_t i = 0; i < n; i++) {
		f->max = s[i].counter > f->max ? s[i].counter : f->max;
		f->min = s[i].counter < f->min ? s[i].counter : f->min;
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t want = expected(f->max, s[i].index, s[i].npages);
		bool off = s[i].counter != want || s[i].bad_words || s[i].npages != s[0].npages;

		if (off && !f->first) {
			f->first = &s[i];
			f->want = want;
		}
		f->off += off;
	}
}

static void say_torn(const char *path, const struct stamp *s, size_t n, const struct finding *f)
{
	printf("%s: TORN: ", path);
	if (n != s[0].npages) {
		printf("%zu of %" PRIu64 " pages of instance %016" PRIx64 " are there\n", n,
		       s[0].npages, s[0].instance);
		return;
	}
	if (f->max - f->min >= n)
		printf("counters span %" PRIu64 " where %zu are allowed; ", f->max - f->min + 1, n);
	printf("page index %" PRIu64 " (pfn %#" PRIx64 ") ", f->first->index, f->first->pfn);
	if (f->first->counter != f->want)
		printf("has %" PRIu64 ", expected %" PRIu64, f->first->counter, f->want);
	else if (f->first->bad_words)
		printf("has %u wrong words after the counter", f->first->bad_words);
	else
		printf("is of a ring of %" PRIu64 " pages, others of %" PRIu64,
		       f->first->npages, s[0].npages);
	printf("; %" PRIu64 " of %zu pages are off\n", f->off, n);
}

/* Judge one ring, s[0] .. s[n-1]. */
static enum verdict judge_ring(const char *path, struct stamp *s, size_t n, bool alone)
{
	size_t places = drop_copies(s, n);
	struct finding f;

	if (places != s[0].npages && !alone)
		return UNKNOWN;
	examine(s, places, &f);
	if (places != s[0].npages || f.off) {
		say_torn(path, s, places, &f);
		return TORN;
	}
	printf("%s: consistent: %zu pages of instance %016" PRIx64 ", counters %" PRIu64
	       "..%" PRIu64, path, places, s[0].instance, f.min, f.max);
	if (places != n)
		printf(", %zu old copies passed over", n - places);
	printf("\n");
	return CONSISTENT;
}

static size_t ring_length(const struct stamp *s, size_t n)
{
	size_t len = 1;

	while (len < n && s[len].instance == s[0].instance)
		len++;
	return len;
}

static bool complete(const struct stamp *s, size_t n)
{
	size_t places = 1;

	for (size_t i = 1; i < n; i++)
		places += s[i].index != s[i - 1].index;
	return places == s[0].npages;
}

static enum verdict judge(const struct core *c)
{
	enum verdict verdict = CONSISTENT;
	struct stamp *s;
	size_t n = find_stamps(c, &s), len;
	bool any = false;

	for (size_t i = 0; i < n; i += ring_length(s + i, n - i))
		any = any || complete(s + i, ring_length(s + i, n - i));
	for (size_t i = 0; i < n; i += len) {
		len = ring_length(s + i, n - i);
		if (judge_ring(c->path, s + i, len, !any) == TORN)
			verdict = TORN;
	}
	if (n == 0) {
		printf("%s: no stamps in it\n", c->path);
		verdict = UNKNOWN;
	}
	free(s);
	return verdict;
}

int main(int argc, char **argv)
{
	bool torn = false, unknown = argc < 2;

	if (argc < 2)
		fprintf(stderr, "usage: stamp-check FILE...\n");
	for (int i = 1; i < argc; i++) {
		enum verdict v = UNKNOWN;
		struct core c;

		if (core_open(&c, argv[i]) < 0)
			printf("%s: %s\n", argv[i], c.error);
		else
			v = judge(&c);
		torn = torn || v == TORN;
		unknown = unknown || v == UNKNOWN;
		core_close(&c);
	}
	return torn ? 1 : unknown ? 2 : 0;
}
