/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a page of a Linux guest is used for, judged from its struct page: the kinds that
 * makedumpfile(8) leaves out by its dump level, by the same rules.  Pure. */
#ifndef XL_PAGE_CLASSIFY_H
#define XL_PAGE_CLASSIFY_H

#include "guest/mm.h"
#include "guest/page_kind.h"
#include "xldump.h"

/* Judge one page.
 *
 * @param level      XLDUMP_LEVEL_*
 * @param page       its struct page
 * @param next       that of the pfn after it; NULL: not known
 * @param ret_order  log2 of the pages from pfn on that the judgement is about; below 64
 * Returns XL_KIND_KEPT for one that this level does not leave out. */
enum xl_page_kind xl_classify(const struct xl_page_layout *l, unsigned level, xl_pfn_t pfn,
			      const uint8_t *page, const uint8_t *next, unsigned *ret_order);

#endif
