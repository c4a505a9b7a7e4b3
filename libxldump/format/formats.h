/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The formats that there are. */
#ifndef XL_FORMAT_FORMATS_H
#define XL_FORMAT_FORMATS_H

#include "format/format.h"

/* Begin a file of the format that params name.
 *
 * @param sink  borrowed until the format is closed */
_must_check_ int xl_format_open(struct xl_ctx *x, const struct xl_layout *layout,
				struct xl_sink *sink, const struct xl_format_params *params,
				struct xl_format **ret);

/* Whether a 32-bit PV guest can have it: whether there is a reader for what would be written. */
bool xl_format_fits_narrow(enum xldump_format format);

/* Refuse in words if not. */
_must_check_ int xl_format_check_narrow(struct xl_ctx *x, enum xldump_format format);

#endif
