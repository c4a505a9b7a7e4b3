/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The strategies: a file strategy_NAME.c each, and a row in strategies[] (capture.c). */
#ifndef XL_CAPTURE_STRATEGIES_H
#define XL_CAPTURE_STRATEGIES_H

struct xl_engine;

int xl_strategy_precopy(struct xl_engine *e);
int xl_strategy_rescan(struct xl_engine *e);
int xl_strategy_still(struct xl_engine *e);

#endif
