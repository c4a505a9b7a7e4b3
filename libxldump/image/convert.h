/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump, written again in another format. */
#ifndef XL_IMAGE_CONVERT_H
#define XL_IMAGE_CONVERT_H

#include "format/format.h"
#include "image/image.h"

/* Write all of an image into a sink, which the caller commits.
 *
 * -EOPNOTSUPP for a format that this dump cannot have, with the reason. */
_must_check_ int xl_image_convert(struct xl_ctx *x, struct xl_image *img,
				  const struct xl_format_params *params, struct xl_sink *sink);

#endif
