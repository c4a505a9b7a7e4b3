/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A judgement that follows the guest. */
#include "page/verdict.h"

#include <errno.h>

#define SPAN_SHIFT 10 /* pfns; the largest blocks of the buddy allocator */
#define GROUP_SHIFT 6 /* XL_MM_GROUP */
#define STRUCT_PAGE (XL_PAGE_SIZE >> GROUP_SHIFT)

/* In a byte: xl_page_kind in the low bits, above it the order; none is larger in earnest. */
#define KIND_BITS 3
#define ORDER_MAX 31

int xl_verdict_init(struct xl_verdict *v, const struct xl_kernel *k, unsigned level,
		    uint64_t nr_pfns)
{
	uint64_t spans = (nr_pfns >> SPAN_SHIFT) + 1;

	*v = (struct xl_verdict){
		.level = level, .nr_pfns = nr_pfns,
		.image_start = k->image_start >> XL_PAGE_SHIFT,
		.image_end = k->image_end >> XL_PAGE_SHIFT,
	};
	v->said = calloc(nr_pfns, sizeof(*v->said));
	v->group = calloc(nr_pfns, sizeof(*v->group));
	v->entry = calloc(spans + 1, sizeof(*v->entry));
	if (!v->said || !v->group || !v->entry || xl_bitmap_init(&v->changed, spans) < 0 ||
	    xl_bitmap_init(&v->present, nr_pfns) < 0 || xl_bitmap_init(&v->out, nr_pfns) < 0) {
		xl_verdict_deinit(v);
		return -ENOMEM;
	}
	for (uint64_t s = 0; s <= spans; s++)
		v->entry[s] = s << SPAN_SHIFT;
	return 0;
}

void xl_verdict_deinit(struct xl_verdict *v)
{
	free(v->said);
	free(v->group);
	free(v->entry);
	xl_bitmap_deinit(&v->changed);
	xl_bitmap_deinit(&v->present);
	xl_bitmap_deinit(&v->out);
	*v = (struct xl_verdict){ 0 };
}

void xl_verdict_place(struct xl_verdict *v, xl_pfn_t first, xl_pfn_t at)
{
	if (v->layout.size == STRUCT_PAGE && at < v->nr_pfns && first < v->nr_pfns)
		v->group[at] = (uint32_t)(first >> GROUP_SHIFT) + 1;
}

void xl_verdict_look(struct xl_verdict *v, xl_pfn_t pfn, const uint8_t *page)
{
	xl_pfn_t first;

	if (pfn >= v->nr_pfns || !v->group[pfn])
		return;
	first = (xl_pfn_t)(v->group[pfn] - 1) << GROUP_SHIFT;
	for (unsigned i = 0; i < XL_MM_GROUP && first + i < v->nr_pfns; i++) {
		const uint8_t *p = page + i * STRUCT_PAGE;
		unsigned order;
		enum xl_page_kind kind = xl_classify(&v->layout, v->level, first + i, p,
						     i + 1 < XL_MM_GROUP ? p + STRUCT_PAGE : NULL,
						     &order);
		uint8_t says = 0;

		if (kind != XL_KIND_KEPT)
			says = (uint8_t)((order < ORDER_MAX ? order : ORDER_MAX) << KIND_BITS | kind);
		if (says == v->said[first + i])
			continue;
		v->said[first + i] = says;
		xl_bitmap_set(&v->changed, first >> SPAN_SHIFT);
	}
}

/* From where the blocks before it end to its own end, or to that of its last block. */
static xl_pfn_t walk_span(struct xl_verdict *v, uint64_t span)
{
	xl_pfn_t pfn = v->entry[span], end = (span + 1) << SPAN_SHIFT;

	end = end < v->nr_pfns ? end : v->nr_pfns;
	for (xl_pfn_t i = pfn; i < end; i++)
		xl_bitmap_clear(&v->out, i);
	while (pfn < end) {
		uint64_t n = (uint64_t)1 << (v->said[pfn] >> KIND_BITS), left = v->nr_pfns - pfn;

		if (!v->said[pfn] || !xl_bitmap_test(&v->present, pfn)) {
			pfn++;
			continue;
		}
		for (n = n < left ? n : left; n; n--, pfn++)
			if (pfn < v->image_start || pfn >= v->image_end)
				xl_bitmap_set(&v->out, pfn);
	}
	return pfn;
}

void xl_verdict_walk(struct xl_verdict *v, const struct xl_bitmap *present)
{
	for (size_t i = 0; i < xl_bitmap_words(v->nr_pfns); i++)
		if (v->present.word[i] != present->word[i])
			xl_bitmap_set(&v->changed, (uint64_t)i * 64 >> SPAN_SHIFT);
	xl_bitmap_copy(&v->present, present);
	/* A block that goes on in the next span, or does not any more, changes that one too: the walk
	 * comes to it, for it goes upwards. */
	for (uint64_t s = xl_bitmap_next(&v->changed, 0); s < v->changed.nbits;
	     s = xl_bitmap_next(&v->changed, s + 1)) {
		xl_pfn_t begin = (s + 1) << SPAN_SHIFT, next;

		xl_bitmap_clear(&v->changed, s);
		next = walk_span(v, s);
		next = next > begin ? next : begin;
		if (v->entry[s + 1] == next)
			continue;
		v->entry[s + 1] = next;
		if (s + 1 < v->changed.nbits)
			xl_bitmap_set(&v->changed, s + 1);
	}
}
