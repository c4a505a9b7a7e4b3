/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pages that are left out of a dump. */
#ifndef XL_PAGE_PIPELINE_FILTER_H
#define XL_PAGE_PIPELINE_FILTER_H

#include "guest/m2p.h"
#include "page/pipeline_private.h"

/* Judge which pages are left out, by what is kept and the kernel in the cut: moves them from
 * cut->present to cut->excluded.  Part of xl_pipeline_seal(). */
_must_check_ int xl_pipeline_judge(struct xl_pipeline *p, struct xl_cut *cut,
				   const struct xl_m2p *m2p);

#endif
