/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens to a page between the capture and the format: page tables wait for the cut and are
 * canonicalised then, one variable is patched, all else passes through.  Knows no hypervisor and
 * never runs inside a pause. */
#ifndef XL_PAGE_PIPELINE_H
#define XL_PAGE_PIPELINE_H

#include "base/ctx.h"
#include "cut/cut.h"
#include "format/format.h"
#include "page/canonicalise.h"
#include "page/spool.h"
#include "page/tables.h"
#include "page/verdict.h"

struct xl_pipeline {
	struct xl_ctx *x;
	struct xl_format *format; /* borrowed */
	struct xl_tables held;
	struct xl_candidates candidates; /* for xl_kernel_identify() */
	struct xl_bitmap put;            /* pfns that were read at least once */
	struct xl_spool spool;           /* what the judgement of pages needs to see */
	struct xl_verdict verdict;       /* what it would be now; follows nothing if nobody asks */
	struct xl_bitmap skipped;        /* pfns that were not read in their last state, as they will be out */
	unsigned dump_level;             /* of that judgement; 0: all pages stay in */
	xl_pfn_t patch_pfn;              /* held although it is no page table; XL_INVALID_FRAME: none */
	bool raw;                        /* nothing is translated or patched */
};

/* @param max_tables  page tables that are believed; a guest with more is refused */
_must_check_ int xl_pipeline_init(struct xl_ctx *x, struct xl_pipeline *p, struct xl_format *format,
				  uint64_t nr_pfns, uint64_t max_tables);
void xl_pipeline_deinit(struct xl_pipeline *p);

/* One page as it was read; the last one of a pfn wins.  type as of xl_copier_read(). */
int xl_pipeline_put(struct xl_pipeline *p, xl_pfn_t pfn, uint8_t type, const void *page);

/* From now on keep this page for the cut; it must be put once more. */
void xl_pipeline_hold(struct xl_pipeline *p, xl_pfn_t pfn);

/* Leave out pages by this level at the end.  From now on pages of `wanted`, which is taken over, are
 * kept for the judgement; those that were put before must be put once more, so they count as never
 * put.
 *
 * @param dir  for a temporary file as large as these pages; NULL: in memory */
int xl_pipeline_filter(struct xl_pipeline *p, unsigned dump_level, const char *dir,
		       struct xl_bitmap *wanted);

/* Judge which pages are left out, by what is kept and the kernel in the cut: moves them from
 * cut->present to cut->excluded.  Part of xl_pipeline_seal(). */
int xl_pipeline_judge(struct xl_pipeline *p, struct xl_cut *cut, const struct xl_m2p *m2p);

/* Translate and patch what was held, with the p2m in the cut; adds the edits and the list of tables
 * to it and makes the vCPUs canonical.  If raw, only the list is made.  Then seal the format. */
int xl_pipeline_seal(struct xl_pipeline *p, struct xl_cut *cut);

#endif
