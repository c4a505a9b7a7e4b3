/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public API: one dump, from the domain to the file. */
#include <string.h>

#include "base/domain.h"
#include "base/options.h"
#include "format/formats.h"
#include "capture/capture.h"
#include "capture/estimate.h"
#include "guest/symbols.h"
#include "guest/panic.h"
#include "handle.h"
#include "hv/patience.h"
#include "hv/undo.h"
#include "codec/compress.h"

#define DEFAULT_MAX_ROUNDS 8

/* A guest may keep this part of its memory in page tables before it is taken for a liar; real ones
 * have 0.2 to 1 %, and twice the number of processes does not reach 5. */
#define MAX_TABLES_PART 4
#define MIN_TABLES 4096

/* Whoever was found is still there, and the same. */
static int look_again(struct xldump *xl, const struct xldump_domain *domain, struct xl_domain *ret)
{
	struct xl_ctx *x = &xl->ctx;
	struct xl_patience patience;
	int r;

	xl_patience_init(&patience, xl->hv);
	r = patience.hv.ops->domain_info(&patience.hv, domain->domid, ret);

	if (r == -ESRCH ||
	    (r == 0 && (ret->dying || !xl_same_domain(ret, domain))))
		return xl_fail(x, XLDUMP_CAUSE_DOMAIN_GONE, -ESRCH,
			       "domain %u (%s) does not exist any more",
			       domain->domid, domain->name);
	return r < 0 ? xl_err(x, r, "look at domain %u", domain->domid) : 0;
}

static int check_level(const struct xldump_options *o)
{
	const struct xl_codec *c = xl_codec_of(o->codec);

	if (o->level == 0)
		return 0;
	return c && o->level >= c->min_level && o->level <= c->max_level ? 0 : -EINVAL;
}

/* Options of a caller who may have been built with an older or a newer header. */
static int take_options(struct xl_ctx *x, const struct xldump_options *options,
			struct xldump_options *ret)
{
	const char *conflict;

	*ret = (struct xldump_options){ .sz = sizeof(*ret) };
	if (options) {
		size_t n = options->sz < sizeof(*ret) ? options->sz : sizeof(*ret);

		if (options->sz < sizeof(options->sz))
			return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL,
				       "the member sz of the options is not set");
		for (size_t i = sizeof(*ret); i < options->sz; i++) {
			if (((const char *)options)[i])
				return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL,
					       "the options have a member that this version (%s) "
					       "does not know",
					       xldump_version());
		}
		memcpy(ret, options, n);
	}
	if (!xldump_strategy_name(ret->strategy) || !xldump_format_name(ret->format) ||
	    !xldump_codec_name(ret->codec))
		return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL,
			       "unknown strategy, format or compression");
	if (check_level(ret) < 0)
		return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL, "%s has no level %d",
			       xldump_codec_name(ret->codec), ret->level);
	if (ret->dump_level > XLDUMP_LEVEL_MAX)
		return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL,
			       "dump level %u is out of range: it must be 0 to %d",
			       ret->dump_level, XLDUMP_LEVEL_MAX);
	conflict = xl_options_conflict(ret->format, ret->codec, ret->dump_level);
	if (conflict)
		return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL, "%s", conflict);
	if (ret->max_rounds == 0)
		ret->max_rounds = DEFAULT_MAX_ROUNDS;
	/* The first pass, the copy in the pause and the attempts at it have rounds of their own. */
	if (ret->max_rounds > XL_MAX_ROUNDS - 8)
		return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL,
			       "too many rounds: at most %d are possible",
			       XL_MAX_ROUNDS - 8);
	return 0;
}

static void warn_space(struct xl_ctx *x, struct xl_sink *sink, uint64_t pages)
{
	/* Zero pages take no space, and others may be compressed, so it may fit all the same. */
	if (xl_sink_check_space(x, sink, pages * XL_PAGE_SIZE) < 0) {
		xl_log(x, XLDUMP_LOG_WARNING,
		       "%s; the dump continues, because leaving out pages of zeros needs no kernel",
		       x->err);
		xl_err_clear(x);
	}
}

struct job {
	struct xldump *xl;
	struct xldump_options o;
	struct xl_physmap map;
	struct xl_pipeline *pipe;
	struct xl_cut cut;
	struct xl_symbols *symbols;
	char *scratch; /* folder for temporary files: beside the dump, where there is room */
};

static void job_deinit(struct job *j)
{
	xl_pipeline_destroy(j->pipe);
	xl_cut_deinit(&j->cut);
	xl_physmap_deinit(&j->map);
	xl_symbols_close(j->symbols);
	free(j->scratch);
}

static void report(struct job *j, enum xldump_phase phase)
{
	const struct xldump_progress p = { .phase = phase, .round = j->cut.rounds };

	if (j->o.progress)
		j->o.progress(j->o.progress_data, &p);
}

static int make_pipeline(struct job *j, struct xl_format *format)
{
	const struct xl_pipeline_params params = {
		.format = format,
		.nr_pfns = j->map.nr_pfns,
		.max_tables = j->cut.dom.tot_pages / MAX_TABLES_PART + MIN_TABLES,
		.raw = j->o.format == XLDUMP_FORMAT_XENCORE_RAW,
		.symbols = j->symbols,
	};

	return xl_pipeline_create(&j->xl->ctx, &params, &j->pipe);
}

/* What is about to be done, and what has been; the guest runs when this is told. */
static void tell_plan(struct job *j)
{
	xl_log(&j->xl->ctx, XLDUMP_LOG_DEBUG,
	       "domain %u, %s: %s guest of %" PRIu64 " pages, %u vCPUs, on Xen %u.%u%s; format %s, strategy %s",
	       j->cut.dom.domid, j->cut.name, xldump_guest_type_name(j->cut.type),
	       xl_bitmap_count(&j->map.present), j->cut.dom.max_vcpu_id + 1, j->cut.host.xen_major,
	       j->cut.host.xen_minor, j->cut.host.xen_extra, xldump_format_name(j->o.format),
	       xldump_strategy_name(j->o.strategy));
}

static void tell_capture(struct job *j)
{
	const struct xl_cut *cut = &j->cut;
	struct xl_ctx *x = &j->xl->ctx;

	for (unsigned i = 0; i < cut->rounds; i++)
		xl_log(x, XLDUMP_LOG_DEBUG,
		       "round %u: %" PRIu64 " pages to copy, %" PRIu64 " copied, %.1f ms", i,
		       cut->round[i].dirty, cut->round[i].copied, (double)cut->round[i].ns / 1e6);
	xl_log(x, XLDUMP_LOG_DEBUG, "strategy %s; %s %.1f ms; %" PRIu64 " suspect pages; kernel %s",
	       xldump_strategy_name(cut->strategy),
	       cut->was_stopped ? "the guest did not run, and was held for" : "the guest was stopped for",
	       (double)cut->pause_ns.total / 1e6, cut->suspects,
	       cut->kernel.release[0] ? cut->kernel.release : "not recognised");
}

static int write_dump(struct job *j, struct xl_sink *sink)
{
	struct xl_ctx *x = &j->xl->ctx;
	const struct xl_format_params format_params = {
		.format = j->o.format,
		.codec = j->o.codec,
		.level = j->o.level,
		.threads = j->o.threads,
	};
	struct xl_format *format = NULL;
	const struct xl_capture_params params = {
		.strategy = j->o.strategy,
		.max_pause_ns = j->o.max_pause_ns,
		.throttle = j->o.throttle,
		.extend_pause = j->o.extend_pause,
		.max_rounds = j->o.max_rounds,
		.dump_level = j->o.dump_level,
		.scratch = j->scratch,
		.progress = j->o.progress,
		.progress_data = j->o.progress_data,
	};
	struct xl_bitmap layout_present;
	struct xl_layout layout = { .nr_pfns = j->map.nr_pfns, .present = &layout_present };
	int r;

	/* The map is brought up to date while the format still looks at what was true at first. */
	r = xl_bitmap_init(&layout_present, j->map.nr_pfns);
	if (r < 0)
		return xl_err(x, r, "allocate an index of %" PRIu64 " pages", j->map.nr_pfns);
	xl_bitmap_copy(&layout_present, &j->map.present);
	layout.vcpus = j->cut.dom.max_vcpu_id + 1;
	r = xl_format_open(x, &layout, sink, &format_params, &format);
	if (r == 0)
		r = make_pipeline(j, format);
	if (r == 0)
		r = xl_capture(x, j->xl->hv, &params, &j->map, j->pipe, &j->cut);
	if (r == 0) {
		tell_capture(j);
		report(j, XLDUMP_PHASE_FINISH);
		r = xl_pipeline_seal(j->pipe, &j->cut);
	}
	xl_format_close(format);
	xl_bitmap_deinit(&layout_present);
	return r;
}

static void fill_result(const struct job *j, const struct xldump_domain *domain, uint64_t start,
			struct xldump_result *ret)
{
	const struct xl_cut *cut = &j->cut;
	struct xl_hv *hv = j->xl->hv;

	ret->domain = *domain;
	ret->domain.memory = cut->dom.tot_pages * XL_PAGE_SIZE;
	ret->strategy = cut->strategy;
	memcpy(ret->reason, cut->reason, sizeof(ret->reason));
	ret->guarantee = cut->suspects ? XLDUMP_SUSPECTS : XLDUMP_EXACT;
	ret->suspect_pages = cut->suspects;
	ret->rounds = cut->rounds;
	ret->pages = xl_bitmap_count(&cut->present);
	for (unsigned i = 0; i < cut->rounds; i++)
		ret->pages_copied += cut->round[i].copied;
	ret->duration_ns = hv->ops->now_ns(hv) - start;
	ret->pause_ns = cut->pause_ns.total;
	ret->was_stopped = cut->was_stopped;
	ret->instant = cut->instant;
	ret->dump_level = cut->kernel.all.unsure ? 0 : j->o.dump_level;
	ret->pages_excluded = cut->excluded.nbits ? xl_bitmap_count(&cut->excluded) : 0;
	memcpy(ret->kernel, cut->kernel.release, sizeof(ret->kernel));
}

/* Zeros are what pages of zeros are. */
static void warn_of_zeros(struct job *j)
{
	if (j->o.dump_level > XLDUMP_LEVEL_ZERO && j->o.format != XLDUMP_FORMAT_KDUMP)
		xl_log(&j->xl->ctx, XLDUMP_LOG_WARNING,
		       "crash and drgn show pages that are left out of this format as zeros, and do "
		       "not say so; kdump tells them apart");
}

static int prepare(struct job *j, const struct xldump_domain *domain)
{
	struct xl_ctx *x = &j->xl->ctx;
	struct xl_patience patience;
	struct xl_hv *hv = &patience.hv;
	struct xldump_domain now = { 0 };
	int r = look_again(j->xl, domain, &j->cut.dom);

	if (r < 0)
		return r;
	xl_handle_describe(j->xl, &j->cut.dom, &now);
	/* Of a guest that is being destroyed xenstored may have nothing left; who asks may know it. */
	memcpy(j->cut.name, now.name[0] ? now.name : domain->name, sizeof(j->cut.name));
	j->cut.type = now.type;
	if (j->o.format == XLDUMP_FORMAT_XENCORE_RAW && now.type != XLDUMP_GUEST_PV)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "the format xencore-raw is for PV guests, but domain %u is %s; use "
			       "elf or xencore", domain->domid, xldump_guest_type_name(now.type));
	xl_patience_init(&patience, j->xl->hv);
	r = hv->ops->host_info(hv, &j->cut.host);
	if (r < 0)
		return xl_err(x, r, "ask for the version of the hypervisor");
	report(j, XLDUMP_PHASE_PREPARE);
	warn_of_zeros(j);
	r = xl_physmap_build(x, hv, &j->cut.dom, j->cut.host.max_mfn, &j->map);
	if (r < 0 || !j->map.narrow)
		return r;
	r = xl_format_check_narrow(x, j->o.format);
	if (r == 0 && j->o.dump_level > XLDUMP_LEVEL_ZERO)
		r = xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			    "a 32-bit PV guest: what its pages are used for is known only in "
			    "64-bit kernels; omit --dump-level, or use 1");
	return r;
}

int xldump_panic_learn(struct xldump *xl, const struct xldump_domain *domain,
		       const volatile int *cancel, struct xldump_panic_mark *ret)
{
	struct xl_ctx *x = xl_handle_begin(xl);
	_cleanup_(xl_physmap_deinit) struct xl_physmap map = { 0 };
	struct xl_host host;
	struct xl_domain dom;
	int r = look_again(xl, domain, &dom);

	if (r < 0)
		return r;
	x->cancel = cancel;
	r = xl->hv->ops->host_info(xl->hv, &host);
	if (r < 0)
		return xl_err(x, r, "ask for the version of the hypervisor");
	if (dom.pv)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "%s is a PV guest, so Xen is told when it panics", domain->name);
	r = xl_physmap_build(x, xl->hv, &dom, host.max_mfn, &map);
	return r < 0 ? r : xl_panic_learn(x, xl->hv, dom.domid, &map, ret);
}

int xldump_panic_look(struct xldump *xl, const struct xldump_domain *domain,
		      const struct xldump_panic_mark *mark, bool *ret_panicked)
{
	struct xl_ctx *x = xl_handle_begin(xl);
	struct xl_domain dom;
	int r = look_again(xl, domain, &dom);

	return r < 0 ? r : xl_panic_look(x, xl->hv, dom.domid, mark, ret_panicked);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Last of all: by now nothing is owed any more. */
static void end_undo(struct xl_ctx **x)
{
	xl_undo_close((*x)->undo);
	(*x)->undo = NULL;
}

int xldump_dump(struct xldump *xl, const struct xldump_domain *domain, const char *path,
		const struct xldump_options *options, struct xldump_result *ret)
{
	_cleanup_(end_undo) struct xl_ctx *x = xl_handle_begin(xl);
	_cleanup_(job_deinit) struct job j = { .xl = xl };
	_cleanup_(xl_sink_closep) struct xl_sink *sink = NULL;
	struct xldump_result out = { .sz = sizeof(out) };
	uint64_t start = xl->hv->ops->now_ns(xl->hv);
	int r;

	r = take_options(x, options, &j.o);
	if (r < 0)
		return r;
	x->cancel = j.o.cancel;
	r = j.o.symbols ? xl_symbols_open(x, j.o.symbols, &j.symbols) : 0;
	if (r < 0)
		return r;
	/* What goes to a pipe leaves no bytes on a disk of this host. */
	j.scratch = path ? folder_of(path) : NULL;
	if (path && !j.scratch)
		return xl_err(x, -ENOMEM, "dump to %s", path);
	xl_handle_recover(xl);
	r = xl_undo_open(x, XL_UNDO_DIR, domain->domid, domain->uuid, &x->undo);
	if (r < 0)
		return r;
	/* The file first: what cannot be written must not disturb a guest. */
	r = path ? xl_sink_file_open(x, path, j.o.overwrite, &sink) :
		   xl_sink_fd_open(x, j.o.fd, &sink);
	if (r == 0)
		r = prepare(&j, domain);
	if (r < 0)
		return r;
	tell_plan(&j);
	warn_space(x, sink, xl_bitmap_count(&j.map.present));
	r = write_dump(&j, sink);
	if (r < 0)
		return r;
	report(&j, XLDUMP_PHASE_SYNC);
	r = xl_sink_commit(x, sink, &out.file_bytes, &out.disk_bytes);
	if (r < 0)
		return r;
	xl_log(x, XLDUMP_LOG_DEBUG, "the file has %" PRIu64 " bytes, %" PRIu64 " of them on disk",
	       out.file_bytes, out.disk_bytes);
	if (ret) {
		fill_result(&j, domain, start, &out);
		out.sz = ret->sz < sizeof(out) ? ret->sz : sizeof(out);
		memcpy(ret, &out, out.sz);
	}
	return 0;
}

/* What is written besides pages: notes, and the pfn and the digest of each page, or its descriptor. */
static uint64_t file_overhead(const struct job *j, uint64_t pages)
{
	return ((uint64_t)64 << 10) + pages * (j->o.format == XLDUMP_FORMAT_KDUMP ? 32 : 16);
}

static void fill_estimate(const struct job *j, const struct xl_estimate *est,
			  struct xldump_estimate *ret)
{
	bool kdump = j->o.format == XLDUMP_FORMAT_KDUMP;

	xl_handle_describe(j->xl, &j->cut.dom, &ret->domain);
	ret->strategy = est->strategy;
	memcpy(ret->reason, est->reason, sizeof(ret->reason));
	ret->was_stopped = est->stopped;
	ret->over_limit = est->over_limit;
	ret->pages = est->pages;
	ret->disk_bytes = est->page_bytes + file_overhead(j, est->pages);
	ret->file_bytes = kdump ? ret->disk_bytes :
			  (est->pages << XL_PAGE_SHIFT) + file_overhead(j, est->pages);
	ret->copy_ns = est->copy_ns;
	ret->pause_ns = est->pause_ns;
	ret->rounds = est->rounds;
	ret->sampled_pages = est->sampled;
	ret->watched_ns = est->watched_ns;
	ret->dirtied_pages = est->dirtied;
}

int xldump_estimate(struct xldump *xl, const struct xldump_domain *domain,
		    const struct xldump_options *options, struct xldump_estimate *ret)
{
	_cleanup_(end_undo) struct xl_ctx *x = xl_handle_begin(xl);
	_cleanup_(job_deinit) struct job j = { .xl = xl };
	struct xldump_estimate out = { .sz = sizeof(out) };
	struct xl_estimate_params p = { 0 };
	struct xl_estimate est;
	int r = take_options(x, options, &j.o);

	if (r < 0)
		return r;
	x->cancel = j.o.cancel;
	xl_handle_recover(xl);
	r = xl_undo_open(x, XL_UNDO_DIR, domain->domid, domain->uuid, &x->undo);
	if (r == 0)
		r = prepare(&j, domain);
	if (r < 0)
		return r;
	if (j.o.format == XLDUMP_FORMAT_KDUMP)
		p.codec = xl_codec_of(j.o.codec ? j.o.codec : XLDUMP_CODEC_ZLIB);
	p.level = p.codec && !j.o.level ? p.codec->default_level : j.o.level;
	p.type = j.cut.type;
	p.strategy = j.o.strategy;
	p.threads = j.o.threads;
	p.max_pause_ns = j.o.max_pause_ns;
	p.max_rounds = j.o.max_rounds;
	r = xl_estimate(x, xl->hv, &j.cut.dom, &p, &j.map, &est);
	if (r < 0)
		return r;
	out.domain.sz = sizeof(out.domain);
	fill_estimate(&j, &est, &out);
	out.sz = ret->sz < sizeof(out) ? ret->sz : sizeof(out);
	memcpy(ret, &out, out.sz);
	return 0;
}
