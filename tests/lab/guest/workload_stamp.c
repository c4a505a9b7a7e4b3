/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stamp[=PAGES[:RATE]]: write an increasing counter round a ring of pages, as stamp.h says.
 * Whether a dump of the ring is consistent can be read off it. */
#include "stamp.h"
#include "workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define DEFAULT_PAGES 1024ul

/* Fast enough that a few milliseconds show in a dump, and slow enough that one emulated CPU is
 * left for other guests. */
#define DEFAULT_RATE 20000ul

static void fill_page(struct stamp_page *page, uint64_t instance, uint64_t npages, uint64_t index)
{
	page->instance = instance;
	page->npages = npages;
	page->index = index;
	page->counter = 0;
	for (unsigned i = 0; i < sizeof(page->fill) / sizeof(page->fill[0]); i++)
		page->fill[i] = STAMP_MAGIC ^ instance ^ index;
	page->magic = STAMP_MAGIC;
}

static struct stamp_page *make_ring(unsigned long npages)
{
	struct stamp_page *ring = workload_pages(npages);
	uint64_t instance;

	if (getrandom(&instance, sizeof(instance), 0) != sizeof(instance))
		instance = now_ns();
	for (unsigned long i = 0; i < npages; i++)
		fill_page(&ring[i], instance, npages, i);
	return ring;
}

void workload_stamp(const char *args)
{
	unsigned long npages = DEFAULT_PAGES, rate = DEFAULT_RATE;
	unsigned long long report;
	struct stamp_page *ring;
	struct pace pace;
	uint64_t counter = 0;

	if (*args && sscanf(args, "%lu:%lu", &npages, &rate) < 1)
		printf("stamp: cannot read '%s', using %lu pages\n", args, npages);
	if (npages == 0)
		npages = DEFAULT_PAGES;
	ring = make_ring(npages);
	printf("stamp: %lu pages, rate %lu/s\n", npages, rate);
	workload_ready();
	pace_init(&pace, rate);
	report = now_ns() + 1000000000ull;
	for (;;) {
		unsigned long n = pace_wait(&pace);

		while (n-- > 0) {
			counter++;
			/* One aligned 64-bit store, in program order: volatile keeps the
			 * compiler from moving it, x86 keeps stores in order. */
			*(volatile uint64_t *)&ring[counter % npages].counter = counter;
		}
		if (now_ns() >= report) {
			printf("stamp: counter %" PRIu64 "\n", counter);
			report += 1000000000ull;
			if (report < now_ns())
				report = now_ns() + 1000000000ull;
		}
	}
}
