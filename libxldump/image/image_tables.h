/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page tables of a PV guest, in a raw file that does not name them. */
#ifndef XL_IMAGE_IMAGE_TABLES_H
#define XL_IMAGE_IMAGE_TABLES_H

#include "cut/cut.h"
#include "guest/m2p.h"
#include "image/image.h"

/* The page tables of a raw image that does not list them: all that can be reached from an L4.  An L4
 * is known by entry 258, by which Xen maps each of them into itself.
 *
 * @param level  of nr_pfns bytes, zeroed
 * -ENOENT when there is no L4. */
_must_check_ int xl_image_find_tables(struct xl_ctx *x, struct xl_image *img,
				      const struct xl_m2p *m2p, uint8_t *level, uint64_t nr_pfns);

/* The same of a 32-bit guest, from its vCPUs.  Each level 3 is known by an entry below it, which Xen
 * makes the same in all. */
_must_check_ int xl_image_find_tables_32(struct xl_ctx *x, struct xl_image *img,
					 const struct xl_m2p *m2p, const struct xl_cut *cut,
					 uint8_t *level);

#endif
