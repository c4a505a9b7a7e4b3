/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The digests in a file: of each page, and of all that is not a page. */
#ifndef XL_IMAGE_IMAGE_DIGESTS_H
#define XL_IMAGE_IMAGE_DIGESTS_H

#include "format/digest.h"
#include "image/image.h"

#define XL_DIGESTS_AT_ONCE 512

struct xl_image_digests {
	struct xl_image *img; /* borrowed */
	uint64_t offset;      /* of them in the file */
	uint64_t pages, meta;
	struct xl_digest_gaps gaps;
	uint64_t next; /* the entry that xl_image_digests_next() gives */
	uint8_t raw[8 * XL_DIGESTS_AT_ONCE];
};

/* -ENOENT: the file has none, without words.  -EINVAL: it should have, and what is there is damaged, or
 * of a version that is not known; the chain says so. */
_must_check_ int xl_image_digests_open(struct xl_ctx *x, struct xl_image *img,
				       struct xl_image_digests *ret);

/* Whether all that is not a page is as it was written. */
_must_check_ int xl_image_digests_meta(struct xl_ctx *x, const struct xl_image_digests *d,
				       bool *ret_same);

/* The digest of the next page, ascending by pfn. */
_must_check_ int xl_image_digests_next(struct xl_ctx *x, struct xl_image_digests *d, uint64_t *ret);

/* Refuse a damaged file in words, -EBADMSG; one without digests is not known to be.
 *
 * @param pages  look at every page, too */
_must_check_ int xl_image_check(struct xl_ctx *x, struct xl_image *img, bool pages);

/* What another program made from a file of ours has lost, in words; NULL: nothing is known to be. */
const char *xl_image_lost(const struct xl_image *img);

#endif
