/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump into memory: the format that the checks look into, and the order of calls of a dump. */
#include "sim_dump.h"

#include "hv/patience.h"

struct memory_format {
	struct xl_format format;
	uint64_t nr_pfns;
	uint8_t **page;
	bool sealed;
};

static struct memory_format *memory_of(struct xl_format *f)
{
	return (struct memory_format *)f;
}

static int memory_put(struct xl_ctx *x, struct xl_format *format, xl_pfn_t pfn, const void *page)
{
	struct memory_format *f = memory_of(format);

	if (pfn >= f->nr_pfns)
		return xl_err(x, -ERANGE, "put of pfn %#" PRIx64, pfn);
	if (!f->page[pfn])
		f->page[pfn] = malloc(XL_PAGE_SIZE);
	if (!f->page[pfn])
		return xl_err(x, -ENOMEM, "put of pfn %#" PRIx64, pfn);
	memcpy(f->page[pfn], page, XL_PAGE_SIZE);
	return 0;
}

static int memory_seal(struct xl_ctx *x, struct xl_format *format, const struct xl_cut *cut)
{
	struct memory_format *f = memory_of(format);

	for (xl_pfn_t pfn = xl_bitmap_next(&cut->present, 0); pfn < cut->nr_pfns;
	     pfn = xl_bitmap_next(&cut->present, pfn + 1)) {
		if (!f->page[pfn])
			return xl_err(x, -EINVAL, "pfn %#" PRIx64 " was never put", pfn);
	}
	f->sealed = true;
	return 0;
}

static void memory_close(struct xl_format *format)
{
	struct memory_format *f = memory_of(format);

	for (uint64_t i = 0; i < f->nr_pfns; i++)
		free(f->page[i]);
	free(f->page);
	free(f);
}

static const struct xl_format_ops memory_ops = {
	.put = memory_put, .seal = memory_seal, .close = memory_close
};

static int memory_open(uint64_t nr_pfns, struct xl_format **ret)
{
	struct memory_format *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->format.ops = &memory_ops;
	f->nr_pfns = nr_pfns;
	f->page = calloc(f->nr_pfns, sizeof(*f->page));
	if (!f->page) {
		free(f);
		return -ENOMEM;
	}
	*ret = &f->format;
	return 0;
}

const uint8_t *sim_dump_page(const struct sim_dump *d, xl_pfn_t pfn)
{
	const struct memory_format *f = memory_of(d->format);

	return f && f->sealed && pfn < f->nr_pfns && xl_bitmap_test(&d->cut.present, pfn) ?
		       f->page[pfn] :
		       NULL;
}

bool sim_dump_published(const struct sim_dump *d)
{
	return d->format && memory_of(d->format)->sealed;
}

static void count_warning(void *data, enum xldump_log_level level, const char *line)
{
	struct sim_dump *d = data;

	d->warnings += level == XLDUMP_LOG_WARNING;
	d->overrun |= strstr(line, "longer than the") != NULL;
}

static int run(struct sim *s, const struct xl_capture_params *params, bool raw, struct sim_dump *d)
{
	struct xl_capture_params p = *params;
	struct xl_patience patience;
	struct xl_hv *hv = &patience.hv;
	int r;

	/* Simulated time is not for nothing, and the guest writes all the while. */
	p.patience_ns = p.patience_ns ? p.patience_ns : 5000000;
	xl_patience_init(&patience, &s->hv);
	patience.run_ns = p.patience_ns;
	r = hv->ops->domain_info(hv, SIM_DOMID, &d->cut.dom);
	if (r < 0)
		return xl_err(&d->x, r, "look at the domain");
	r = hv->ops->host_info(hv, &d->cut.host);
	if (r < 0)
		return xl_err(&d->x, r, "ask for the version of the hypervisor");
	d->cut.type = s->params.type;
	r = xl_physmap_build(&d->x, hv, &d->cut.dom, d->cut.host.max_mfn, &d->map);
	if (r < 0)
		return r;
	r = memory_open(d->map.nr_pfns, &d->format);
	if (r < 0)
		return xl_err(&d->x, r, "open");
	/* Opening a file takes its time, too. */
	sim_advance(s, 200000);
	r = xl_pipeline_create(&d->x, &(struct xl_pipeline_params){
		.format = d->format, .nr_pfns = d->map.nr_pfns, .max_tables = 4096, .raw = raw,
		.symbols = s->params.symbols,
	}, &d->pipe);
	if (r == 0)
		r = xl_capture(&d->x, &s->hv, &p, &d->map, d->pipe, &d->cut);
	return r < 0 ? r : xl_pipeline_seal(d->pipe, &d->cut);
}

void sim_dump_run_as(struct sim *s, const struct xl_capture_params *params, bool raw,
		     struct sim_dump *d)
{
	*d = (struct sim_dump){ 0 };
	d->x.log = count_warning;
	d->x.log_data = d;
	/* Processes of the host we run on are none of the simulated one. */
	d->x.proc = "/nowhere";
	d->r = run(s, params, raw, d);
}

void sim_dump_run(struct sim *s, const struct xl_capture_params *params, struct sim_dump *d)
{
	sim_dump_run_as(s, params, false, d);
}

void sim_dump_deinit(struct sim_dump *d)
{
	xl_pipeline_destroy(d->pipe);
	xl_cut_deinit(&d->cut);
	xl_physmap_deinit(&d->map);
	xl_format_close(d->format);
	d->format = NULL;
}
