/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One walk over the struct pages of a guest, in the order of the pfns. */
#include "page/filter.h"

#include <string.h>

struct judge {
	struct xl_filter *f;
	struct xl_mm mm;
	const struct xl_kernel *k;
	const struct xl_bitmap *present, *kept;
	xl_pfn_t group; /* whose struct pages are in buf */
	int group_r;
	uint8_t buf[XL_MM_GROUP * XL_MM_PAGE_MAX];
};

static void judge_freep(struct judge **j)
{
	free(*j);
}

/* A block of pages that are of one kind; its head may lie about the size, so it ends with memory. */
static xl_pfn_t exclude(struct judge *j, enum xl_page_kind kind, xl_pfn_t pfn, unsigned order)
{
	struct xl_filter *f = j->f;
	uint64_t left = j->present->nbits - pfn;
	uint64_t n = (uint64_t)1 << order;
	xl_pfn_t end = pfn + (n < left ? n : left);

	for (pfn = xl_bitmap_next(j->present, pfn); pfn < end;
	     pfn = xl_bitmap_next(j->present, pfn + 1)) {
		if (pfn >= j->k->image_start >> XL_PAGE_SHIFT &&
		    pfn < j->k->image_end >> XL_PAGE_SHIFT) {
			f->image++;
			continue;
		}
		if (j->kept && xl_bitmap_test(j->kept, pfn))
			continue;
		xl_bitmap_set(&f->excluded, pfn);
		f->count[kind]++;
	}
	return end;
}

/* Judge what the struct page of pfn is about; returns the pfn after that. */
static xl_pfn_t judge_page(struct judge *j, xl_pfn_t pfn)
{
	xl_pfn_t group = pfn & ~(xl_pfn_t)(XL_MM_GROUP - 1);
	unsigned i = (unsigned)(pfn - group), order, size = j->mm.page.size;
	const uint8_t *page = j->buf + (size_t)i * size;
	enum xl_page_kind kind;

	if (group != j->group) {
		j->group_r = xl_mm_group(&j->mm, group, j->buf);
		j->group = group;
	}
	if (j->group_r < 0) {
		j->f->unknown++;
		return pfn + 1;
	}
	kind = xl_classify(&j->mm.page, j->f->level, pfn, page,
			   i + 1 < XL_MM_GROUP ? page + size : NULL, &order);
	if (kind == XL_KIND_KEPT)
		return pfn + 1;
	return exclude(j, kind, pfn, order);
}

static int unreadable(struct xl_ctx *x)
{
	return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EIO,
		       "pages cannot be left out: the kernel's page tables do not lead to its "
		       "struct pages; dump without -d");
}

int xl_filter_judge(struct xl_ctx *x, const struct xl_kernel *k, unsigned level,
		    const struct xl_bitmap *present, const struct xl_bitmap *kept,
		    xl_read_fn read, void *data, struct xl_filter *ret)
{
	_cleanup_(judge_freep) struct judge *j = calloc(1, sizeof(*j));
	struct xl_filter f = { .level = level };
	uint64_t pages = 0;
	int r;

	if (!j)
		return xl_err(x, -ENOMEM, "decide which pages to leave out");
	r = xl_mm_init(x, &j->mm, k, read, data);
	if (r < 0)
		return r;
	r = xl_bitmap_init(&f.excluded, present->nbits);
	if (r < 0)
		return xl_err(x, r, "allocate an index of %" PRIu64 " pages", present->nbits);

	j->f = &f;
	j->k = k;
	j->present = present;
	j->kept = kept;
	j->group = UINT64_MAX;
	for (xl_pfn_t pfn = xl_bitmap_next(present, 0); pfn < present->nbits;
	     pfn = xl_bitmap_next(present, pfn)) {
		pfn = judge_page(j, pfn);
		pages++;
	}
	if (f.unknown && f.unknown == pages) {
		xl_filter_deinit(&f);
		return unreadable(x);
	}
	*ret = f;
	return 0;
}

/* ---- the plan ---- */

/* A reader that takes down what it is asked for. */
struct recorder {
	xl_read_fn read;
	void *data;
	struct xl_bitmap *wanted;
};

static void want(struct xl_bitmap *wanted, uint64_t paddr, uint64_t len)
{
	for (xl_pfn_t pfn = paddr >> XL_PAGE_SHIFT;
	     pfn <= (paddr + len - 1) >> XL_PAGE_SHIFT && pfn < wanted->nbits; pfn++)
		xl_bitmap_set(wanted, pfn);
}

static int read_recording(void *data, uint64_t paddr, void *buf, size_t len)
{
	struct recorder *r = data;

	want(r->wanted, paddr, len);
	return r->read(r->data, paddr, buf, len);
}

/* The struct pages of one group: where they are, not what they say. */
static int plan_group(struct xl_mm *mm, xl_pfn_t first, struct xl_bitmap *wanted,
		      struct xl_verdict *follow)
{
	uint64_t nr = first >> mm->section_pfn_bits, va, left, pa, n;
	int r = xl_mm_section(mm, nr, &va);

	va += (first - (nr << mm->section_pfn_bits)) * mm->page.size;
	for (left = (uint64_t)XL_MM_GROUP * mm->page.size; r == 0 && left; left -= n) {
		r = xl_mm_translate(mm, va, &pa, &n);
		if (r < 0)
			break;
		n = n < left ? n : left;
		want(wanted, pa, n);
		if (follow && n == XL_PAGE_SIZE && (pa & XL_PAGE_MASK) == 0)
			xl_verdict_place(follow, first, pa >> XL_PAGE_SHIFT);
		va += n;
	}
	return r;
}

int xl_filter_plan(struct xl_ctx *x, const struct xl_kernel *k, const struct xl_bitmap *present,
		   xl_read_fn read, void *data, struct xl_bitmap *wanted,
		   struct xl_verdict *follow)
{
	struct recorder recorder = { read, data, wanted };
	bool any = false;
	struct xl_mm mm;
	int r = xl_mm_init(x, &mm, k, read_recording, &recorder);

	if (r < 0)
		return r;
	if (follow)
		follow->layout = mm.page;
	for (xl_pfn_t pfn = xl_bitmap_next(present, 0); pfn < present->nbits;) {
		xl_pfn_t group = pfn & ~(xl_pfn_t)(XL_MM_GROUP - 1);

		any |= plan_group(&mm, group, wanted, follow) == 0;
		pfn = xl_bitmap_next(present, group + XL_MM_GROUP);
	}
	return any ? 0 : unreadable(x);
}

void xl_filter_deinit(struct xl_filter *f)
{
	xl_bitmap_deinit(&f->excluded);
}
