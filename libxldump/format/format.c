/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a file format does: the call goes to the format that it is. */
#include "format/format.h"

int xl_format_put(struct xl_ctx *x, struct xl_format *f, xl_pfn_t pfn, const void *page)
{
	return f->ops->put(x, f, pfn, page);
}

int xl_format_seal(struct xl_ctx *x, struct xl_format *f, const struct xl_cut *cut)
{
	return f->ops->seal(x, f, cut);
}

void xl_format_close(struct xl_format *f)
{
	if (f)
		f->ops->close(f);
}
