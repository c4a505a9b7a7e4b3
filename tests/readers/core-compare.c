/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core-compare [--ignore-pfn PFN]... OURS THEIRS: do two dumps of one paused guest hold the same
 * pages?
 *
 * THEIRS is what `xl dump-core` wrote.  OURS may be canonical: then it is turned back into what the
 * guest had, in a copy of each page: frame numbers of present entries in the page tables that
 * .xldump_tables lists become machine frames by .xldump_p2m, and the old values of .xldump_edits
 * are put in place.
 *
 * Exit status: 0 equal, 1 different, 2 one of them cannot be read.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define PRESENT 1ULL
#define FRAME_MASK 0x000ffffffffff000ULL
#define SHOWN 20 /* differences that are listed; all are counted */

struct counts {
	uint64_t equal, different, only_ours, only_theirs, omitted, ignored, p2m;
};

struct run {
	uint64_t pfn, mfn, count;
};

static uint64_t *ignored;
static size_t nignored;

static bool is_ignored(uint64_t pfn)
{
	for (size_t i = 0; i < nignored; i++)
		if (ignored[i] == pfn)
			return true;
	return false;
}

/* The machine frame of a pfn by .xldump_p2m, whose runs ascend by pfn. */
static uint64_t mfn_of(const struct core *c, uint64_t pfn)
{
	uint64_t lo = 0, hi = c->p2m.size / 24;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;
		const unsigned char *b = c->p2m.bytes + mid * 24;
		struct run run = { le64(b), le64(b + 8), le64(b + 16) };

		if (pfn < run.pfn)
			hi = mid;
		else if (pfn - run.pfn >= run.count)
			lo = mid + 1;
		else
			return run.mfn + (pfn - run.pfn);
	}
	return NO_FRAME;
}

static bool is_table(const struct core *c, uint64_t pfn)
{
	uint64_t lo = 0, hi = c->tables.size / 16;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2, have = le64(c->tables.bytes + mid * 16);

		if (have == pfn)
			return true;
		if (have < pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static bool ascending(const struct part *p, size_t record)
{
	for (uint64_t i = 1; i < p->size / record; i++)
		if (le64(p->bytes + i * record) <= le64(p->bytes + (i - 1) * record))
			return false;
	return p->size % record == 0;
}

/* A page of ours as the guest had it.  -1 when an entry of a table has no machine frame. */
static int undo(const struct core *c, uint64_t pfn, unsigned char out[PAGE])
{
	memcpy(out, core_page(c, pfn), PAGE);
	if (is_table(c, pfn)) {
		for (size_t at = 0; at < PAGE; at += 8) {
			uint64_t pte = le64(out + at), mfn;

			if (!(pte & PRESENT))
				continue;
			mfn = mfn_of(c, (pte & FRAME_MASK) / PAGE);
			if (mfn == NO_FRAME)
				return -1;
			pte = (pte & ~FRAME_MASK) | mfn * PAGE;
			memcpy(out + at, &pte, 8);
		}
	}
	for (uint64_t i = 0; i < c->edits.size / 16; i++) {
		const unsigned char *b = c->edits.bytes + i * 16;
		uint64_t paddr = le64(b);

		if (paddr / PAGE == pfn && paddr % 8 == 0)
			memcpy(out + paddr % PAGE, b + 8, 8);
	}
	return 0;
}

static void show_difference(uint64_t pfn, const unsigned char *a, const unsigned char *b,
			    bool table)
{
	size_t at = 0, words = 0;

	while (a[at] == b[at])
		at++;
	for (size_t i = 0; i < PAGE; i += 8)
		words += memcmp(a + i, b + i, 8) != 0;
	at &= ~(size_t)7;
	printf("pfn %#" PRIx64 "%s: %zu words differ, first at %#zx: ours %016" PRIx64
	       ", theirs %016" PRIx64 "\n",
	       pfn, table ? " (page table)" : "", words, at, le64(a + at), le64(b + at));
}

static void compare_page(const struct core *ours, const struct page *a, const struct core *theirs,
			 const struct page *b, struct counts *n)
{
	unsigned char mine[PAGE];
	const unsigned char *other = theirs->file + b->offset;

	if (b->mfn != NO_FRAME && ours->p2m.size && mfn_of(ours, a->pfn) != b->mfn &&
	    n->p2m++ < SHOWN)
		printf("pfn %#" PRIx64 ": our p2m says mfn %#" PRIx64 ", theirs %#" PRIx64 "\n",
		       a->pfn, mfn_of(ours, a->pfn), b->mfn);
	if (undo(ours, a->pfn, mine) < 0) {
		n->different++;
		printf("pfn %#" PRIx64 ": a page table entry leads to no frame of .xldump_p2m\n",
		       a->pfn);
	} else if (memcmp(mine, other, PAGE) == 0) {
		n->equal++;
	} else if (n->different++ < SHOWN) {
		show_difference(a->pfn, mine, other, is_table(ours, a->pfn));
	}
}

static void only(const char *where, uint64_t pfn, uint64_t *count)
{
	if ((*count)++ < SHOWN)
		printf("pfn %#" PRIx64 ": only in %s\n", pfn, where);
}

/* Of an auto-translated guest `xl dump-core` leaves out, without asking whether they are there, the
 * VGA hole and all from the beginning of the MMIO hole to 4 GiB (xen tools/libs/guest/xg_core_x86.c).
 * A PVH guest has memory in the one, and its special pages are in the other. */
static bool xl_omits(const struct core *theirs, uint64_t pfn)
{
	return core_section(theirs, ".xen_pfn").size &&
	       ((pfn >= 0xa0 && pfn <= 0xbf) || (pfn >= 0xf0000 && pfn <= 0xfffff));
}

static int compare(const struct core *ours, const struct core *theirs)
{
	struct counts n = { 0 };
	size_t i = 0, j = 0;

	while (i < ours->pages || j < theirs->pages) {
		uint64_t a = i < ours->pages ? ours->page[i].pfn : NO_FRAME;
		uint64_t b = j < theirs->pages ? theirs->page[j].pfn : NO_FRAME;
		uint64_t pfn = a < b ? a : b;

		if (is_ignored(pfn))
			n.ignored++;
		else if (a == b)
			compare_page(ours, &ours->page[i], theirs, &theirs->page[j], &n);
		else if (a < b && xl_omits(theirs, a))
			n.omitted++;
		else if (a < b)
			only("ours", a, &n.only_ours);
		else
			only("theirs", b, &n.only_theirs);
		i += a == pfn;
		j += b == pfn;
	}
	printf("%s and %s: %" PRIu64 " pages equal, %" PRIu64 " differ, %" PRIu64
	       " only in ours, %" PRIu64 " more that xl dump-core never takes, %" PRIu64
	       " only in theirs, %" PRIu64 " other frames, %" PRIu64 " ignored\n", ours->path, theirs->path, n.equal, n.different, n.only_ours,
	       n.omitted, n.only_theirs, n.p2m, n.ignored);
	return n.different || n.only_ours || n.only_theirs || n.p2m || !n.equal;
}

static int open_both(struct core *ours, struct core *theirs, char **argv)
{
	int r = 0;

	if (core_open(ours, argv[0]) < 0)
		r = fprintf(stderr, "%s: %s\n", argv[0], ours->error);
	if (core_open(theirs, argv[1]) < 0)
		r = fprintf(stderr, "%s: %s\n", argv[1], theirs->error);
	if (!r && (!ascending(&ours->p2m, 24) || !ascending(&ours->tables, 16)))
		r = fprintf(stderr, "%s: .xldump_p2m or .xldump_tables is not in order\n", argv[0]);
	return r;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ignore-pfn", required_argument, NULL, 'i' },
		{ NULL, 0, NULL, 0 },
	};
	struct core ours, theirs;
	int opt, r = 2;

	ignored = calloc((size_t)argc + 1, sizeof(*ignored));
	if (!ignored)
		abort();
	while ((opt = getopt_long(argc, argv, "", options, NULL)) == 'i')
		ignored[nignored++] = strtoull(optarg, NULL, 0);
	if (opt != -1 || argc - optind != 2) {
		fprintf(stderr, "usage: core-compare [--ignore-pfn PFN]... OURS THEIRS\n");
		free(ignored);
		return 2;
	}

	if (!open_both(&ours, &theirs, argv + optind))
		r = compare(&ours, &theirs);
	core_close(&ours);
	core_close(&theirs);
	free(ignored);
	return r;
}
