/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules by which one struct page says what its page is used for; the first that fits counts.
 *
 * They are those of makedumpfile's __exclude_unnecessary_pages(), with one difference: without
 * PG_slab (Linux 6.10) makedumpfile takes flag 7 for it, which is another one by then. */
#include "page/classify.h"

#include "base/bytes.h"

#define MAPPING_ANON 1ULL /* PAGE_MAPPING_ANON (include/linux/page-flags.h) */
#define HEAD_TAIL 1ULL    /* of compound_head: this is a tail page */

#define ORDER_MAX 63

/* What the rules look at. */
struct look {
	const struct xl_page_layout *l;
	uint64_t flags;
	uint32_t mapcount;
	bool slab, anon, hugetlb;
	unsigned order; /* of a compound page, by its head; 0 otherwise */
};

static uint64_t field(const uint8_t *page, int offset, unsigned width)
{
	switch (width) {
	case 1:
		return page[offset];
	case 2:
		return xl_get_le16(page + offset);
	case 4:
		return xl_get_le32(page + offset);
	default:
		return xl_get_le64(page + offset);
	}
}

/* Order, and whether it is hugetlb: of a compound page, from the struct page after its head. */
static void look_next(struct look *k, xl_pfn_t pfn, const uint8_t *next)
{
	const struct xl_page_layout *l = k->l;
	uint64_t flags = field(next, l->flags, 8), order = 0;

	if (l->order_in_flags)
		order = flags & 0xff;
	else if (l->next_order != XL_MM_ABSENT)
		order = field(next, l->next_order, l->order_width);
	/* Blocks of pages are aligned to their size.  One that is not is a tail page that shows its
	 * head's memory (hugetlb pages share their struct pages), or a lie. */
	if (order <= ORDER_MAX && (pfn & (((uint64_t)1 << order) - 1)) == 0)
		k->order = (unsigned)order;

	if (l->has_hugetlb_type)
		return;
	if (l->order_in_flags)
		k->hugetlb = flags & l->next_hugetlb;
	else if (l->next_dtor != XL_MM_ABSENT && l->has_dtor_id)
		k->hugetlb = field(next, l->next_dtor, l->dtor_width) == l->dtor_id;
}

static struct look look(const struct xl_page_layout *l, xl_pfn_t pfn, const uint8_t *page,
			const uint8_t *next)
{
	struct look k = {
		.l = l,
		.flags = field(page, l->flags, 8),
		.mapcount = (uint32_t)field(page, l->mapcount, 4),
	};
	bool head = k.flags & l->head_mask;

	k.slab = (k.flags & l->slab) || (l->has_slab_type && k.mapcount == l->slab_type);
	k.anon = (field(page, l->mapping, 8) & MAPPING_ANON) && !k.slab;
	k.hugetlb = head && l->has_hugetlb_type && k.mapcount == l->hugetlb_type;
	if (head && next)
		look_next(&k, pfn, next);
	return k;
}

/* Page cache, or a page that is about to be swapped: with swap there is a copy of both. */
static bool is_cache(const struct look *k)
{
	const struct xl_page_layout *l = k->l;

	return (k->flags & l->lru) ||
	       ((k->flags & l->swapcache) && (!l->swapbacked || (k->flags & l->swapbacked)));
}

/* Free ones: the order is that of the buddy allocator. */
static enum xl_page_kind judge_free(const struct look *k, const uint8_t *page, unsigned *order)
{
	uint64_t have = field(page, k->l->private_, 8);

	if (!k->slab && k->mapcount == k->l->buddy) {
		if (have >= k->l->max_order)
			return XL_KIND_KEPT;
		*order = (unsigned)have;
		return XL_KIND_FREE;
	}
	*order = k->l->max_order - 1;
	return XL_KIND_FREE;
}

static bool is_free(const struct look *k)
{
	const struct xl_page_layout *l = k->l;

	return (!k->slab && k->mapcount == l->buddy) ||
	       (l->has_unaccepted && k->mapcount == l->unaccepted);
}

static enum xl_page_kind judge_used(const struct look *k, unsigned level)
{
	const struct xl_page_layout *l = k->l;
	bool private = k->flags & l->private_flag;

	if (is_cache(k) && !k->anon) {
		if ((level & XLDUMP_LEVEL_CACHE) && !private)
			return XL_KIND_CACHE;
		if (level & XLDUMP_LEVEL_CACHE_PRIVATE)
			return private ? XL_KIND_CACHE_PRIVATE : XL_KIND_CACHE;
	}
	if ((level & XLDUMP_LEVEL_USER) && (k->anon || k->hugetlb))
		return XL_KIND_USER;
	if (k->flags & l->hwpoison)
		return XL_KIND_HWPOISON;
	if (l->has_offline && !k->slab && k->mapcount == l->offline)
		return XL_KIND_OFFLINE;
	return XL_KIND_KEPT;
}

enum xl_page_kind xl_classify(const struct xl_page_layout *l, unsigned level, xl_pfn_t pfn,
			      const uint8_t *page, const uint8_t *next, unsigned *ret_order)
{
	struct look k;

	*ret_order = 0;
	/* A tail page is judged with its head. */
	if (l->head != XL_MM_ABSENT && (field(page, l->head, 8) & HEAD_TAIL))
		return XL_KIND_KEPT;
	k = look(l, pfn, page, next);
	if ((level & XLDUMP_LEVEL_FREE) && is_free(&k))
		return judge_free(&k, page, ret_order);
	*ret_order = k.order;
	return judge_used(&k, level);
}
