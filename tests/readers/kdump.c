/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kdump-compressed file. */
#include "kdump.h"

#include <inttypes.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define BLOCK 4096ULL
#define PER_RANK 4096

static uint32_t u32(const unsigned char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t u64(const unsigned char *p)
{
	return u32(p) | (uint64_t)u32(p + 4) << 32;
}

static int fail(struct kdump *k, const char *why)
{
	(void)snprintf(k->error, sizeof(k->error), "%s", why);
	return -1;
}

static bool inside(const struct kdump *k, uint64_t offset, uint64_t size)
{
	return offset <= k->size && size <= k->size - offset;
}

bool kdump_is(const void *file, uint64_t size)
{
	return size >= 8 && memcmp(file, "KDUMP   ", 8) == 0;
}

static bool bit(const unsigned char *map, uint64_t n)
{
	return map[n / 8] >> (n % 8) & 1;
}

bool kdump_has(const struct kdump *k, uint64_t pfn)
{
	return pfn < k->max_mapnr && bit(k->bitmap2, pfn);
}

static int check_header(struct kdump *k, uint64_t *ret_sub, uint64_t *ret_bitmap)
{
	const unsigned char *h = k->file;
	uint64_t usec;

	if (!kdump_is(h, k->size) || k->size < 2 * BLOCK)
		return fail(k, "no kdump signature, or no headers");
	if (u32(h + 8) != 6)
		return fail(k, "header_version is not 6");
	if (u32(h + 428) != BLOCK)
		return fail(k, "block_size is not 4096");
	/* libkdumpfile: a header of 32 bits has its block size here. */
	usec = u64(h + 416);
	if (usec)
		return fail(k, "tv_usec could be taken for a block size");
	/* libkdumpfile: without them the architecture is not known. */
	if (strcmp((const char *)h + 12 + 4 * 65, "x86_64") != 0)
		return fail(k, "utsname.machine is not x86_64");
	for (int i = 0; i < 6; i++) {
		if (!memchr(h + 12 + i * 65, 0, 65))
			return fail(k, "a text of utsname does not end");
	}
	k->status = u32(h + 424);
	if (k->status & ~0x27U)
		return fail(k, "status has flags that are no codec's");
	k->nr_cpus = u32(h + 460);
	if (!k->nr_cpus)
		return fail(k, "nr_cpus is 0");
	*ret_sub = u32(h + 432);
	*ret_bitmap = u32(h + 436);
	k->max_mapnr = u64(h + BLOCK + 96);
	if (u32(h + 440) != (k->max_mapnr < UINT32_MAX ? k->max_mapnr : UINT32_MAX))
		return fail(k, "max_mapnr and max_mapnr_64 differ");
	if (u32(h + BLOCK + 12))
		return fail(k, "split is not 0");
	return 0;
}

static int check_bitmaps(struct kdump *k, uint64_t sub, uint64_t blocks)
{
	uint64_t need = ((k->max_mapnr + 7) / 8 + BLOCK - 1) / BLOCK * 2;
	uint64_t start = (1 + sub) * BLOCK, len = blocks * BLOCK, n = 0;

	/* crash takes it for a partial dump only if there are two that are large enough. */
	if (blocks < need || blocks % 2)
		return fail(k, "bitmap_blocks does not fit max_mapnr");
	if (!inside(k, start, len))
		return fail(k, "the bitmaps lie outside of the file");
	k->bitmap1 = k->file + start;
	k->bitmap2 = k->bitmap1 + len / 2;
	k->desc = k->bitmap1 + len;
	k->rank = calloc(k->max_mapnr / PER_RANK + 1, sizeof(*k->rank));
	if (!k->rank)
		return fail(k, "out of memory");
	for (uint64_t pfn = 0; pfn < len / 2 * 8; pfn++) {
		if (pfn % PER_RANK == 0 && pfn <= k->max_mapnr)
			k->rank[pfn / PER_RANK] = n;
		if (!bit(k->bitmap2, pfn))
			continue;
		if (pfn >= k->max_mapnr)
			return fail(k, "a page beyond max_mapnr");
		if (!bit(k->bitmap1, pfn))
			return fail(k, "a page that is dumped and is no memory");
		n++;
	}
	k->pages = n;
	if (!inside(k, start + len, n * 24))
		return fail(k, "the descriptors lie outside of the file");
	return 0;
}

static int check_notes(struct kdump *k)
{
	uint64_t at = 0;
	unsigned registers = 0;

	k->vmcoreinfo = u64(k->file + BLOCK + 32);
	k->vmcoreinfo_size = u64(k->file + BLOCK + 40);
	k->notes = u64(k->file + BLOCK + 48);
	k->notes_size = u64(k->file + BLOCK + 56);
	if (!inside(k, k->notes, k->notes_size) || !inside(k, k->vmcoreinfo, k->vmcoreinfo_size))
		return fail(k, "notes lie outside of the file");
	while (at < k->notes_size) {
		const unsigned char *n = k->file + k->notes + at;
		uint64_t name, desc;

		if (k->notes_size - at < 12)
			return fail(k, "the last note is cut off");
		name = (u32(n) + 3ULL) / 4 * 4;
		desc = (u32(n + 4) + 3ULL) / 4 * 4;
		if (name + desc > k->notes_size - at - 12)
			return fail(k, "a note goes beyond the end");
		registers += u32(n + 8) == 1;
		if (u32(n) == 11 && !memcmp(n + 12, "VMCOREINFO", 11) &&
		    (k->vmcoreinfo != k->notes + at + 12 + name ||
		     k->vmcoreinfo_size != u32(n + 4)))
			return fail(k, "the sub header does not point to the text of VMCOREINFO");
		at += 12 + name + desc;
	}
	/* crash drops the registers of all if it is not one for each CPU. */
	return registers == k->nr_cpus ? 0 : fail(k, "not one PRSTATUS for each CPU");
}

static int check_descriptors(struct kdump *k)
{
	uint64_t first = (uint64_t)(k->desc - k->file) + k->pages * 24;

	for (uint64_t i = 0; i < k->pages; i++) {
		const unsigned char *d = k->desc + i * 24;
		uint64_t offset = u64(d);
		uint32_t size = u32(d + 8), flags = u32(d + 12);

		if (offset < first || !inside(k, offset, size))
			return fail(k, "a page lies in the tables or outside of the file");
		if (flags == 0 ? size != BLOCK : size == 0 || size > BLOCK)
			return fail(k, "the size of a page and its flags do not fit");
		if (flags & ~k->status || flags & (flags - 1))
			return fail(k, "a page has a flag that the header has not");
		if (u64(d + 16))
			return fail(k, "page_flags is not 0");
	}
	return 0;
}

int kdump_open(struct kdump *k, const void *file, uint64_t size)
{
	uint64_t sub = 0, bitmap = 0;

	memset(k, 0, sizeof(*k));
	k->file = file;
	k->size = size;
	if (check_header(k, &sub, &bitmap) < 0 || check_bitmaps(k, sub, bitmap) < 0 ||
	    check_notes(k) < 0)
		return -1;
	return check_descriptors(k);
}

void kdump_close(struct kdump *k)
{
	free(k->rank);
}

struct kdump_desc kdump_desc(const struct kdump *k, uint64_t pfn)
{
	uint64_t n = k->rank[pfn / PER_RANK];
	const unsigned char *d;

	for (uint64_t i = pfn / PER_RANK * PER_RANK; i < pfn; i++)
		n += bit(k->bitmap2, i);
	d = k->desc + n * 24;
	return (struct kdump_desc){ u64(d), u32(d + 8), u32(d + 12) };
}

int kdump_page(struct kdump *k, uint64_t pfn, unsigned char ret[4096])
{
	struct kdump_desc d = kdump_desc(k, pfn);
	const unsigned char *from = k->file + d.offset;
	uLongf zlib = BLOCK;
	lzo_uint lzo = BLOCK;
	size_t snappy = BLOCK, zstd;

	switch (d.flags) {
	case 0:
		memcpy(ret, from, BLOCK);
		return 0;
	case 0x1:
		if (uncompress(ret, &zlib, from, d.size) == Z_OK && zlib == BLOCK)
			return 0;
		return fail(k, "zlib cannot read a page");
	case 0x2:
		if (lzo1x_decompress_safe(from, d.size, ret, &lzo, NULL) == LZO_E_OK &&
		    lzo == BLOCK)
			return 0;
		return fail(k, "lzo cannot read a page");
	case 0x4:
		if (snappy_uncompress((const char *)from, d.size, (char *)ret, &snappy) ==
			    SNAPPY_OK &&
		    snappy == BLOCK)
			return 0;
		return fail(k, "snappy cannot read a page");
	case 0x20:
		zstd = ZSTD_decompress(ret, BLOCK, from, d.size);
		return zstd == BLOCK ? 0 : fail(k, "zstd cannot read a page");
	}
	return fail(k, "a page of an unknown codec");
}

const unsigned char *kdump_note(const struct kdump *k, const char *name, unsigned n,
				uint32_t *ret_type, uint32_t *ret_size)
{
	uint64_t at = 0;

	while (at < k->notes_size) {
		const unsigned char *p = k->file + k->notes + at;
		uint64_t names = (u32(p) + 3ULL) / 4 * 4, desc = (u32(p + 4) + 3ULL) / 4 * 4;

		if (u32(p) == strlen(name) + 1 && !memcmp(p + 12, name, u32(p)) && n-- == 0) {
			*ret_size = u32(p + 4);
			*ret_type = u32(p + 8);
			return p + 12 + names;
		}
		at += 12 + names + desc;
	}
	return NULL;
}
