/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which pages the judgement at T of what is left out will need. */
#ifndef XL_CAPTURE_FILTER_PLAN_H
#define XL_CAPTURE_FILTER_PLAN_H

#include "capture/engine.h"

/* With a dump level: find the pages that must be seen at T to judge which are left out, and have the
 * pipeline keep them.  They count as never read afterwards.  Part of
 * xl_identify(). */
_must_check_ int xl_plan_filter(struct xl_engine *e);

#endif
