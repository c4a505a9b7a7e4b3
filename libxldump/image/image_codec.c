/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decompression of one page. */
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "format/kdump_format.h"
#include "image/image_private.h"

static int expand_zlib(const uint8_t *data, size_t size, uint8_t ret[XL_PAGE_SIZE])
{
	uLongf n = XL_PAGE_SIZE;

	return uncompress(ret, &n, data, size) == Z_OK && n == XL_PAGE_SIZE ? 0 : -EINVAL;
}

static int expand_lzo(const uint8_t *data, size_t size, uint8_t ret[XL_PAGE_SIZE])
{
	lzo_uint n = XL_PAGE_SIZE;

	return lzo1x_decompress_safe(data, size, ret, &n, NULL) == LZO_E_OK && n == XL_PAGE_SIZE ?
	       0 : -EINVAL;
}

static int expand_snappy(const uint8_t *data, size_t size, uint8_t ret[XL_PAGE_SIZE])
{
	size_t n = 0;

	/* A page that claims another length is damaged; no need to unpack it. */
	if (snappy_uncompressed_length((const char *)data, size, &n) != SNAPPY_OK ||
	    n != XL_PAGE_SIZE)
		return -EINVAL;
	return snappy_uncompress((const char *)data, size, (char *)ret, &n) == SNAPPY_OK &&
	       n == XL_PAGE_SIZE ? 0 : -EINVAL;
}

static int expand_zstd(const uint8_t *data, size_t size, uint8_t ret[XL_PAGE_SIZE])
{
	return ZSTD_decompress(ret, XL_PAGE_SIZE, data, size) == XL_PAGE_SIZE ? 0 : -EINVAL;
}

int xl_codec_expand(uint32_t flags, const uint8_t *data, size_t size, uint8_t ret[XL_PAGE_SIZE])
{
	switch (flags) {
	case 0:
		if (size != XL_PAGE_SIZE)
			return -EINVAL;
		memcpy(ret, data, size);
		return 0;
	case KDUMP_ZLIB:
		return expand_zlib(data, size, ret);
	case KDUMP_LZO:
		return expand_lzo(data, size, ret);
	case KDUMP_SNAPPY:
		return expand_snappy(data, size, ret);
	case KDUMP_ZSTD:
		return expand_zstd(data, size, ret);
	default:
		return -EOPNOTSUPP;
	}
}
