/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hypervisor with one small guest, in memory that processes share: what one did to the guest
 * before it was killed, another can look at.  Before and after each operation it may kill its
 * caller, or let somebody else do something to the guest. */
#ifndef TESTS_UNIT_FAKE_HV_H
#define TESTS_UNIT_FAKE_HV_H

#include "hv/hv.h"

#define FAKE_PAGES 64
/* Of guests that are not told otherwise, in dom; not that of the simulator. */
#define FAKE_DOMID 23

struct fake_guest {
	struct xl_domain dom;
	int pauses; /* controller_pause_count */
	int unpauses;

	/* The log, as Xen's: the count outlives the pages when it is switched off. */
	bool log_on, dm_on;
	uint32_t cap;
	uint64_t dirty, dirty_count;

	uint64_t gen[FAKE_PAGES];   /* first word of each page: how often it was written */
	uint64_t at_cut[FAKE_PAGES]; /* the same when the registers were read */

	long step;   /* operations begun or ended */
	long die_at; /* kill the caller there; 0: never */
	long act_at; /* call `act` there */
	void (*act)(struct fake_guest *g);
	bool slow_unpause; /* so that two can meet in it */
};

/* A running guest, in shared memory; free with fake_guest_free(). */
struct fake_guest *fake_guest_new(bool hvm_devices);
void fake_guest_free(struct fake_guest *g);

/* As it was at first; `step` too. */
void fake_guest_reset(struct fake_guest *g, int pauses);

/* The seam of this process to it. */
struct xl_hv *fake_hv(struct fake_guest *g);

#endif
