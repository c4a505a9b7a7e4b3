/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages of the guest that are looked at after T, kept in a file without a name as they pass: the
 * dump itself may be a pipe, or compressed.  The last copy put wins. */
#ifndef XL_PAGE_SPOOL_H
#define XL_PAGE_SPOOL_H

#include "base/bitmap.h"
#include "base/ctx.h"

struct xl_spool {
	int fd;               /* -1: nothing is kept */
	uint32_t *slot;       /* by pfn, plus 1; 0: not put yet */
	uint32_t used;
	struct xl_bitmap wanted;
};

#define XL_SPOOL_NONE ((struct xl_spool){ .fd = -1 })

/* Keep the pages of `wanted`, which is taken over, from now on.
 *
 * @param dir  where the file is made; NULL: in memory.  The room it takes is that of these pages
 * Cause: OUTPUT */
_must_check_ int xl_spool_open(struct xl_ctx *x, struct xl_spool *s, const char *dir,
			       struct xl_bitmap *wanted);
void xl_spool_close(struct xl_spool *s);

static inline bool xl_spool_wants(const struct xl_spool *s, xl_pfn_t pfn)
{
	return xl_bitmap_test(&s->wanted, pfn);
}

/* One that is wanted.  NO_SPACE. */
_must_check_ int xl_spool_put(struct xl_ctx *x, struct xl_spool *s, xl_pfn_t pfn, const void *page);

/* -ENOENT: was not wanted, or never put. */
_must_check_ int xl_spool_get(const struct xl_spool *s, xl_pfn_t pfn, size_t offset, void *buf,
			      size_t len);

#endif
