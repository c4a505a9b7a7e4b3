/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzz targets share.  Each is one file fuzz_NAME.c with LLVMFuzzerTestOneInput(), linked
 * with libFuzzer (tests/fuzz/run) or with driver.c (make check); its seeds are text,
 * seeds/NAME.seeds.  To add one: these two files, and its name in Makemodule.am. */
#ifndef XLDUMP_TESTS_FUZZ_H
#define XLDUMP_TESTS_FUZZ_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold for every input.  In builds without NDEBUG or with: always. */
#define FUZZ_CHECK(cond)                                                                           \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			(void)fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* ---- the input, taken from front to back; zeros when it has ended ---- */

struct fuzz_in {
	const uint8_t *p;
	size_t left;
};

static inline void fuzz_bytes(struct fuzz_in *in, void *ret, size_t n)
{
	size_t have = n < in->left ? n : in->left;

	memset(ret, 0, n);
	if (have)
		memcpy(ret, in->p, have);
	in->p += have;
	in->left -= have;
}

static inline uint8_t fuzz_u8(struct fuzz_in *in)
{
	uint8_t v;

	fuzz_bytes(in, &v, sizeof(v));
	return v;
}

static inline uint16_t fuzz_u16(struct fuzz_in *in)
{
	uint8_t b[2];

	fuzz_bytes(in, b, sizeof(b));
	return xl_get_le16(b);
}

static inline uint32_t fuzz_u32(struct fuzz_in *in)
{
	uint8_t b[4];

	fuzz_bytes(in, b, sizeof(b));
	return xl_get_le32(b);
}

static inline uint64_t fuzz_u64(struct fuzz_in *in)
{
	uint8_t b[8];

	fuzz_bytes(in, b, sizeof(b));
	return xl_get_le64(b);
}

/* ---- a small memory, written by the input ---- */

#define FUZZ_FRAMES 512

/* Frames at or above FUZZ_FRAMES do not exist; those that were never written hold zeros. */
struct fuzz_mem {
	uint8_t *page[FUZZ_FRAMES];
};

void fuzz_mem_deinit(struct fuzz_mem *m);

/* Run the records at the front of the input, up to the first that begins with 0 or is unknown:
 *   01 b3:address w:length bytes...            bytes at an address
 *   02 w:frame w:index w:count q:first q:step  a run of numbers in a frame
 *   03 w:frame w:count w:place                 copies of it in the frames that follow, numbered by
 *                                              three digits at a place in them */
void fuzz_mem_fill(struct fuzz_mem *m, struct fuzz_in *in);

/* Contents of a frame; NULL if it does not exist. */
const uint8_t *fuzz_mem_page(const struct fuzz_mem *m, uint64_t frame);

/* By address, across frames; -EFAULT. */
int fuzz_mem_read(const struct fuzz_mem *m, uint64_t addr, void *buf, size_t len);

#endif
