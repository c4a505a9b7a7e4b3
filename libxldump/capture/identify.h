/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The look at the guest's kernel. */
#ifndef XL_CAPTURE_IDENTIFY_H
#define XL_CAPTURE_IDENTIFY_H

#include "capture/engine.h"

/* The kernel among the pages that passed, if it is one: what xl_kernel_identify() returns.
 *
 * @param ret  xl_kernel_deinit() frees it */
_must_check_ int xl_identify_try(struct xl_engine *e, struct xl_kernel *ret);

/* Look for the guest's kernel among the pages that passed; fills cut->kernel.  Not finding one is
 * no error.  Marks the page that must be patched as one that must be read again. */
_must_check_ int xl_identify(struct xl_engine *e);

#endif
