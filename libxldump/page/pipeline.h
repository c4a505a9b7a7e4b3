/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens to a page between the capture and the format: page tables wait for the cut and are
 * canonicalised then, one variable is patched, all else passes through.  Knows no hypervisor and
 * never runs inside a pause. */
#ifndef XL_PAGE_PIPELINE_H
#define XL_PAGE_PIPELINE_H

#include "base/ctx.h"
#include "cut/cut.h"
#include "format/format.h"

struct xl_pipeline;

struct xl_pipeline_params {
	struct xl_format *format; /* borrowed */
	uint64_t nr_pfns;
	uint64_t max_tables; /* page tables that are believed; a guest with more is refused */
	bool raw;            /* nothing is translated or patched */
	const struct xl_symbols *symbols; /* of the guest's kernel, borrowed; or NULL */
};

_must_check_ int xl_pipeline_create(struct xl_ctx *x, const struct xl_pipeline_params *params,
				    struct xl_pipeline **ret);

/* Accepts NULL. */
void xl_pipeline_destroy(struct xl_pipeline *p);

/* One page as it was read; the last one of a pfn wins.  type as of xl_copier_read(). */
_must_check_ int xl_pipeline_put(struct xl_pipeline *p, xl_pfn_t pfn, uint8_t type, const void *page);

/* The page is gone: what was put of it is worth nothing should it come back. */
void xl_pipeline_forget(struct xl_pipeline *p, xl_pfn_t pfn);

/* ---- what it knows ---- */

/* Pages that were put, and need not be put again unless they change. */
const struct xl_bitmap *xl_pipeline_seen(const struct xl_pipeline *p);

/* Pages that are kept for the judgement of the others; without words before xl_pipeline_filter(). */
const struct xl_bitmap *xl_pipeline_wanted(const struct xl_pipeline *p);

/* Pages that may describe the kernel, of those that were put; for xl_kernel_identify(). */
struct xl_candidates *xl_pipeline_candidates(struct xl_pipeline *p);

bool xl_pipeline_raw(const struct xl_pipeline *p);

/* ---- what is done at the end ---- */

/* From now on keep this page for the cut; it must be put once more. */
void xl_pipeline_hold(struct xl_pipeline *p, xl_pfn_t pfn);

/* Leave out pages by this level at the end.  From now on pages of `wanted`, which is taken over, are
 * kept for the judgement; those that were put before must be put once more, so they count as never
 * put.
 *
 * @param dir  for a temporary file as large as these pages; NULL: in memory */
_must_check_ int xl_pipeline_filter(struct xl_pipeline *p, unsigned dump_level, const char *dir,
				    struct xl_bitmap *wanted);

/* Translate and patch what was held, with the p2m in the cut; adds the edits and the list of tables
 * to it and makes the vCPUs canonical.  If raw, only the list is made.  Then seal the format. */
_must_check_ int xl_pipeline_seal(struct xl_pipeline *p, struct xl_cut *cut);

#endif
