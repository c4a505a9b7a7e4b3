/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public handle. */
#ifndef XL_HANDLE_H
#define XL_HANDLE_H

#include "base/ctx.h"
#include "hv/backend.h"
#include "hv/hv.h"

struct xldump {
	struct xl_ctx ctx;
	struct xl_hv *hv;
	struct xl_backend backend;
};

/* Forget the last failure; every public call that can fail begins with it. */
struct xl_ctx *xl_handle_begin(struct xldump *xl);

/* Undo what dead dumps left on this host.  Not being able to is no reason to fail: a warning. */
void xl_handle_recover(struct xldump *xl);

/* The domain of this id as the public structure has it. */
void xl_handle_describe(struct xldump *xl, const struct xl_domain *dom, struct xldump_domain *ret);

#endif
