/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a dump keeps its rules: all checks in their order, and what they have to say. */
#include "image/image_verify.h"

#include "image/verify_private.h"

/* Every page can be had: that alone is a check, where they are compressed of much. */
static int check_pages(struct xl_verify *v)
{
	uint8_t page[XL_PAGE_SIZE];

	for (xl_pfn_t pfn = xl_image_next_stored(v->img, 0); pfn < v->img->nr_pfns;
	     pfn = xl_image_next_stored(v->img, pfn + 1)) {
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
	xl_verify_done(v, "%" PRIu64 " pages can be %s", v->img->pages,
		       v->img->kind == XL_IMAGE_KDUMP ? "decompressed" : "read");
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
	if (r == 0 && !v->quick && !v->pages_read)
		r = run_check(v, check_pages);
	return r;
}
