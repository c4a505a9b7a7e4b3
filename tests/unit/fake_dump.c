/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump of the guest of fake_hv.h into memory. */
#include "fake_dump.h"

#include <string.h>

#include "capture/capture.h"
#include "hv/undo.h"

static struct fake_dump *out;

static int fake_put(struct xl_ctx *x, struct xl_format *f, xl_pfn_t pfn, const void *page)
{
	(void)x;
	(void)f;
	memcpy(&out->page[pfn], page, sizeof(out->page[pfn]));
	return 0;
}

static const struct xl_format_ops fake_ops = { .put = fake_put };

static int capture(struct xl_ctx *x, struct xl_hv *hv, const struct xl_capture_params *params,
		   struct xl_cut *cut)
{
	struct xl_physmap map = { 0 };
	struct xl_format format = { &fake_ops };
	struct xl_pipeline *pipe = NULL;
	int r = hv->ops->domain_info(hv, cut->dom.domid, &cut->dom);

	if (r == 0)
		r = xl_physmap_build(x, hv, &cut->dom, 1 << 20, &map);
	if (r == 0)
		r = xl_pipeline_create(x, &(struct xl_pipeline_params){
			.format = &format, .nr_pfns = map.nr_pfns, .max_tables = 4096,
		}, &pipe);
	if (r == 0)
		r = xl_capture(x, hv, params, &map, pipe, cut);
	xl_pipeline_destroy(pipe);
	xl_physmap_deinit(&map);
	return r;
}

void fake_dump(struct fake_guest *g, const char *dir, enum xldump_strategy strategy,
	       struct fake_dump *ret)
{
	static struct xl_ctx x;
	static struct xl_cut cut;
	const struct xl_capture_params params = { .strategy = strategy, .max_rounds = 3 };
	struct xl_hv *hv = fake_hv(g);

	out = ret;
	memset(ret, 0, sizeof(*ret));
	cut = (struct xl_cut){ .dom.domid = g->dom.domid };
	memset(&x, 0, sizeof(x));
	ret->r = xl_undo_open(&x, dir, g->dom.domid, g->dom.uuid, &x.undo);
	if (ret->r == 0)
		ret->r = capture(&x, hv, &params, &cut);
	ret->cause = x.cause;
	memcpy(ret->err, x.err, sizeof(ret->err));
	xl_undo_close(x.undo);
	xl_cut_deinit(&cut);
}
