/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the checks of a dump. */
#ifndef XL_IMAGE_VERIFY_PRIVATE_H
#define XL_IMAGE_VERIFY_PRIVATE_H

#include "image/image_private.h"
#include "image/image_verify.h"

/* Findings of one group of checks that are shown; further ones are only counted. */
#define XL_VERIFY_SHOWN 20

_printf_(2, 3) void xl_verify_broken(struct xl_verify *v, const char *fmt, ...);
_printf_(2, 3) void xl_verify_note(struct xl_verify *v, const char *fmt, ...);

/* Ends a check; says nothing if something was broken in it. */
_printf_(2, 3) void xl_verify_done(struct xl_verify *v, const char *fmt, ...);

_must_check_ int xl_verify_elf(struct xl_verify *v);
_must_check_ int xl_verify_notes(struct xl_verify *v);
_must_check_ int xl_verify_guest(struct xl_verify *v);
_must_check_ int xl_verify_digests(struct xl_verify *v);

#endif
