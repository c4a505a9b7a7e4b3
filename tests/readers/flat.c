// SPDX-License-Identifier: GPL-2.0-or-later
/* The flattened form of makedumpfile: records of {offset, size} in big endian, then the bytes. */
#include "kdump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 4096

static int64_t be64(const unsigned char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

static unsigned char *fail(char error[256], const char *why, void *a, void *b)
{
	(void)snprintf(error, 256, "%s", why);
	free(a);
	free(b);
	return NULL;
}

bool flat_is(const void *file, uint64_t size)
{
	return size >= 16 && memcmp(file, "makedumpfile\0\0\0", 16) == 0;
}

unsigned char *flat_read(const unsigned char *stream, uint64_t size, bool strict,
			 uint64_t *ret_size, char error[256])
{
	unsigned char *out = NULL, *seen = NULL;
	uint64_t at = HEADER, len = 0, room = 0;

	if (size < HEADER || !flat_is(stream, size))
		return fail(error, "no signature", out, seen);
	if (be64(stream + 16) != 1 || be64(stream + 24) != 1)
		return fail(error, "type or version is not 1", out, seen);
	for (;;) {
		int64_t offset, n;

		if (size - at < 16)
			return fail(error, "no end record", out, seen);
		offset = be64(stream + at);
		n = be64(stream + at + 8);
		at += 16;
		if (offset == -1 && n == -1)
			break;
		if (offset < 0 || n <= 0 || (uint64_t)n > size - at || offset > INT64_MAX - n)
			return fail(error, "a record makes no sense", out, seen);
		if ((uint64_t)(offset + n) > room) {
			uint64_t more = (uint64_t)(offset + n) * 2;

			out = realloc(out, more);
			seen = realloc(seen, more);
			if (!out || !seen)
				return fail(error, "out of memory", out, seen);
			memset(out + room, 0, more - room);
			memset(seen + room, 0, more - room);
			room = more;
		}
		if (strict && memchr(seen + offset, 1, (size_t)n))
			return fail(error, "bytes are there twice", out, seen);
		memcpy(out + offset, stream + at, (size_t)n);
		memset(seen + offset, 1, (size_t)n);
		at += (uint64_t)n;
		if ((uint64_t)(offset + n) > len)
			len = (uint64_t)(offset + n);
	}
	free(seen);
	if (at != size)
		return fail(error, "bytes behind the end record", out, NULL);
	*ret_size = len;
	return out;
}
