/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* snappy: the fastest. */
#include "codec/compress.h"

#include <snappy-c.h>

/* It keeps nothing between pages; but no state would be no memory. */
static void *snappy_open(int level)
{
	(void)level;
	return malloc(1);
}

static size_t snappy_pack(void *state, const void *page, void *out)
{
	size_t size = XL_PACKED_MAX;

	(void)state;
	return snappy_compress(page, XL_PAGE_SIZE, out, &size) == SNAPPY_OK ? size : 0;
}

const struct xl_codec xl_codec_snappy = {
	.id = XLDUMP_CODEC_SNAPPY,
	.name = "snappy",
	.open = snappy_open,
	.compress = snappy_pack,
	.close = free,
};
