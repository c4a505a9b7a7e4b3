/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pte-check DUMP: does every page table entry of a dump lead to a page of the dump?
 *
 * Tables are those that .xldump_tables lists (it does so for a PV guest) and all that can be
 * reached from the CR3 of each vCPU.  Where the dump has a list, a reachable table that is not on
 * it was left with frame numbers of the host, so that is a fault too.
 *
 * A guest with virtual hardware maps device memory, which is not in a dump: there a leaf may lead
 * out of it, and is counted.  A table must be there in any case.
 *
 * In a raw file, with .xen_p2m, entries and CR3s are frames of the host.  A PV guest may map frames of
 * others (grants), so there an entry that leads to none of its own is counted, and nothing follows.
 *
 * The tables of a 32-bit PV guest have three levels.
 *
 * Exit status: 0 all lead into the dump, 1 some do not, 2 it cannot be read or has no tables.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core.h"

#define PRESENT 1ULL
#define LARGE 0x80ULL
#define FRAME_MASK 0x000ffffffffff000ULL
#define CR0_PG (1ULL << 31)
#define CR4_PAE (1ULL << 5)
#define CR4_LA57 (1ULL << 12)
#define SHOWN 20

struct frame {
	uint64_t mfn, pfn;
};

struct checker {
	const struct core *core;
	bool pv, raw;
	struct frame *frame; /* raw: pages by mfn */
	unsigned char *seen; /* per page of the dump: bit n as a table of level n */
	unsigned char *listed;
	struct { size_t page; unsigned level; } *queue;
	size_t queued, room;
	uint64_t tables, present, leaves, outside, bad;
};

static int by_mfn(const void *a, const void *b)
{
	const struct frame *l = a, *r = b;

	return l->mfn < r->mfn ? -1 : l->mfn > r->mfn;
}

static void invert(struct checker *k)
{
	k->frame = calloc(k->core->pages, sizeof(*k->frame));
	if (!k->frame)
		abort();
	for (size_t i = 0; i < k->core->pages; i++)
		k->frame[i] = (struct frame){ k->core->page[i].mfn, k->core->page[i].pfn };
	qsort(k->frame, k->core->pages, sizeof(*k->frame), by_mfn);
}

/* The page behind a frame of an entry; a pfn that no dump has when there is none. */
static uint64_t page_of(const struct checker *k, uint64_t frame)
{
	const struct frame key = { frame, 0 }, *f;

	if (!k->raw)
		return frame;
	f = bsearch(&key, k->frame, k->core->pages, sizeof(key), by_mfn);
	return f ? f->pfn : NO_FRAME;
}

static bool complain(struct checker *k)
{
	return k->bad++ < SHOWN;
}

static void enqueue(struct checker *k, uint64_t pfn, unsigned level)
{
	const struct page *p = core_find(k->core, pfn);
	size_t i = (size_t)(p - k->core->page);

	if (k->seen[i] & 1u << level)
		return;
	k->seen[i] |= (unsigned char)(1u << level);
	if (k->queued == k->room) {
		k->room = k->room ? k->room * 2 : 1024;
		k->queue = realloc(k->queue, k->room * sizeof(*k->queue));
		if (!k->queue)
			abort();
	}
	k->queue[k->queued].page = i;
	k->queue[k->queued++].level = level;
	if (k->listed && !(k->listed[i] & 1u << level) && complain(k))
		printf("pfn %#" PRIx64 ": a table of level %u that is not listed as one\n", pfn,
		       level);
}

static void check_entry(struct checker *k, uint64_t table, unsigned level, size_t index,
			uint64_t pte)
{
	bool leaf = level == 1 || (level <= 3 && (pte & LARGE));
	uint64_t pfn = (pte & FRAME_MASK) / PAGE;

	if (k->raw)
		pfn = page_of(k, pfn);
	else if (level > 1 && leaf)
		pfn &= ~((1ULL << 9 * (level - 1)) - 1); /* bit 12 is PAT there */
	k->present++;
	k->leaves += leaf;
	if (core_find(k->core, pfn)) {
		if (!leaf)
			enqueue(k, pfn, level - 1);
	} else if (k->raw || (leaf && !k->pv)) {
		k->outside++;
	} else if (complain(k)) {
		printf("pfn %#" PRIx64 ", level %u, entry %zu: %016" PRIx64
		       " leads to pfn %#" PRIx64 ", which the dump has not\n",
		       table, level, index, pte, pfn);
	}
}

static void check_tables(struct checker *k)
{
	while (k->queued) {
		size_t i = k->queue[--k->queued].page;
		unsigned level = k->queue[k->queued].level;
		const struct page *p = &k->core->page[i];

		k->tables++;
		for (size_t e = 0; e < PAGE / 8; e++) {
			uint64_t pte = le64(k->core->file + p->offset + 8 * e);

			/* Xen's part of a top table, in which it maps that table itself. */
			if (k->raw && level == 4 && e >= 256 && e <= 271)
				continue;
			if (pte & PRESENT)
				check_entry(k, p->pfn, level, e, pte);
		}
	}
}

static void add_listed(struct checker *k)
{
	const struct part *t = &k->core->tables;

	for (int pass = 0; pass < 2; pass++) {
		for (uint64_t at = 0; at + 16 <= t->size; at += 16) {
			uint64_t pfn = le64(t->bytes + at), level = le64(t->bytes + at + 8);
			const struct page *p = core_find(k->core, pfn);

			if (p && level >= 1 && level <= 4 && pass == 0)
				k->listed[p - k->core->page] |= (unsigned char)(1u << level);
			else if (p && level >= 1 && level <= 4)
				enqueue(k, pfn, (unsigned)level);
			else if (pass == 0 && complain(k))
				printf(".xldump_tables: pfn %#" PRIx64 " of level %" PRIu64
				       " is not in the dump\n", pfn, level);
		}
	}
}

static void add_root(struct checker *k, size_t vcpu, const char *name, uint64_t cr3, unsigned level)
{
	uint64_t pfn = page_of(k, (cr3 & FRAME_MASK) / PAGE);

	if (core_find(k->core, pfn))
		enqueue(k, pfn, level);
	else if (complain(k))
		printf("vCPU %zu: %s %#" PRIx64 " leads to no page of the dump\n", vcpu, name, cr3);
}

static void add_vcpus_32(struct checker *k)
{
	for (size_t v = 0; v < core_vcpus(k->core); v++) {
		uint64_t root = core_root(k->core, v);

		if (root)
			add_root(k, v, "cr3", root, 3);
	}
}

static void add_vcpus(struct checker *k)
{
	for (size_t v = 0; v < core_vcpus(k->core); v++) {
		uint64_t cr0 = core_register(k->core, v, CONTEXT_CR0);
		uint64_t cr1 = core_register(k->core, v, CONTEXT_CR1);
		uint64_t cr3 = core_register(k->core, v, CONTEXT_CR3);
		uint64_t cr4 = core_register(k->core, v, CONTEXT_CR4);

		/* Offline vCPUs have no CR3; 32-bit tables are another format. */
		if (!cr3 || (!k->pv && (!(cr0 & CR0_PG) || !(cr4 & CR4_PAE))))
			continue;
		add_root(k, v, "cr3", cr3, !k->pv && (cr4 & CR4_LA57) ? 5 : 4);
		if (k->pv && cr1)
			add_root(k, v, "user cr3", cr1, 4);
	}
}

static int check(const struct core *c)
{
	struct checker k = { .core = c, .raw = c->page[0].mfn != NO_FRAME };

	k.pv = k.raw || c->narrow || c->tables.size;
	if (k.raw)
		invert(&k);

	k.seen = calloc(c->pages, 1);
	k.listed = c->tables.size ? calloc(c->pages, 1) : NULL;
	if (!k.seen || (c->tables.size && !k.listed))
		abort();

	if (k.listed)
		add_listed(&k);
	if (c->narrow)
		add_vcpus_32(&k);
	else
		add_vcpus(&k);
	check_tables(&k);
	printf("%s: %" PRIu64 " tables, %" PRIu64 " present entries, %" PRIu64 " of them leaves, "
	       "%" PRIu64 " lead to device memory, %" PRIu64 " faults\n",
	       c->path, k.tables, k.present, k.leaves, k.outside, k.bad);
	free(k.frame);
	free(k.seen);
	free(k.listed);
	free(k.queue);
	return k.bad ? 1 : k.tables ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct core c;
	int r = 2;

	if (argc != 2) {
		fprintf(stderr, "usage: pte-check DUMP\n");
		return 2;
	}
	if (core_open(&c, argv[1]) < 0)
		fprintf(stderr, "%s: %s\n", argv[1], c.error);
	else
		r = check(&c);
	core_close(&c);
	return r;
}
