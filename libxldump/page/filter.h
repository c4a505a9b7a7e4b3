/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which pages of a Linux guest a dump leaves out at a dump level.  Pure: the memory is seen through
 * a reader. */
#ifndef XL_PAGE_FILTER_H
#define XL_PAGE_FILTER_H

#include "base/bitmap.h"
#include "page/classify.h"
#include "page/verdict.h"

struct xl_filter {
	unsigned level;
	struct xl_bitmap excluded;     /* pfns; only such as exist */
	uint64_t count[_XL_KINDS];     /* of them, by kind */
	uint64_t image;                /* left in although their kind is out: the kernel's own image */
	uint64_t unknown;              /* left in: they have no struct page, or none that can be read */
};

/* Judge all pages of a guest: at T, when the reader shows the memory of T.
 *
 * It reads every struct page of a page that exists at most once, and what it believes of them can
 * only put pages in or out.  The kernel image is left in whatever they say.
 *
 * @param present  pfns that exist
 * @param kept     of them, those that stay in whatever is said of them; NULL: none but the image
 * @param read     guest memory; a PV guest's page tables in their canonical form
 * Returns 0 and fills *ret, which xl_filter_deinit() frees; -ENOMEM; what xl_mm_init() returns;
 * -EIO with XLDUMP_CAUSE_UNSUPPORTED when not one page has a struct page. */
_must_check_ int xl_filter_judge(struct xl_ctx *x, const struct xl_kernel *k, unsigned level,
				 const struct xl_bitmap *present, const struct xl_bitmap *kept,
				 xl_read_fn read, void *data, struct xl_filter *ret);

/* Which pages xl_filter_judge() would read, if the guest were judged now: all that it needs to be
 * shown at T.  Where struct pages move, or appear, until then, it leaves in the pages they are of.
 *
 * @param wanted  as long as present; bits are added
 * @param follow  told where the struct pages are; NULL: nobody follows them
 * Returns 0, or what xl_filter_judge() returns. */
_must_check_ int xl_filter_plan(struct xl_ctx *x, const struct xl_kernel *k,
				const struct xl_bitmap *present, xl_read_fn read, void *data,
				struct xl_bitmap *wanted, struct xl_verdict *follow);

/* Accepts a zeroed structure. */
void xl_filter_deinit(struct xl_filter *f);

#endif
