/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump, written again in another format. */
#ifndef XL_IMAGE_CONVERT_H
#define XL_IMAGE_CONVERT_H

#include "format/format.h"
#include "image/image.h"

struct xl_convert {
	struct xl_format_params params;

	/* Go on where the file is damaged, as its digests tell.  The new file's note says for ever
	 * what was. */
	bool allow_damage;
};

/* Write all of an image into a sink, which the caller commits.  What the new file cannot have is said
 * by warnings.
 *
 * -EOPNOTSUPP for a format that this dump cannot have, with the reason; -EBADMSG for a damaged file. */
_must_check_ int xl_image_convert(struct xl_ctx *x, struct xl_image *img,
				  const struct xl_convert *how, struct xl_sink *sink);

/* Members of the note of a file that was made from a damaged one, "damaged": the pages, and whether
 * more than pages was. */
#define XL_DAMAGED_COUNT "count"
#define XL_DAMAGED_RANGES "ranges"
#define XL_DAMAGED_COMPLETE "complete"
#define XL_DAMAGED_HEADERS "headers"

#endif
