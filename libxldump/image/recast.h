/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a dump of a PV guest as it was, with frames of the host in its page tables, to one of an
 * ordinary guest, and back. */
#ifndef XL_IMAGE_RECAST_H
#define XL_IMAGE_RECAST_H

#include "base/json.h"
#include "image/image.h"
#include "page/canonicalise.h"

struct xl_recast {
	struct xl_cut *cut; /* borrowed */
	enum { XL_RECAST_NOTHING, XL_RECAST_CANONICAL, XL_RECAST_RAW } to;
	struct xl_m2p m2p;
	uint8_t *level;       /* by pfn: of a page table; 0 for another page */
	struct xl_edits undo; /* what is put back, ascending */
};

/* Prepare the cut of an image, and pages by xl_recast_page(), for a file that is raw or not.  Nothing
 * happens if the image is that already.
 *
 * A raw file that does not list its page tables, as xl dump-core's, is searched for them.
 *
 * -EOPNOTSUPP when it cannot be done, with the reason. */
_must_check_ int xl_recast_init(struct xl_ctx *x, struct xl_image *img, struct xl_cut *cut, bool raw,
				struct xl_recast *ret);
void xl_recast_deinit(struct xl_recast *r);

/* One page, in place.  All pages of the cut must have been through it before the format is sealed. */
_must_check_ int xl_recast_page(struct xl_ctx *x, struct xl_recast *r, xl_pfn_t pfn,
				uint8_t page[XL_PAGE_SIZE]);

/* Bring our note up to date with what was done.  False: there is no memory. */
_must_check_ bool xl_recast_note(const struct xl_recast *r, struct json_object *note);

#endif
