/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens to a page between the capture and the format. */
#include "page/pipeline.h"

#include "base/bytes.h"
#include "page/canonicalise.h"
#include "page/pipeline_filter.h"
#include "page/pipeline_private.h"

int xl_pipeline_create(struct xl_ctx *x, const struct xl_pipeline_params *params,
		       struct xl_pipeline **ret)
{
	uint64_t nr_pfns = params->nr_pfns;
	struct xl_pipeline *p = malloc(sizeof(*p));
	int r;

	if (!p)
		return xl_err(x, -ENOMEM, "allocate an index of %" PRIu64 " pages", nr_pfns);
	*p = (struct xl_pipeline){
		.x = x, .format = params->format, .candidates.symbols = params->symbols,
		.raw = params->raw, .spool = XL_SPOOL_NONE, .patch_pfn = XL_INVALID_FRAME
	};
	r = xl_tables_init(&p->held, nr_pfns, params->max_tables);
	if (r == 0)
		r = xl_bitmap_init(&p->put, nr_pfns);
	if (r < 0) {
		xl_pipeline_destroy(p);
		return xl_err(x, r, "allocate an index of %" PRIu64 " pages", nr_pfns);
	}
	*ret = p;
	return 0;
}

void xl_pipeline_destroy(struct xl_pipeline *p)
{
	if (!p)
		return;
	xl_tables_deinit(&p->held);
	xl_bitmap_deinit(&p->put);
	xl_spool_close(&p->spool);
	free(p);
}

const struct xl_bitmap *xl_pipeline_seen(const struct xl_pipeline *p)
{
	return &p->put;
}

const struct xl_bitmap *xl_pipeline_wanted(const struct xl_pipeline *p)
{
	return &p->spool.wanted;
}

struct xl_candidates *xl_pipeline_candidates(struct xl_pipeline *p)
{
	return &p->candidates;
}

bool xl_pipeline_raw(const struct xl_pipeline *p)
{
	return p->raw;
}

void xl_pipeline_forget(struct xl_pipeline *p, xl_pfn_t pfn)
{
	xl_bitmap_clear(&p->put, pfn);
}

int xl_pipeline_put(struct xl_pipeline *p, xl_pfn_t pfn, uint8_t type, const void *page)
{
	int r;

	xl_bitmap_set(&p->put, pfn);
	if (type == XL_PAGE_NOTAB && pfn != p->patch_pfn) {
		xl_tables_drop(&p->held, pfn);
		xl_candidates_look(&p->candidates, pfn, page);
		r = xl_spool_wants(&p->spool, pfn) ? xl_spool_put(p->x, &p->spool, pfn, page) : 0;
		return r < 0 ? r : xl_format_put(p->x, p->format, pfn, page);
	}
	r = xl_tables_hold(&p->held, pfn, type, page);
	if (r == -E2BIG)
		return xl_fail(p->x, XLDUMP_CAUSE_UNSUPPORTED, r,
			       "more than %" PRIu64 " pages of the guest are page tables, which is "
			       "implausible",
			       p->held.limit);
	return r < 0 ? xl_err(p->x, r, "keep page table %#" PRIx64, pfn) : 0;
}

void xl_pipeline_hold(struct xl_pipeline *p, xl_pfn_t pfn)
{
	p->patch_pfn = pfn;
}

/* The variable by which crash judges a guest to be PV: zero in the dump, for the dump is one of an
 * auto-translated guest. */
static int patch_start_info(struct xl_pipeline *p, struct xl_cut *cut, uint8_t *page)
{
	uint64_t pa = cut->kernel.xen_start_info_pa;
	uint8_t *cell = page + (pa & XL_PAGE_MASK);
	uint64_t old = xl_get_le64(cell);

	if (old == 0)
		return 0;
	xl_put_le64(cell, 0);
	return xl_edits_add(&cut->edits, pa, old) < 0 ?
		       xl_err(p->x, -ENOMEM, "record a change") :
		       0;
}

static int finish_page(struct xl_pipeline *p, struct xl_cut *cut, const struct xl_m2p *m2p,
		       xl_pfn_t pfn)
{
	uint8_t copy[XL_PAGE_SIZE] __attribute__((__aligned__(8)));
	uint8_t type;
	const uint8_t *held = xl_tables_get(&p->held, pfn, &type);
	int r = 0;

	memcpy(copy, held, sizeof(copy));
	if (type >= XL_PAGE_L1TAB && type <= XL_PAGE_L4TAB) {
		if (!p->raw)
			r = (cut->narrow ? xl_canonicalise_pae : xl_canonicalise)(
				m2p, type, pfn, (uint64_t *)copy, &cut->edits);
		if (r < 0)
			return xl_err(p->x, r, "translate page table %#" PRIx64, pfn);
		cut->table[cut->tables++] = (struct xl_table){ pfn, type };
	} else if (pfn == p->patch_pfn) {
		r = patch_start_info(p, cut, copy);
		if (r < 0)
			return r;
	}
	return xl_format_put(p->x, p->format, pfn, copy);
}

static int finish_held(struct xl_pipeline *p, struct xl_cut *cut, const struct xl_m2p *m2p)
{
	for (xl_pfn_t pfn = xl_tables_next(&p->held, 0); pfn < p->held.nr_pfns;
	     pfn = xl_tables_next(&p->held, pfn + 1)) {
		int r;

		if (pfn == p->patch_pfn || !xl_bitmap_test(&cut->present, pfn))
			continue;
		r = finish_page(p, cut, m2p, pfn);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The patched page goes first: the list of edits has an end, and page tables could fill it. */
static int finish_patched(struct xl_pipeline *p, struct xl_cut *cut, const struct xl_m2p *m2p)
{
	uint8_t type;

	if (!xl_tables_get(&p->held, p->patch_pfn, &type) ||
	    !xl_bitmap_test(&cut->present, p->patch_pfn))
		return 0;
	return finish_page(p, cut, m2p, p->patch_pfn);
}

int xl_pipeline_seal(struct xl_pipeline *p, struct xl_cut *cut)
{
	_cleanup_(xl_m2p_deinit) struct xl_m2p m2p = { 0 };
	int r;

	cut->raw = p->raw;
	if (cut->p2m && !p->raw) {
		r = xl_m2p_init(&m2p, cut->p2m, cut->nr_pfns);
		if (r < 0)
			return xl_err(p->x, r, "invert the p2m of %" PRIu64 " pages", cut->nr_pfns);
		for (uint32_t i = 0; i < cut->vcpus; i++) {
			if (cut->vcpu[i].online)
				(cut->narrow ? xl_canonicalise_vcpu_32 : xl_canonicalise_vcpu)(
					&m2p, &cut->vcpu[i]);
		}
	}
	cut->table = calloc((size_t)p->held.used + 1, sizeof(*cut->table));
	if (!cut->table)
		return xl_err(p->x, -ENOMEM, "list of page tables");
	r = xl_pipeline_judge(p, cut, &m2p);
	if (r == 0)
		r = finish_patched(p, cut, &m2p);
	if (r == 0)
		r = finish_held(p, cut, &m2p);
	if (r < 0)
		return r;
	return xl_format_seal(p->x, p->format, cut);
}
