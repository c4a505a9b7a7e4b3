/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an image to a format, page by page. */
#include "image/convert.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "format/formats.h"
#include "format/notes.h"
#include "guest/vmcoreinfo.h"
#include "image/image_cut.h"
#include "image/image_digests.h"
#include "image/recast.h"

struct job {
	struct xl_ctx *x;
	struct xl_image *img;
	const struct xl_convert *how;
	struct xl_cut *cut;
	struct xl_recast recast;
	struct xl_format *format;
	char *note; /* text that cut->note borrows, if it was changed */

	struct xl_image_digests *digests; /* NULL: the file has none */
	struct xl_bitmap damaged;	  /* pages, also those that its note names */
	uint64_t found;			  /* of them, in this file */
	bool headers;			  /* what is not a page is damaged */
};

static void job_deinit(struct job *j)
{
	xl_format_close(j->format);
	xl_recast_deinit(&j->recast);
	if (j->cut)
		xl_image_cut_deinit(j->cut);
	free(j->cut);
	free(j->note);
	free(j->digests);
	xl_bitmap_deinit(&j->damaged);
}

/* ---- damage ---- */

/* What is damaged is in the chain: go on if that was asked for, and the new file can say so. */
static int accept_damage(struct job *j)
{
	if (!j->how->allow_damage)
		return xl_fail(
			j->x, XLDUMP_CAUSE_OTHER, -EBADMSG,
			"the file is damaged (`xldumpctl "
			"verify' names all damage; `--allow-damage' converts what there is, and "
			"the new file says what is damaged)");
	if (!j->img->json)
		return xl_fail(j->x, XLDUMP_CAUSE_OTHER, -EBADMSG,
			       "the file is damaged, and only a file "
			       "of xldump has a place to say so");
	xl_log(j->x, XLDUMP_LOG_WARNING, "%s", j->x->err);
	xl_err_clear(j->x);
	return 0;
}

static int check_headers(struct job *j)
{
	bool same = true;
	int r;

	j->digests = malloc(sizeof(*j->digests));
	if (!j->digests || xl_bitmap_init(&j->damaged, j->img->nr_pfns) < 0)
		return xl_err(j->x, -ENOMEM, "check the digests");
	r = xl_image_digests_open(j->x, j->img, j->digests);
	if (r == 0)
		r = xl_image_digests_meta(j->x, j->digests, &same);
	if (!same)
		r = xl_err(j->x, -EINVAL,
			   "what describes the pages (headers, notes, sections) has changed since "
			   "it was written");
	if (r == -ENOENT || (r < 0 && j->digests->pages != j->img->pages)) {
		free(j->digests);
		j->digests = NULL;
	}
	if (r == -ENOENT) {
		if (xl_image_lost(j->img))
			xl_log(j->x, XLDUMP_LOG_WARNING, "damage would not be seen: %s",
			       xl_image_lost(j->img));
		return 0;
	}
	if (r != -EINVAL)
		return r;
	j->headers = true;
	return accept_damage(j);
}

/* A page that cannot be had is one of zeros. */
static int take_page(struct job *j, xl_pfn_t pfn, uint8_t *page)
{
	int r = xl_image_page(j->x, j->img, pfn, page), e = 0;
	uint64_t want;

	if (j->digests)
		e = xl_image_digests_next(j->x, j->digests, &want);
	if (e < 0)
		return e;
	if (r == 0 && (!j->digests || xl_digest_page(page) == want))
		return 0;
	if (r == 0)
		r = xl_err(j->x, -EINVAL, "page %#" PRIx64 " has changed since it was written", pfn);
	else
		memset(page, 0, XL_PAGE_SIZE);
	if (r != -EINVAL && r != -EOPNOTSUPP)
		return r;
	xl_bitmap_set(&j->damaged, pfn);
	j->found++;
	return accept_damage(j);
}

static bool put_damage(struct job *j, struct json_object *note)
{
	struct json_object *before = xl_json_get(note, "damaged"), *o;
	bool complete, all = !before || xl_json_true(before, XL_DAMAGED_COMPLETE), ok;

	if (!j->found && !j->headers)
		return true;
	xl_json_ranges_set(xl_json_get(before, XL_DAMAGED_RANGES), &j->damaged);
	o = json_object_new_object();
	ok = xl_json_put_u64(o, XL_DAMAGED_COUNT, xl_bitmap_count(&j->damaged)) &&
	     xl_json_put(o, XL_DAMAGED_RANGES,
			 xl_json_ranges(&j->damaged, XL_PROVENANCE_RANGES, &complete)) &&
	     xl_json_put_bool(o, XL_DAMAGED_COMPLETE, complete && all) &&
	     xl_json_put_bool(o, XL_DAMAGED_HEADERS,
			      j->headers || xl_json_true(before, XL_DAMAGED_HEADERS));
	return xl_json_put(note, "damaged", o) && ok &&
	       xl_json_put_text(note, "guarantee", "damaged");
}

/* Whether the new file describes another kernel than the old one, of several in memory. */
static bool other_kernel(const struct job *j)
{
	return j->img->vmcoreinfo && j->cut->kernel.vmcoreinfo &&
	       !xl_vmcoreinfo_same_kernel(j->img->vmcoreinfo, j->cut->kernel.vmcoreinfo);
}

static bool put_kernel(struct job *j, struct json_object *note)
{
	return !other_kernel(j) || xl_json_put_text(note, "kernel", j->cut->kernel.release);
}

/* Bring our note up to date with what was done. */
static int update_note(struct job *j)
{
	_cleanup_json_ struct json_object *note = NULL;
	const char *text;

	if (!j->img->json || (j->recast.to == XL_RECAST_NOTHING && !j->found && !j->headers &&
			      !other_kernel(j)))
		return 0;
	note = xl_json_parse(j->img->json);
	if (!note)
		return xl_fail(j->x, XLDUMP_CAUSE_OTHER, -EINVAL,
			       "the XLDUMP note does not have the form that xldump-note(7) "
			       "describes");
	text = xl_recast_note(&j->recast, note) && put_damage(j, note) && put_kernel(j, note) ?
		       xl_json_line(note) :
		       NULL;
	j->note = text ? strdup(text) : NULL;
	if (!j->note)
		return xl_err(j->x, -ENOMEM, "write the XLDUMP note");
	j->cut->note = j->note;
	return 0;
}

/* ---- what there is no place for ---- */

static void tell_losses(const struct job *j)
{
	const struct xl_image *img = j->img;

	if (j->how->params.format == XLDUMP_FORMAT_KDUMP)
		return;
	if (img->kdump.excluded)
		xl_log(j->x, XLDUMP_LOG_WARNING,
		       "the new file does not say which %" PRIu64 " pages were "
		       "left out of the old one (dump level %u): of these formats only kdump can",
		       img->kdump.excluded, img->kdump.dump_level);
	if (img->kind == XL_IMAGE_KDUMP && !img->json)
		xl_log(j->x, XLDUMP_LOG_WARNING,
		       "the new file has neither the time of the dump nor the "
		       "names of the system, which only kdump has a place for");
}

static void tell_zeros(const struct job *j)
{
	if (j->img->zeros)
		xl_log(j->x, XLDUMP_LOG_WARNING,
		       "%" PRIu64 " pages are zeros because the old file does "
		       "not have them: `makedumpfile -E' writes so what it leaves out",
		       j->img->zeros);
}

/* ---- the work ---- */

static int copy_pages(struct job *j)
{
	uint8_t page[XL_PAGE_SIZE];

	for (xl_pfn_t pfn = xl_image_next(j->img, 0); pfn < j->img->nr_pfns;
	     pfn = xl_image_next(j->img, pfn + 1)) {
		int r = xl_check_cancel(j->x);

		if (r == 0)
			r = take_page(j, pfn, page);
		if (r == 0)
			r = xl_recast_page(j->x, &j->recast, pfn, page);
		if (r == 0)
			r = xl_format_put(j->x, j->format, pfn, page);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Room for notes beyond what the format plans with for so many vCPUs. */
static uint64_t more_notes(const struct xl_cut *cut)
{
	uint64_t planned = xl_notes_max(cut->vcpus), need = cut->kept.len + XL_PROVENANCE_MAX;

	if (!cut->kept.registers)
		need += planned - XL_PROVENANCE_MAX - XL_VMCOREINFO_MAX;
	if (!cut->kept.vmcoreinfo)
		need += XL_VMCOREINFO_MAX;
	return need > planned ? need - planned : 0;
}

static int prepare(struct job *j)
{
	enum xldump_format format = j->how->params.format;
	int r = j->img->narrow ? xl_format_check_narrow(j->x, format) : 0;

	if (r == 0)
		r = check_headers(j);
	if (r == 0)
		r = xl_image_cut_init(j->x, j->img, j->cut);
	if (r == 0)
		r = xl_recast_init(j->x, j->img, j->cut, format == XLDUMP_FORMAT_XENCORE_RAW,
				   &j->recast);
	/* Those of the vCPUs are made again where their CR3 becomes another. */
	if (r == 0)
		r = xl_image_keep_notes(j->x, j->img, j->recast.to == XL_RECAST_NOTHING,
					&j->cut->kernel, &j->cut->kept);
	return r;
}

int xl_image_convert(struct xl_ctx *x, struct xl_image *img, const struct xl_convert *how,
		     struct xl_sink *sink)
{
	_cleanup_(job_deinit) struct job j = { .x = x, .img = img, .how = how };
	struct xl_layout layout;
	int r;

	j.cut = calloc(1, sizeof(*j.cut));
	if (!j.cut)
		return xl_err(x, -ENOMEM, "convert a dump");
	r = prepare(&j);
	if (r < 0)
		return r;
	layout = (struct xl_layout){ .nr_pfns = j.cut->nr_pfns,
				     .present = &j.cut->present,
				     .vcpus = j.cut->vcpus,
				     .more_notes = more_notes(j.cut) };
	r = xl_format_open(x, &layout, sink, &how->params, &j.format);
	if (r == 0)
		r = copy_pages(&j);
	if (r == 0)
		r = update_note(&j);
	if (r == 0)
		r = xl_format_seal(x, j.format, j.cut);
	if (r == 0) {
		tell_losses(&j);
		tell_zeros(&j);
	}
	return r;
}
