/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an image to a format, page by page. */
#include "image/convert.h"

#include <stdlib.h>

#include "format/formats.h"
#include "image/image_cut.h"
#include "image/recast.h"

struct job {
	struct xl_ctx *x;
	struct xl_image *img;
	struct xl_cut *cut;
	struct xl_recast recast;
	struct xl_format *format;
};

static void job_deinit(struct job *j)
{
	xl_format_close(j->format);
	xl_recast_deinit(&j->recast);
	if (j->cut)
		xl_image_cut_deinit(j->cut);
	free(j->cut);
}

static int copy_pages(struct job *j)
{
	uint8_t page[XL_PAGE_SIZE];

	for (xl_pfn_t pfn = xl_image_next(j->img, 0); pfn < j->img->nr_pfns;
	     pfn = xl_image_next(j->img, pfn + 1)) {
		int r = xl_check_cancel(j->x);

		if (r == 0)
			r = xl_image_page(j->x, j->img, pfn, page);
		if (r == 0)
			r = xl_recast_page(j->x, &j->recast, pfn, page);
		if (r == 0)
			r = xl_format_put(j->x, j->format, pfn, page);
		if (r < 0)
			return r;
	}
	return 0;
}

int xl_image_convert(struct xl_ctx *x, struct xl_image *img, const struct xl_format_params *params,
		     struct xl_sink *sink)
{
	_cleanup_(job_deinit) struct job j = { .x = x, .img = img };
	struct xl_layout layout;
	int r;

	j.cut = calloc(1, sizeof(*j.cut));
	if (!j.cut)
		return xl_err(x, -ENOMEM, "convert a dump");
	r = xl_image_cut_init(x, img, j.cut);
	if (r == 0 && j.cut->narrow)
		r = xl_format_check_narrow(x, params->format);
	if (r == 0)
		r = xl_recast_init(x, img, j.cut, params->format == XLDUMP_FORMAT_XENCORE_RAW,
				   &j.recast);
	if (r < 0)
		return r;
	layout = (struct xl_layout){ .nr_pfns = j.cut->nr_pfns, .present = &j.cut->present,
				     .vcpus = j.cut->vcpus };
	r = xl_format_open(x, &layout, sink, params, &j.format);
	if (r == 0)
		r = copy_pages(&j);
	if (r == 0)
		r = xl_recast_finish(x, &j.recast);
	return r < 0 ? r : xl_format_seal(x, j.format, j.cut);
}
