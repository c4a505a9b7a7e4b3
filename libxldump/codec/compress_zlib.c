/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* zlib: what every reader can read, and the tightest but zstd. */
#include "codec/compress.h"

#include <zlib.h>

/* A page is 4096 bytes: a larger window is never used, and of the memory for hashes and symbols,
 * which is cleared for every page, no more is needed. */
#define WINDOW_BITS XL_PAGE_SHIFT
#define MEM_LEVEL 6

static void *zlib_open(int level)
{
	z_stream *z = calloc(1, sizeof(*z));

	if (z && deflateInit2(z, level, Z_DEFLATED, WINDOW_BITS, MEM_LEVEL,
			      Z_DEFAULT_STRATEGY) != Z_OK) {
		free(z);
		z = NULL;
	}
	return z;
}

static size_t zlib_compress(void *state, const void *page, void *out)
{
	z_stream *z = state;

	if (deflateReset(z) != Z_OK)
		return 0;
	z->next_in = (z_const Bytef *)page;
	z->avail_in = XL_PAGE_SIZE;
	z->next_out = out;
	z->avail_out = XL_PACKED_MAX;
	return deflate(z, Z_FINISH) == Z_STREAM_END ? XL_PACKED_MAX - z->avail_out : 0;
}

static void zlib_close(void *state)
{
	if (state)
		(void)deflateEnd(state);
	free(state);
}

const struct xl_codec xl_codec_zlib = {
	.id = XLDUMP_CODEC_ZLIB,
	.name = "zlib",
	.min_level = 1,
	.max_level = 9,
	.default_level = 1,
	.open = zlib_open,
	.compress = zlib_compress,
	.close = zlib_close,
};
