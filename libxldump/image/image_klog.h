/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of the Linux kernel in a dump. */
#ifndef XL_IMAGE_IMAGE_KLOG_H
#define XL_IMAGE_IMAGE_KLOG_H

#include "image/image_kernel.h"

/* One record of the log: time since boot and the text, which may have any bytes in it. */
typedef void (*xl_klog_fn)(void *data, uint64_t ns, const char *text, size_t len);

/* The kernel log, oldest record first.  -EOPNOTSUPP for a kernel whose log is not known (before
 * 3.5), -EINVAL when what is there makes no sense; records that do not are left out, and counted in
 * *ret_broken. */
_must_check_ int xl_image_klog(struct xl_ctx *x, const struct xl_image_vm *vm, xl_klog_fn fn,
			       void *data, uint64_t *ret_broken);

#endif
