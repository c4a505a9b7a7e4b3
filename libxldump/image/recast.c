/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames of the host to the guest's own, in a dump that is written again, and back. */
#include "image/recast.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "image/image_private.h"
#include "image/image_tables.h"

void xl_recast_deinit(struct xl_recast *r)
{
	xl_m2p_deinit(&r->m2p);
	xl_edits_deinit(&r->undo);
	free(r->level);
	*r = (struct xl_recast){ 0 };
}

static void take_levels(struct xl_recast *r)
{
	for (size_t i = 0; i < r->cut->tables; i++)
		if (r->cut->table[i].pfn < r->cut->nr_pfns)
			r->level[r->cut->table[i].pfn] = (uint8_t)r->cut->table[i].level;
}

/* The list of what was found by searching. */
static int give_levels(struct xl_ctx *x, struct xl_recast *r)
{
	struct xl_cut *cut = r->cut;
	size_t n = 0;

	for (xl_pfn_t pfn = 0; pfn < cut->nr_pfns; pfn++)
		n += r->level[pfn] != 0;
	cut->table = calloc(n + 1, sizeof(*cut->table));
	if (!cut->table)
		return xl_err(x, -ENOMEM, "list of %zu page tables", n);
	for (xl_pfn_t pfn = 0; pfn < cut->nr_pfns; pfn++)
		if (r->level[pfn])
			cut->table[cut->tables++] = (struct xl_table){ pfn, r->level[pfn] };
	return 0;
}

/* ---- to an ordinary guest ---- */

static int begin_canonical(struct xl_ctx *x, struct xl_image *img, struct xl_recast *r)
{
	struct xl_cut *cut = r->cut;
	int e = xl_m2p_init(&r->m2p, cut->p2m, cut->nr_pfns);

	if (e < 0)
		return xl_err(x, e, "invert the p2m of %" PRIu64 " pages", cut->nr_pfns);
	if (!cut->tables) {
		e = cut->narrow ? xl_image_find_tables_32(x, img, &r->m2p, cut, r->level) :
				  xl_image_find_tables(x, img, &r->m2p, r->level, cut->nr_pfns);
		if (e == 0)
			e = give_levels(x, r);
		if (e < 0)
			return xl_err(x, e, "look for page tables, which hold frames of the host");
	}
	for (uint32_t i = 0; i < cut->vcpus; i++)
		if (cut->vcpu[i].online)
			(cut->narrow ? xl_canonicalise_vcpu_32 : xl_canonicalise_vcpu)(
				&r->m2p, &cut->vcpu[i]);
	cut->raw = false;
	return 0;
}

/* The variable by which crash tells a PV guest. */
static int clear_start_info(struct xl_recast *r, xl_pfn_t pfn, uint8_t *page)
{
	uint64_t pa = r->cut->kernel.xen_start_info_pa, old;

	if (!pa || pa >> XL_PAGE_SHIFT != pfn)
		return 0;
	old = xl_get_le64(page + (pa & XL_PAGE_MASK));
	if (!old)
		return 0;
	xl_put_le64(page + (pa & XL_PAGE_MASK), 0);
	return xl_edits_add(&r->cut->edits, pa, old);
}

static int make_canonical(struct xl_recast *r, xl_pfn_t pfn, uint8_t *page)
{
	uint64_t table[XL_PTES_PER_PAGE];
	int e;

	if (!r->level[pfn])
		return clear_start_info(r, pfn, page);
	memcpy(table, page, sizeof(table));
	e = (r->cut->narrow ? xl_canonicalise_pae : xl_canonicalise)(
		&r->m2p, r->level[pfn], pfn, table, &r->cut->edits);
	memcpy(page, table, sizeof(table));
	return e;
}

/* ---- to the guest as it was ---- */

static int refuse(struct xl_ctx *x, const char *why)
{
	return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
		       "only a dump of a PV guest that has all pages and the records of all "
		       "changes can be converted to xencore-raw: %s", why);
}

static int check_raw(struct xl_ctx *x, const struct xl_image *img, const struct xl_cut *cut)
{
	_cleanup_json_ struct json_object *note = xl_json_parse(img->json);

	if (!cut->p2m || !cut->tables)
		return refuse(x, "this file has no such records");
	for (xl_pfn_t pfn = 0; pfn < cut->nr_pfns; pfn++)
		if (cut->p2m[pfn] != XL_INVALID_FRAME && !xl_bitmap_test(&cut->present, pfn))
			return refuse(x, "pages were left out of this one");
	return xl_json_number(xl_json_get(note, "edits"), "lost") ?
		       refuse(x, "this one has changes that are not in the records") :
		       0;
}

static int begin_raw(struct xl_ctx *x, const struct xl_image *img, struct xl_recast *r)
{
	struct xl_cut *cut = r->cut;
	int e = check_raw(x, img, cut);

	for (uint32_t i = 0; e == 0 && i < cut->vcpus; i++)
		e = (cut->narrow ? xl_restore_vcpu_32 : xl_restore_vcpu)(cut->p2m, cut->nr_pfns,
									  &cut->vcpu[i]);
	if (e == -EINVAL)
		return refuse(x, "the CR3 of a vCPU of this one leads out of the guest");
	if (e < 0)
		return e;
	r->undo = cut->edits;
	cut->edits = (struct xl_edits){ 0 };
	cut->raw = true;
	return 0;
}

/* The first of what is put back at or behind an address. */
static size_t first_edit(const struct xl_edits *u, uint64_t paddr)
{
	size_t lo = 0, hi = u->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (u->edit[mid].paddr < paddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int make_raw(const struct xl_recast *r, xl_pfn_t pfn, uint8_t *page)
{
	uint64_t table[XL_PTES_PER_PAGE], paddr = pfn << XL_PAGE_SHIFT;
	int e = 0;

	if (r->level[pfn]) {
		memcpy(table, page, sizeof(table));
		e = xl_restore_table(r->cut->p2m, r->cut->nr_pfns, table);
		memcpy(page, table, sizeof(table));
	}
	for (size_t i = first_edit(&r->undo, paddr);
	     i < r->undo.n && r->undo.edit[i].paddr < paddr + XL_PAGE_SIZE; i++)
		xl_put_le64(page + (r->undo.edit[i].paddr & XL_PAGE_MASK), r->undo.edit[i].old);
	return e;
}

/* ---- both ---- */

int xl_recast_init(struct xl_ctx *x, struct xl_image *img, struct xl_cut *cut, bool raw,
		   struct xl_recast *ret)
{
	*ret = (struct xl_recast){ .cut = cut };
	if (cut->raw == raw)
		return 0;
	ret->level = calloc(cut->nr_pfns + 1, 1);
	if (!ret->level)
		return xl_err(x, -ENOMEM, "allocate an index of %" PRIu64 " pages", cut->nr_pfns);
	take_levels(ret);
	ret->to = raw ? XL_RECAST_RAW : XL_RECAST_CANONICAL;
	return raw ? begin_raw(x, img, ret) : begin_canonical(x, img, ret);
}

int xl_recast_page(struct xl_ctx *x, struct xl_recast *r, xl_pfn_t pfn, uint8_t page[XL_PAGE_SIZE])
{
	int e = 0;

	if (r->to == XL_RECAST_CANONICAL)
		e = make_canonical(r, pfn, page);
	else if (r->to == XL_RECAST_RAW)
		e = make_raw(r, pfn, page);
	if (e == -EINVAL)
		return xl_image_bad(x, "page table %#" PRIx64 " leads to a page that the guest does not "
				    "have", pfn);
	return e < 0 ? xl_err(x, e, "translate page %#" PRIx64, pfn) : 0;
}

bool xl_recast_note(const struct xl_recast *r, struct json_object *note)
{
	struct json_object *edits;
	bool ok;

	if (r->to == XL_RECAST_NOTHING)
		return true;
	edits = json_object_new_object();
	ok = xl_json_put_u64(edits, "count", r->cut->edits.n) &&
	     xl_json_put_u64(edits, "lost", r->cut->edits.lost);
	ok = xl_json_put(note, "edits", edits) && ok &&
	     xl_json_put_u64(note, "tables", r->cut->tables);
	json_object_object_del(note, "raw");
	return ok && (r->to != XL_RECAST_RAW || xl_json_put_bool(note, "raw", true));
}
