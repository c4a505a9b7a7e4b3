/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pages that are left out of a dump: what must be seen to judge them is kept while it passes,
 * and judged once it is all of T. */
#include "page/pipeline_filter.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "page/canonicalise.h"
#include "page/filter.h"

int xl_pipeline_filter(struct xl_pipeline *p, unsigned dump_level, const char *dir,
		       struct xl_bitmap *wanted)
{
	const struct xl_bitmap *w = &p->spool.wanted;
	uint8_t type;
	int r = xl_spool_open(p->x, &p->spool, dir, wanted);

	if (r < 0)
		return r;
	p->dump_level = dump_level;
	for (xl_pfn_t pfn = xl_bitmap_next(w, 0); pfn < w->nbits; pfn = xl_bitmap_next(w, pfn + 1))
		if (!xl_tables_get(&p->held, pfn, &type))
			xl_bitmap_clear(&p->put, pfn);
	return 0;
}

/* The memory of T, as far as it is kept. */
struct kept {
	const struct xl_pipeline *p;
	const struct xl_m2p *m2p;
};

/* What is held is as the guest had it. */
static void read_held(const struct kept *k, const uint8_t *page, uint8_t type, size_t offset,
		      uint8_t *buf, size_t len)
{
	uint8_t entry[8];

	if (type < XL_PAGE_L1TAB || type > XL_PAGE_L4TAB) {
		memcpy(buf, page + offset, len);
		return;
	}
	for (size_t i = 0; i < len; i++, offset++) {
		if (i == 0 || offset % 8 == 0)
			xl_put_le64(entry, xl_canonical_entry(k->m2p, type, (unsigned)(offset / 8),
							      xl_get_le64(page + offset / 8 * 8)));
		buf[i] = entry[offset % 8];
	}
}

/* xl_read_part_fn */
static int read_part(void *data, xl_pfn_t pfn, size_t offset, void *buf, size_t len)
{
	const struct kept *k = data;
	const uint8_t *page;
	uint8_t type;

	if (pfn >= k->p->held.nr_pfns)
		return -EFAULT;
	page = xl_tables_get(&k->p->held, pfn, &type);
	if (!page)
		return xl_spool_get(&k->p->spool, pfn, offset, buf, len);
	read_held(k, page, type, offset, buf, len);
	return 0;
}

/* xl_read_fn */
static int read_kept(void *data, uint64_t paddr, void *buf, size_t len)
{
	return xl_read_across(paddr, buf, len, read_part, data);
}

/* Page tables of a PV guest, and the page that is patched, stay in whatever their struct page says. */
static int find_kept(const struct xl_pipeline *p, const struct xl_cut *cut, struct xl_bitmap *ret)
{
	int r = xl_bitmap_init(ret, cut->nr_pfns);

	if (r < 0)
		return xl_err(p->x, r, "allocate an index of %" PRIu64 " pages", cut->nr_pfns);
	for (xl_pfn_t pfn = xl_tables_next(&p->held, 0); pfn < ret->nbits;
	     pfn = xl_tables_next(&p->held, pfn + 1))
		if (!xl_bitmap_test(&cut->skipped, pfn)) /* it is one no more */
			xl_bitmap_set(ret, pfn);
	return 0;
}

/* Pages that were foreseen to be out, and are to be in by the page tables of T.  They have not been
 * read, so they are left out: it takes a kernel that moves its struct pages meanwhile. */
static void leave_out_skipped(struct xl_pipeline *p, const struct xl_cut *cut, struct xl_bitmap *out)
{
	uint64_t n = 0;

	for (xl_pfn_t pfn = xl_bitmap_next(&cut->skipped, 0); pfn < cut->skipped.nbits;
	     pfn = xl_bitmap_next(&cut->skipped, pfn + 1)) {
		if (xl_bitmap_test(out, pfn) || !xl_bitmap_test(&cut->present, pfn))
			continue;
		xl_bitmap_set(out, pfn);
		n++;
	}
	if (n)
		xl_log(p->x, XLDUMP_LOG_WARNING,
		       "%" PRIu64 " pages are missing that the level should keep, because the "
		       "guest's kernel moved its struct pages during the dump; dump again, or "
		       "without -d",
		       n);
}

static void apply(struct xl_pipeline *p, struct xl_cut *cut, struct xl_filter *f)
{
	struct xl_bitmap *out = &f->excluded;

	leave_out_skipped(p, cut, out);
	xl_bitmap_andnot(&cut->present, out);
	if (cut->suspect.nbits) {
		xl_bitmap_andnot(&cut->suspect, out);
		cut->suspects = xl_bitmap_count(&cut->suspect);
	}
	cut->dump_level = f->level;
	memcpy(cut->excluded_count, f->count, sizeof(f->count));
	cut->unjudged = f->unknown;
	cut->excluded = *out;
	*out = (struct xl_bitmap){ 0 };
}

int xl_pipeline_judge(struct xl_pipeline *p, struct xl_cut *cut, const struct xl_m2p *m2p)
{
	_cleanup_(xl_filter_deinit) struct xl_filter f = { 0 };
	_cleanup_(xl_bitmap_deinit) struct xl_bitmap stay = { 0 };
	struct kept kept = { p, m2p };
	int r;

	if (!p->dump_level)
		return 0;
	r = find_kept(p, cut, &stay);
	if (r == 0)
		r = xl_filter_judge(p->x, &cut->kernel, p->dump_level, &cut->present, &stay,
				    read_kept, &kept, &f);
	if (r == 0)
		apply(p, cut, &f);
	return r;
}
