/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LZO1X-1, the one that makedumpfile has. */
#include "codec/compress.h"

#include <lzo/lzo1x.h>

static void *lzo_open(int level)
{
	(void)level;
	if (lzo_init() != LZO_E_OK)
		return NULL;
	return malloc(LZO1X_1_MEM_COMPRESS);
}

static size_t lzo_compress(void *state, const void *page, void *out)
{
	lzo_uint size = XL_PACKED_MAX;

	return lzo1x_1_compress(page, XL_PAGE_SIZE, out, &size, state) == LZO_E_OK ? size : 0;
}

const struct xl_codec xl_codec_lzo = {
	.id = XLDUMP_CODEC_LZO,
	.name = "lzo",
	.open = lzo_open,
	.compress = lzo_compress,
	.close = free,
};
