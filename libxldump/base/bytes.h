/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers in byte buffers: little endian, as file formats and guest memory have them; big endian in
 * the flattened form alone. */
#ifndef XL_BASE_BYTES_H
#define XL_BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t xl_get_le16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t xl_get_le32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t xl_get_le64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline void xl_put_le16(void *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void xl_put_le32(void *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void xl_put_le64(void *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static inline void xl_put_be64(void *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

/* Whether all 4096 bytes are zero.  Looks at the first word before the rest: most pages differ
 * there. */
static inline bool xl_page_is_zero(const void *page)
{
	const unsigned char *p = page;

	return xl_get_le64(p) == 0 && memcmp(p, p + 8, 4096 - 8) == 0;
}

#endif
