/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page layout shared by the `stamp` workload and the checker that judges a dump of it.
 *
 * A stamp process owns N pages, locked in memory.  In one endless loop it writes the counter
 * i = 1, 2, 3, ... into page (i mod N), in that order and nothing else.  So at every instant the
 * N pages hold N consecutive counters, and the largest of them is the instant.  A dump in which
 * they are not consecutive mixes two instants: it is torn, and the odd page says so by itself.
 *
 * All words are little endian; the rest of each page is filled with the word `fill`, so that a
 * page torn in the middle, or half of another page, shows too.
 */
#ifndef XLDUMP_TESTS_STAMP_H
#define XLDUMP_TESTS_STAMP_H

#include <stdint.h>

#define STAMP_MAGIC 0x504d415453444c58ULL /* "XLDSTAMP" read as little endian */
#define STAMP_PAGE_SIZE 4096
#define STAMP_PAGE_WORDS (STAMP_PAGE_SIZE / 8)

struct stamp_page {
	uint64_t magic;    /* STAMP_MAGIC */
	uint64_t instance; /* drawn at random by each process: pages of a dead one do not mislead */
	uint64_t npages;   /* N */
	uint64_t index;    /* 0 .. N-1, place of this page in the ring */
	uint64_t counter;  /* the last i with i mod N == index that was written; 0 before the first lap */
	uint64_t fill[STAMP_PAGE_WORDS - 5]; /* each: magic ^ instance ^ index */
};

#endif
