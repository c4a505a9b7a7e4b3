/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Digests of pages and of what is around them. */
#include "format/digest.h"

#include <string.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "format/digest_format.h"
#include "format/elf_format.h"

#define CHUNK (64 * 1024)

uint64_t xl_digest_page(const void *page)
{
	uint64_t d;

	if (xl_page_is_zero(page))
		return 0;
	d = XXH3_64bits(page, XL_PAGE_SIZE);
	return d ? d : 1;
}

/* Make zeros of what [from, from + size) has of buf, which lies at offset. */
static void blank(uint8_t *buf, uint64_t offset, size_t len, uint64_t from, uint64_t size)
{
	for (uint64_t at = from; at < from + size; at++)
		if (at >= offset && at - offset < len)
			buf[at - offset] = 0;
}

static int add_range(XXH3_state_t *state, uint64_t from, uint64_t to,
		     const struct xl_digest_gaps *gaps, xl_digest_read_fn read, void *data)
{
	uint8_t buf[CHUNK];

	while (from < to) {
		size_t n = to - from < CHUNK ? to - from : CHUNK;
		int r = read(data, from, buf, n);

		if (r < 0)
			return r;
		blank(buf, from, n, gaps->meta, 8);
		if (gaps->elf) {
			blank(buf, from, n, ELF_E_PHOFF, 8);
			blank(buf, from, n, ELF_E_PHNUM, 2);
		}
		if (XXH3_64bits_update(state, buf, n) != XXH_OK)
			return -EINVAL;
		from += n;
	}
	return 0;
}

static void free_state(XXH3_state_t **s)
{
	(void)XXH3_freeState(*s);
}

int xl_digest_meta(uint64_t file_size, const struct xl_digest_gaps *gaps, xl_digest_read_fn read,
		   void *data, uint64_t *ret)
{
	_cleanup_(free_state) XXH3_state_t *state = XXH3_createState();
	uint64_t end = gaps->data + gaps->data_size;
	int r;

	if (!state || XXH3_64bits_reset(state) != XXH_OK)
		return -ENOMEM;
	r = add_range(state, 0, gaps->data, gaps, read, data);
	if (r == 0)
		r = add_range(state, end, file_size, gaps, read, data);
	if (r == 0)
		*ret = XXH3_64bits_digest(state);
	return r;
}
