/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dirty[=RATE[:MIB]]: write random pages of an area, RATE pages per second (0: no limit). */
#include "workload.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_RATE 2000ul
#define DEFAULT_MIB 16ul
#define PAGE_SIZE 4096ul

/* xorshift64: enough to spread the writes. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void workload_dirty(const char *args)
{
	unsigned long rate = DEFAULT_RATE, mib = DEFAULT_MIB, npages;
	uint64_t state = 0x9e3779b97f4a7c15ull;
	volatile char *area;
	struct pace pace;

	if (*args && sscanf(args, "%lu:%lu", &rate, &mib) < 1)
		printf("dirty: cannot read '%s', using %lu pages/s\n", args, rate);
	npages = (mib << 20) / PAGE_SIZE;
	area = workload_pages(npages);
	workload_ready();
	pace_init(&pace, rate);
	for (;;) {
		unsigned long n = pace_wait(&pace);

		while (n-- > 0) {
			uint64_t r = next_random(&state);

			*(volatile uint64_t *)(area + (r % npages) * PAGE_SIZE) = r;
		}
	}
}
