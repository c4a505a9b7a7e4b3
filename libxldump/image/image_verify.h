/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a dump keeps the rules of its format and the promises of its note. */
#ifndef XL_IMAGE_IMAGE_VERIFY_H
#define XL_IMAGE_IMAGE_VERIFY_H

#include "image/image.h"

enum xl_verify_level {
	XL_VERIFY_BROKEN, /* a rule does not hold */
	XL_VERIFY_NOTE,   /* what could not be checked, and why */
	XL_VERIFY_DONE,   /* a check that was made, with its numbers */
};

typedef void (*xl_verify_fn)(void *data, enum xl_verify_level level, const char *line);

struct xl_verify {
	struct xl_ctx *x;
	struct xl_image *img;
	bool quick;       /* do not read all pages */
	xl_verify_fn fn;
	void *data;

	bool pages_read;  /* they were all read in a check that was made */
	uint64_t broken;  /* rules that did not hold */
	uint64_t told;    /* of them, before the check under way */
	unsigned shown;   /* in the present group of checks */
};

/* All checks that fit this kind of file.  0, also when something is broken: look at v->broken.
 * Negative when the file could not be read, or the caller cancelled. */
_must_check_ int xl_image_verify(struct xl_verify *v);

#endif
