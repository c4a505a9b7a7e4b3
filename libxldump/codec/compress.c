/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The codecs that there are, and their names. */
#include "codec/compress.h"

#include <stdlib.h>
#include <string.h>

static const struct xl_codec *const codecs[_XLDUMP_CODEC_MAX] = {
	[XLDUMP_CODEC_ZLIB] = &xl_codec_zlib,
	[XLDUMP_CODEC_LZO] = &xl_codec_lzo,
	[XLDUMP_CODEC_SNAPPY] = &xl_codec_snappy,
	[XLDUMP_CODEC_ZSTD] = &xl_codec_zstd,
};

const struct xl_codec *xl_codec_of(enum xldump_codec id)
{
	return (unsigned)id < _XLDUMP_CODEC_MAX ? codecs[id] : NULL;
}

const char *xldump_codec_name(enum xldump_codec codec)
{
	const struct xl_codec *c = xl_codec_of(codec);

	if (c)
		return c->name;
	return codec == XLDUMP_CODEC_DEFAULT ? "default" : codec == XLDUMP_CODEC_NONE ? "none" : NULL;
}

static int find(const char *name, size_t len, enum xldump_codec *ret)
{
	for (int i = XLDUMP_CODEC_NONE; i < _XLDUMP_CODEC_MAX; i++) {
		const char *have = xldump_codec_name((enum xldump_codec)i);

		if (have && strlen(have) == len && memcmp(have, name, len) == 0) {
			*ret = (enum xldump_codec)i;
			return 0;
		}
	}
	return -EINVAL;
}

int xldump_codec_parse(const char *text, enum xldump_codec *ret, int *ret_level)
{
	const char *colon = strchr(text, ':');
	enum xldump_codec id;
	const struct xl_codec *c;
	long level = 0;
	char *end;

	if (find(text, colon ? (size_t)(colon - text) : strlen(text), &id) < 0)
		return -EINVAL;
	c = xl_codec_of(id);
	if (colon) {
		errno = 0;
		level = strtol(colon + 1, &end, 10);
		if (errno || end == colon + 1 || *end)
			return -EINVAL;
		if (!c || level < c->min_level || level > c->max_level || level == 0)
			return -ERANGE;
	}
	*ret = id;
	*ret_level = (int)level;
	return 0;
}
