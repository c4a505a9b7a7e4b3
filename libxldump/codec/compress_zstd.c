/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Zstandard: the tightest, for readers that were built with it. */
#include "codec/compress.h"

#include <zstd.h>

struct zstd {
	ZSTD_CCtx *ctx;
	int level;
};

static void zstd_close(void *state)
{
	struct zstd *z = state;

	if (z)
		(void)ZSTD_freeCCtx(z->ctx);
	free(z);
}

static void *zstd_open(int level)
{
	struct zstd *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	z->level = level;
	z->ctx = ZSTD_createCCtx();
	if (z->ctx)
		return z;
	free(z);
	return NULL;
}

static size_t zstd_compress(void *state, const void *page, void *out)
{
	struct zstd *z = state;
	size_t size = ZSTD_compressCCtx(z->ctx, out, XL_PACKED_MAX, page, XL_PAGE_SIZE, z->level);

	return ZSTD_isError(size) ? 0 : size;
}

const struct xl_codec xl_codec_zstd = {
	.id = XLDUMP_CODEC_ZSTD,
	.name = "zstd",
	.min_level = 1,
	.max_level = 19,
	.default_level = 1,
	.open = zstd_open,
	.compress = zstd_compress,
	.close = zstd_close,
};
