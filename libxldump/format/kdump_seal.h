/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completes a kdump file. */
#ifndef XL_FORMAT_KDUMP_SEAL_H
#define XL_FORMAT_KDUMP_SEAL_H

#include "format/kdump_private.h"

/* When everything that was put is in the file, or in the store's buffer. */
_must_check_ int xl_kdump_seal(struct xl_ctx *x, struct xl_kdump *f, const struct xl_cut *cut);

#endif
