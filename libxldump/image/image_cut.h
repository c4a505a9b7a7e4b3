/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump as what it was made from: for writing it again in another format. */
#ifndef XL_IMAGE_IMAGE_CUT_H
#define XL_IMAGE_IMAGE_CUT_H

#include "cut/cut.h"
#include "image/image.h"

/* The cut of an image, as far as the file has it: pages, registers, the host's version, the kernel,
 * the p2m, what was changed.  Texts of the note are not taken apart: cut->note is that of the file.
 *
 * All pages are looked at for the kernel.  The image must live as long as the cut.  Page tables are as
 * they are in the file: cut->raw says how, and image/recast.h changes it.
 */
_must_check_ int xl_image_cut_init(struct xl_ctx *x, struct xl_image *img, struct xl_cut *cut);

/* The notes of a dump, but for those that the new file makes anew; with those of the vCPUs or without,
 * and without a VMCOREINFO that is of another kernel than the cut's.  ret->data is the caller's; xl_image_cut_deinit() frees it where it is a part of the cut. */
_must_check_ int xl_image_keep_notes(struct xl_ctx *x, const struct xl_image *img, bool registers,
				     const struct xl_kernel *kernel, struct xl_kept_notes *ret);

/* Frees what xl_image_cut_init() has made, and all else of the cut. */
void xl_image_cut_deinit(struct xl_cut *cut);

#endif
