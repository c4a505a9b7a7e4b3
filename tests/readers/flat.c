/* SPDX-License-Identifier: GPL-2.0-or-later */
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

struct record {
	uint64_t offset, size;
	const unsigned char *bytes;
};

/* The record at *at, and step over it.  1; 0 for the end record; -1 with *why. */
static int next_record(const unsigned char *stream, uint64_t size, uint64_t *at,
		       struct record *ret, const char **why)
{
	int64_t offset, n;

	*why = "no end record";
	if (size - *at < 16)
		return -1;
	offset = be64(stream + *at);
	n = be64(stream + *at + 8);
	*at += 16;
	*why = "bytes behind the end record";
	if (offset == -1 && n == -1)
		return *at == size ? 0 : -1;
	*why = "a record makes no sense, or is cut off";
	if (offset < 0 || n <= 0 || (uint64_t)n > size - *at || offset > INT64_MAX - n)
		return -1;
	*ret = (struct record){ (uint64_t)offset, (uint64_t)n, stream + *at };
	*at += (uint64_t)n;
	return 1;
}

unsigned char *flat_read(const unsigned char *stream, uint64_t size, bool strict,
			 uint64_t *ret_size, char error[256])
{
	unsigned char *out, *seen = NULL;
	uint64_t at = HEADER, len = 0;
	struct record rec;
	const char *why;
	int r;

	if (size < HEADER || !flat_is(stream, size))
		return fail(error, "no signature", NULL, NULL);
	if (be64(stream + 16) != 1 || be64(stream + 24) != 1)
		return fail(error, "type or version is not 1", NULL, NULL);
	while ((r = next_record(stream, size, &at, &rec, &why)) > 0)
		len = rec.offset + rec.size > len ? rec.offset + rec.size : len;
	if (r < 0)
		return fail(error, why, NULL, NULL);
	/* Zeroed: what is in no record is a hole. */
	out = calloc(1, len + 1);
	seen = strict ? calloc(1, len + 1) : NULL;
	if (!out || (strict && !seen))
		return fail(error, "out of memory", out, seen);
	at = HEADER;
	while (next_record(stream, size, &at, &rec, &why) > 0) {
		if (strict && memchr(seen + rec.offset, 1, rec.size))
			return fail(error, "bytes are there twice", out, seen);
		memcpy(out + rec.offset, rec.bytes, rec.size);
		if (strict)
			memset(seen + rec.offset, 1, rec.size);
	}
	free(seen);
	*ret_size = len;
	return out;
}
