/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a dump keeps its rules: all checks in their order, and what they have to say. */
#include "image/image_verify.h"

#include <stdio.h>

#include "image/image_private.h"

_printf_(3, 0) static void say(struct xl_verify *v, enum xl_verify_level level, const char *fmt,
			       va_list ap)
{
	char line[XL_ERR_MAX];

	(void)vsnprintf(line, sizeof(line), fmt, ap);
	v->fn(v->data, level, line);
}

void xl_verify_broken(struct xl_verify *v, const char *fmt, ...)
{
	va_list ap;

	v->broken++;
	if (v->shown++ >= XL_VERIFY_SHOWN)
		return;
	va_start(ap, fmt);
	say(v, XL_VERIFY_BROKEN, fmt, ap);
	va_end(ap);
}

void xl_verify_note(struct xl_verify *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(v, XL_VERIFY_NOTE, fmt, ap);
	va_end(ap);
}

void xl_verify_done(struct xl_verify *v, const char *fmt, ...)
{
	va_list ap;

	if (v->broken == v->told) {
		va_start(ap, fmt);
		say(v, XL_VERIFY_DONE, fmt, ap);
		va_end(ap);
	}
	v->told = v->broken;
}

/* Every page can be had: that alone is a check where they are compressed. */
static int check_pages(struct xl_verify *v)
{
	uint8_t page[XL_PAGE_SIZE];

	for (xl_pfn_t pfn = xl_image_next(v->img, 0); pfn < v->img->nr_pfns;
	     pfn = xl_image_next(v->img, pfn + 1)) {
		int r = xl_image_page(v->x, v->img, pfn, page);

		if (r == 0)
			r = xl_check_cancel(v->x);
		if (r == -EINVAL || r == -EOPNOTSUPP) {
			xl_verify_broken(v, "%s", v->x->err);
			xl_err_clear(v->x);
		} else if (r < 0) {
			return r;
		}
	}
	xl_verify_done(v, "%" PRIu64 " pages can be decompressed", v->img->pages);
	return 0;
}

static int run_check(struct xl_verify *v, int (*check)(struct xl_verify *v))
{
	int r;

	v->shown = 0;
	r = check(v);
	if (v->shown > XL_VERIFY_SHOWN)
		xl_verify_note(v, "and %u more of that kind", v->shown - XL_VERIFY_SHOWN);
	return r;
}

int xl_image_verify(struct xl_verify *v)
{
	int r = 0;

	if (v->img->kind != XL_IMAGE_KDUMP)
		r = run_check(v, xl_verify_elf);
	if (r == 0)
		r = run_check(v, xl_verify_notes);
	if (r == 0)
		r = run_check(v, xl_verify_guest);
	if (r == 0)
		r = run_check(v, xl_verify_digests);
	if (r == 0 && v->img->kind == XL_IMAGE_KDUMP && !v->quick && !v->pages_read)
		r = run_check(v, check_pages);
	return r;
}
