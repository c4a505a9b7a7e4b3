/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the pipeline share. */
#ifndef XL_PAGE_PIPELINE_PRIVATE_H
#define XL_PAGE_PIPELINE_PRIVATE_H

#include "page/pipeline.h"
#include "page/spool.h"
#include "page/tables.h"

struct xl_pipeline {
	struct xl_ctx *x;
	struct xl_format *format; /* borrowed */
	struct xl_tables held;
	struct xl_candidates candidates; /* for xl_kernel_identify() */
	struct xl_bitmap put;            /* pfns that were read at least once */
	struct xl_spool spool;           /* what the judgement of pages needs to see */
	unsigned dump_level;             /* of that judgement; 0: all pages stay in */
	xl_pfn_t patch_pfn;              /* held although it is no page table; XL_INVALID_FRAME: none */
	bool raw;                        /* nothing is translated or patched */
};

#endif
