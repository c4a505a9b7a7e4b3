/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small memory, written by the input. */
#include <errno.h>

#include "fuzz.h"

static const uint8_t zeros[XL_PAGE_SIZE];

void fuzz_mem_deinit(struct fuzz_mem *m)
{
	for (size_t i = 0; i < FUZZ_FRAMES; i++)
		free(m->page[i]);
	*m = (struct fuzz_mem){ 0 };
}

static uint8_t *writable(struct fuzz_mem *m, uint64_t frame)
{
	if (frame >= FUZZ_FRAMES)
		return NULL;
	if (!m->page[frame])
		m->page[frame] = calloc(1, XL_PAGE_SIZE);
	return m->page[frame];
}

static void fill_bytes(struct fuzz_mem *m, struct fuzz_in *in)
{
	uint64_t addr = fuzz_u16(in);
	size_t len;

	addr |= (uint64_t)fuzz_u8(in) << 16;
	len = fuzz_u16(in);
	for (; len && in->left; len--, addr++) {
		uint8_t *page = writable(m, addr >> XL_PAGE_SHIFT);
		uint8_t b = fuzz_u8(in);

		if (page)
			page[addr & XL_PAGE_MASK] = b;
	}
}

static void fill_numbers(struct fuzz_mem *m, struct fuzz_in *in)
{
	uint64_t frame = fuzz_u16(in);
	uint16_t index = fuzz_u16(in), count = fuzz_u16(in);
	uint64_t v = fuzz_u64(in), step = fuzz_u64(in);
	uint8_t *page = writable(m, frame);

	for (uint32_t i = index; page && i < XL_PTES_PER_PAGE && i < (uint32_t)index + count; i++) {
		xl_put_le64(page + 8 * i, v);
		v += step;
	}
}

static void fill_copies(struct fuzz_mem *m, struct fuzz_in *in)
{
	uint64_t frame = fuzz_u16(in);
	uint16_t count = fuzz_u16(in), place = fuzz_u16(in);
	const uint8_t *from = fuzz_mem_page(m, frame);

	for (unsigned i = 1; i <= count; i++) {
		uint8_t *page = writable(m, frame + i);
		char digits[8];

		if (!from || !page)
			return;
		memcpy(page, from, XL_PAGE_SIZE);
		(void)snprintf(digits, sizeof(digits), "%03u", i % 1000);
		if (place < XL_PAGE_SIZE - 3)
			memcpy(page + place, digits, 3);
	}
}

void fuzz_mem_fill(struct fuzz_mem *m, struct fuzz_in *in)
{
	while (in->left) {
		switch (fuzz_u8(in)) {
		case 1:
			fill_bytes(m, in);
			break;
		case 2:
			fill_numbers(m, in);
			break;
		case 3:
			fill_copies(m, in);
			break;
		default:
			return;
		}
	}
}

const uint8_t *fuzz_mem_page(const struct fuzz_mem *m, uint64_t frame)
{
	if (frame >= FUZZ_FRAMES)
		return NULL;
	return m->page[frame] ? m->page[frame] : zeros;
}

int fuzz_mem_read(const struct fuzz_mem *m, uint64_t addr, void *buf, size_t len)
{
	uint8_t *out = buf;

	while (len) {
		const uint8_t *page = fuzz_mem_page(m, addr >> XL_PAGE_SHIFT);
		size_t off = addr & XL_PAGE_MASK;
		size_t n = XL_PAGE_SIZE - off < len ? XL_PAGE_SIZE - off : len;

		if (!page)
			return -EFAULT;
		memcpy(out, page + off, n);
		out += n;
		addr += n;
		len -= n;
	}
	return 0;
}
