/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages of a file that has memory as it is, by physical address: ELF with program headers or with
 * Xen's sections. */
#include <stdlib.h>
#include <string.h>

#include "image/image_private.h"

int xl_image_add_memory(struct xl_ctx *x, struct xl_ranges *all, uint64_t paddr, uint64_t len,
			uint64_t at, const char *what)
{
	/* What is in the file goes before what is only zeros, the first before the next. */
	uint64_t rank = at == XL_PIECE_ZEROS ? 0 : UINT64_MAX - all->n;
	int r;

	if (paddr >= XL_MAX_PFNS << XL_PAGE_SHIFT || len > (XL_MAX_PFNS << XL_PAGE_SHIFT) - paddr)
		return xl_image_bad(x,
				    "%s: pages from pfn %#" PRIx64
				    " on are beyond the 16 TiB that a "
				    "guest can have",
				    what, paddr >> XL_PAGE_SHIFT);
	if (len == 0)
		return 0;
	r = xl_ranges_add(all, &(struct xl_range){ paddr, len, at, rank });
	return r < 0 ? xl_err(x, r, "list of %zu ranges of memory", all->n) : 0;
}

/* Pages of which a byte is in the file. */
static uint64_t count_stored(const struct xl_pieces *mem)
{
	xl_pfn_t next = 0;
	uint64_t n = 0;

	for (size_t i = 0; i < mem->n; i++) {
		const struct xl_piece *p = &mem->piece[i];
		xl_pfn_t first = p->start >> XL_PAGE_SHIFT;
		xl_pfn_t end = (p->start + p->len + XL_PAGE_MASK) >> XL_PAGE_SHIFT;

		if (p->at == XL_PIECE_ZEROS)
			continue;
		n += end - (first > next ? first : next);
		next = end;
	}
	return n;
}

int xl_image_set_memory(struct xl_ctx *x, struct xl_image *img, struct xl_ranges *all)
{
	xl_pfn_t next = 0;
	int r;

	/* A file whose segments hold no memory may have it in sections. */
	xl_pieces_deinit(&img->mem);
	img->pages = 0;
	r = xl_pieces_init(&img->mem, all);
	if (r < 0)
		return xl_err(x, r, "order of %zu ranges of memory", all->n);
	for (size_t i = 0; i < img->mem.n; i++) {
		const struct xl_piece *p = &img->mem.piece[i];
		xl_pfn_t first = p->start >> XL_PAGE_SHIFT;
		xl_pfn_t end = (p->start + p->len + XL_PAGE_MASK) >> XL_PAGE_SHIFT;

		/* Two pieces may share a page. */
		img->pages += end - (first > next ? first : next);
		next = end;
	}
	img->nr_pfns = next;
	img->zeros = img->pages - count_stored(&img->mem);
	return 0;
}

xl_pfn_t xl_memory_next(const struct xl_image *img, xl_pfn_t pfn)
{
	size_t i = xl_pieces_find(&img->mem, pfn << XL_PAGE_SHIFT);
	xl_pfn_t first;

	if (i == img->mem.n)
		return img->nr_pfns;
	first = img->mem.piece[i].start >> XL_PAGE_SHIFT;
	return first > pfn ? first : pfn;
}

xl_pfn_t xl_memory_next_stored(struct xl_image *img, xl_pfn_t pfn)
{
	uint64_t paddr = pfn << XL_PAGE_SHIFT;

	for (size_t i = xl_pieces_find(&img->mem, paddr); i < img->mem.n; i++) {
		const struct xl_piece *p = &img->mem.piece[i];
		uint64_t skip = paddr > p->start ? paddr - p->start : 0, data;

		if (p->at == XL_PIECE_ZEROS)
			continue;
		data = xl_imgfile_next_data(img->file, p->at + skip);
		if (data < p->at + p->len)
			return (p->start + (data - p->at)) >> XL_PAGE_SHIFT;
	}
	return img->nr_pfns;
}

int xl_memory_where(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn, uint64_t *ret_offset,
		    uint64_t *ret_size)
{
	uint64_t paddr = pfn << XL_PAGE_SHIFT, skip;
	const struct xl_piece *p = &img->mem.piece[xl_pieces_find(&img->mem, paddr)];

	(void)x;
	*ret_offset = *ret_size = 0;
	if (p->start > paddr || p->at == XL_PIECE_ZEROS)
		return 0;
	skip = paddr - p->start;
	*ret_offset = p->at + skip;
	*ret_size = p->len - skip < XL_PAGE_SIZE ? p->len - skip : XL_PAGE_SIZE;
	return 0;
}

int xl_memory_page(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn, uint8_t ret[XL_PAGE_SIZE])
{
	uint64_t paddr = pfn << XL_PAGE_SHIFT, end = paddr + XL_PAGE_SIZE;

	memset(ret, 0, XL_PAGE_SIZE);
	for (size_t i = xl_pieces_find(&img->mem, paddr);
	     i < img->mem.n && img->mem.piece[i].start < end; i++) {
		const struct xl_piece *p = &img->mem.piece[i];
		uint64_t from = p->start > paddr ? p->start : paddr;
		uint64_t to = p->start + p->len < end ? p->start + p->len : end;
		uint64_t offset = p->at + (from - p->start);
		int r;

		if (p->at == XL_PIECE_ZEROS)
			continue;
		r = xl_imgfile_read(img->file, offset, ret + (from - paddr), to - from);
		if (r < 0)
			return xl_err(x, r, "page %#" PRIx64 " at offset %#" PRIx64, pfn, offset);
	}
	return 0;
}
