/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seam with a guest behind it that is whatever the input says. */
#ifndef XLDUMP_TESTS_FUZZ_HV_H
#define XLDUMP_TESTS_FUZZ_HV_H

#include "fuzz.h"
#include "hv/hv.h"

struct fuzz_hv {
	struct xl_hv hv;

	/* Set by the target. */
	struct xl_domain dom;
	struct xl_host host;
	struct fuzz_mem mem;
	const char *name;
	unsigned width;
	uint64_t nr_gfns, pod;
	uint8_t shared_info[XL_PAGE_SIZE];
	struct xl_vcpu vcpu[4];
	xl_frame_t xen_frame[4], special[4], grant[8];
	size_t xen_frames, specials, grants;

	/* Types: of frames of the memory, or of gfns.  Beyond there is nothing. */
	uint8_t *type;
	uint64_t types;

	/* What is to come: when the guest runs on, records of fuzz_mem_fill() are taken from here,
	 * and what is logged. */
	struct fuzz_in later;

	bool dirty[FUZZ_FRAMES];
	uint64_t log_size;

	/* What must be balanced in the end. */
	uint64_t mapped, clock, type_calls;
	int pauses;
	bool logging, dm_logging;
};

void fuzz_hv_init(struct fuzz_hv *f);

/* Everything was given back. */
void fuzz_hv_deinit(struct fuzz_hv *f);

/* Make room for the types of n frames, and take them from the input: b:count, then
 * (first count b:type), the numbers of `width` bytes, 2 or 4; a later one wins. */
void fuzz_hv_take_types(struct fuzz_hv *f, uint64_t n, struct fuzz_in *in, unsigned width);

uint8_t fuzz_hv_type(const struct fuzz_hv *f, uint64_t frame);

#endif
