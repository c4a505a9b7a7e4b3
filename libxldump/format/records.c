/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has to be known to undo what was changed in a dump, and to find what was damaged. */
#include "format/records.h"

#include "base/bytes.h"
#include "format/digest_format.h"

void xl_records_p2m(struct xl_out *o, const struct xl_cut *cut)
{
	const xl_mfn_t *p2m = cut->p2m;

	for (xl_pfn_t pfn = 0; pfn < cut->nr_pfns;) {
		uint64_t n = 1;

		if (p2m[pfn] == XL_INVALID_FRAME) {
			pfn++;
			continue;
		}
		while (pfn + n < cut->nr_pfns && p2m[pfn + n] == p2m[pfn] + n)
			n++;
		xl_out_u64(o, pfn);
		xl_out_u64(o, p2m[pfn]);
		xl_out_u64(o, n);
		pfn += n;
	}
}

void xl_records_tables(struct xl_out *o, const struct xl_cut *cut)
{
	for (size_t i = 0; i < cut->tables; i++) {
		xl_out_u64(o, cut->table[i].pfn);
		xl_out_u64(o, cut->table[i].level);
	}
}

static int compare_edits(const void *a, const void *b)
{
	const struct xl_edit *l = a, *r = b;

	return l->paddr < r->paddr ? -1 : l->paddr > r->paddr;
}

int xl_records_edits(struct xl_out *o, const struct xl_cut *cut)
{
	_cleanup_free_ struct xl_edit *sorted = NULL;
	const struct xl_edits *e = &cut->edits;

	sorted = calloc(e->n, sizeof(*sorted));
	if (!sorted)
		return xl_err(o->x, -ENOMEM, "sort %zu edits", e->n);
	memcpy(sorted, e->edit, e->n * sizeof(*sorted));
	qsort(sorted, e->n, sizeof(*sorted), compare_edits);
	for (size_t i = 0; i < e->n; i++) {
		xl_out_u64(o, sorted[i].paddr);
		xl_out_u64(o, sorted[i].old);
	}
	return 0;
}

void xl_records_digests(struct xl_out *o, const struct xl_bitmap *present, const uint64_t *digest,
			const struct xl_digest_gaps *gaps, uint64_t meta)
{
	uint8_t h[DIGEST_HEADER_SIZE] = { 0 };

	memcpy(h, DIGEST_MAGIC, DIGEST_MAGIC_SIZE);
	xl_put_le32(h + DIGEST_VERSION_AT, DIGEST_VERSION);
	xl_put_le32(h + DIGEST_ALGORITHM_AT, DIGEST_XXH3_64);
	xl_put_le64(h + DIGEST_PAGES, xl_bitmap_count(present));
	xl_put_le64(h + DIGEST_META, meta);
	xl_put_le64(h + DIGEST_DATA, gaps->data);
	xl_put_le64(h + DIGEST_DATA_SIZE, gaps->data_size);
	xl_out_bytes(o, h, sizeof(h));
	for (xl_pfn_t pfn = xl_bitmap_next(present, 0); pfn < present->nbits;
	     pfn = xl_bitmap_next(present, pfn + 1))
		xl_out_u64(o, digest[pfn]);
}
