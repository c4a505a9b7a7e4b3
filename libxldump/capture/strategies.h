/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The strategies: a file strategy_NAME.c each, and a row in strategies[] (capture.c). */
#ifndef XL_CAPTURE_STRATEGIES_H
#define XL_CAPTURE_STRATEGIES_H

#include "base/cleanup.h"

struct xl_engine;

_must_check_ int xl_strategy_precopy(struct xl_engine *e);
_must_check_ int xl_strategy_rescan(struct xl_engine *e);
_must_check_ int xl_strategy_still(struct xl_engine *e);

#endif
