/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registers of the vCPUs in a dump. */
#ifndef XL_IMAGE_IMAGE_VCPUS_H
#define XL_IMAGE_IMAGE_VCPUS_H

#include "hv/hv.h"
#include "image/image.h"

/* As the file has them: frames in CR3 are those of its page tables.  free(*ret) also when there are
 * none.
 *
 * @param pv  of a PV guest: only there does a file of Xen's structures alone say so otherwise */
_must_check_ int xl_image_vcpus(struct xl_ctx *x, struct xl_image *img, bool pv,
				struct xl_vcpu **ret, uint32_t *ret_n);

#endif
