/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The digests in a file: which page was damaged, or whether it was what describes them. */
#include <stdlib.h>

#include "image/image_digests.h"
#include "image/verify_private.h"

/* A page that is not as it was.  The file may have had it compressed: then it may be gone. */
static int check_page(struct xl_verify *v, xl_pfn_t pfn, uint64_t want)
{
	uint8_t page[XL_PAGE_SIZE];
	uint64_t offset = 0, size;
	int r = xl_image_page(v->x, v->img, pfn, page);

	if (r == -EINVAL || r == -EOPNOTSUPP) {
		xl_verify_broken(v, "%s", v->x->err);
		xl_err_clear(v->x);
		return 0;
	}
	if (r < 0 || xl_digest_page(page) == want)
		return r;
	r = xl_image_where(v->x, v->img, pfn, &offset, &size);
	if (r == 0)
		xl_verify_broken(v,
				 "page %#" PRIx64 " (address %#" PRIx64 ", offset %#" PRIx64 " of "
				 "the file) has changed since it was written", pfn,
				 pfn << XL_PAGE_SHIFT,
				 offset);
	return r;
}

static int check_pages(struct xl_verify *v, struct xl_image_digests *d)
{
	for (xl_pfn_t pfn = xl_image_next(v->img, 0); pfn < v->img->nr_pfns;
	     pfn = xl_image_next(v->img, pfn + 1)) {
		uint64_t want;
		int r = xl_check_cancel(v->x);

		if (r == 0)
			r = xl_image_digests_next(v->x, d, &want);
		if (r == 0)
			r = check_page(v, pfn, want);
		if (r < 0)
			return r;
	}
	xl_verify_done(v, "digests of %" PRIu64 " pages", d->pages);
	return 0;
}

int xl_verify_digests(struct xl_verify *v)
{
	_cleanup_free_ struct xl_image_digests *d = malloc(sizeof(*d));
	bool same;
	int r;

	if (!d)
		return xl_err(v->x, -ENOMEM, "check the digests");
	if (xl_image_lost(v->img))
		xl_verify_broken(v, "%s", xl_image_lost(v->img));
	r = xl_image_digests_open(v->x, v->img, d);
	if (r == -ENOENT)
		xl_verify_note(v,
			       "the file has no digests, so damage to the contents of pages cannot "
			       "be detected");
	else if (r < 0)
		xl_verify_broken(v, "%s", v->x->err);
	if (r < 0) {
		xl_err_clear(v->x);
		return 0;
	}
	r = xl_image_digests_meta(v->x, d, &same);
	if (r < 0)
		return r;
	if (same)
		xl_verify_done(v, "digest of everything except the pages");
	else
		xl_verify_broken(v,
				 "what describes the pages (headers, notes, sections) has changed "
				 "since it was written");
	if (v->quick)
		return 0;
	v->pages_read = true;
	return check_pages(v, d);
}
