/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Xen's sections (docs/misc/dump-core-format.txt), and those of xldump (xldump-note(7)). */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/elf_format.h"
#include "image/image_private.h"

#define ENTRIES_AT_ONCE 512
#define RECORDS_MAX ((uint64_t)1 << 30) /* bytes of one of our sections */

/* ---- .xen_pfn and .xen_p2m ---- */

static int add_p2m(struct xl_ctx *x, struct xl_image *img, const struct xl_image_p2m_run *run)
{
	struct xl_image_p2m_run *last = img->p2ms ? &img->p2m[img->p2ms - 1] : NULL;

	if (last && run->pfn == last->pfn + last->count && run->mfn == last->mfn + last->count) {
		last->count += run->count;
		return 0;
	}
	if ((img->p2ms & (img->p2ms - 1)) == 0) {
		size_t n = img->p2ms ? img->p2ms * 2 : 1;
		struct xl_image_p2m_run *p = reallocarray(img->p2m, n, sizeof(*p));

		if (!p)
			return xl_err(x, -ENOMEM, "p2m of %zu runs", n);
		img->p2m = p;
	}
	img->p2m[img->p2ms++] = *run;
	return 0;
}

/* Entry `slot` of the map.  xl dump-core pads with ~0 where pages vanished while it ran, and a raw
 * map may have entries for holes. */
static int take_entry(struct xl_ctx *x, struct xl_image *img, struct xl_ranges *all,
		      const struct xl_image_section *map, const struct xl_image_section *pages,
		      uint64_t slot, const uint8_t *entry)
{
	bool raw = map->entsize == 16;
	xl_pfn_t pfn = xl_get_le64(entry);
	char what[96];
	int r;

	if (pfn == XL_INVALID_FRAME || (raw && xl_get_le64(entry + 8) == XL_INVALID_FRAME))
		return 0;
	(void)snprintf(what, sizeof(what), "%s, entry %" PRIu64 " at offset %#" PRIx64, map->name,
		       slot, map->offset + slot * map->entsize);
	if (pfn >= XL_MAX_PFNS)
		pfn = XL_MAX_PFNS; /* which is refused, and can be shifted */
	r = xl_image_add_memory(x, all, pfn << XL_PAGE_SHIFT, XL_PAGE_SIZE,
				pages->offset + (slot << XL_PAGE_SHIFT), what);
	if (r == 0 && raw)
		r = add_p2m(x, img, &(struct xl_image_p2m_run){ pfn, xl_get_le64(entry + 8), 1 });
	return r;
}

static int compare_pfns(const void *a, const void *b)
{
	const struct xl_image_p2m_run *l = a, *r = b;

	return l->pfn < r->pfn ? -1 : l->pfn > r->pfn;
}

/* Entries may come in any order, but of each page there is one. */
static int set_memory(struct xl_ctx *x, struct xl_image *img, struct xl_ranges *all,
		      const struct xl_image_section *map)
{
	uint64_t pages = 0;
	int r = xl_image_set_memory(x, img, all);

	for (size_t i = 0; i < all->n; i++)
		pages += all->range[i].len >> XL_PAGE_SHIFT;
	if (r == 0 && pages != img->pages)
		return xl_image_bad(x, "%s at offset %#" PRIx64 " names %" PRIu64 " pages twice",
				    map->name, map->offset, pages - img->pages);
	if (img->p2ms)
		qsort(img->p2m, img->p2ms, sizeof(*img->p2m), compare_pfns);
	return r;
}

static int read_map(struct xl_ctx *x, struct xl_image *img, const struct xl_image_section *map,
		    const struct xl_image_section *pages)
{
	uint64_t n = map->size / map->entsize, slots = pages->size >> XL_PAGE_SHIFT;
	_cleanup_(xl_ranges_deinit) struct xl_ranges all = { 0 };
	uint8_t buf[ENTRIES_AT_ONCE * 16];

	if (n > slots)
		return xl_image_bad(x, "%s has %" PRIu64 " entries, and .xen_pages only %" PRIu64
				    " pages", map->name, n, slots);
	for (uint64_t i = 0; i < n; i += ENTRIES_AT_ONCE) {
		uint64_t some = n - i < ENTRIES_AT_ONCE ? n - i : ENTRIES_AT_ONCE;
		uint64_t at = map->offset + i * map->entsize;
		int r = xl_imgfile_read(img->file, at, buf, some * map->entsize);

		if (r < 0)
			return xl_err(x, r, "read %s at offset %#" PRIx64, map->name, at);
		for (uint64_t j = 0; j < some && r == 0; j++)
			r = take_entry(x, img, &all, map, pages, i + j, buf + j * map->entsize);
		if (r < 0)
			return r;
	}
	return set_memory(x, img, &all, map);
}

/* Which of the two maps there is, checked; sizes of entries are those of the format, whatever the
 * header says. */
static int find_map(struct xl_ctx *x, const struct xl_image *img, struct xl_image_section *ret)
{
	const struct xl_image_section *pfn = xl_image_section(img, ".xen_pfn");
	const struct xl_image_section *p2m = xl_image_section(img, ".xen_p2m");

	if (!pfn == !p2m)
		return xl_image_bad(x,
				    "the file must have exactly one of the sections .xen_pfn and "
				    ".xen_p2m");
	*ret = pfn ? *pfn : *p2m;
	ret->entsize = pfn ? 8 : 16;
	if (ret->size % ret->entsize)
		return xl_image_bad(x,
				    "%s: %" PRIu64 " bytes at offset %#" PRIx64 " are not a whole "
				    "number of entries", ret->name, ret->size, ret->offset);
	return 0;
}

/* The notes of a file of sections only: xldump leaves the program headers at offset 64 and only
 * does not name them, so that all notes of the PT_NOTE are there; of these .note.xldump is one. */
static int read_own_notes(struct xl_ctx *x, struct xl_image *img)
{
	const struct xl_image_section *own = xl_image_section(img, ".note.xldump");
	uint8_t p[ELF_PHDR_SIZE];
	uint64_t offset, size;

	if (!own)
		return 0;
	if (xl_imgfile_read(img->file, ELF_EHDR_SIZE, p, sizeof(p)) == 0 &&
	    xl_get_le32(p + ELF_P_TYPE) == ELF_PT_NOTE) {
		offset = xl_get_le64(p + ELF_P_OFFSET);
		size = xl_get_le64(p + ELF_P_FILESZ);
		if (xl_imgfile_inside(img->file, offset, size) && offset <= own->offset &&
		    own->offset + own->size <= offset + size)
			return xl_image_read_notes(x, img, offset, size, "notes");
	}
	return xl_image_read_notes(x, img, own->offset, own->size, own->name);
}

int xl_image_open_xen(struct xl_ctx *x, struct xl_image *img)
{
	const struct xl_image_section *pages = xl_image_section(img, ".xen_pages"), *notes;
	struct xl_image_section map;
	int r;

	r = find_map(x, img, &map);
	if (r < 0)
		return r;
	if (pages->size & XL_PAGE_MASK)
		return xl_image_bad(x,
				    ".xen_pages: %#" PRIx64 " bytes at offset %#" PRIx64 " are not "
				    "a whole number of pages", pages->size, pages->offset);
	if (img->loads) {
		img->hybrid = true;
	} else {
		img->kind = map.entsize == 16 ? XL_IMAGE_XENCORE_RAW : XL_IMAGE_XENCORE;
		r = read_map(x, img, &map, pages);
		if (r == 0)
			r = read_own_notes(x, img);
		if (r < 0)
			return r;
	}
	notes = xl_image_section(img, ".note.Xen");
	return notes ? xl_image_read_notes(x, img, notes->offset, notes->size, ".note.Xen") : 0;
}

/* ---- ours ---- */

/* Load a section as an array of n numbers of 64 bits each; *ret_n entries, 0 when there is none. */
static int load_numbers(struct xl_ctx *x, struct xl_image *img, const char *name, size_t entry,
			void **ret, size_t *ret_n)
{
	const struct xl_image_section *s = xl_image_section(img, name);
	uint8_t *data;
	int r;

	*ret_n = 0;
	if (!s)
		return 0;
	if (s->size % entry)
		return xl_image_bad(x,
				    "%s: %" PRIu64 " bytes at offset %#" PRIx64 " are not a whole "
				    "number of entries", name, s->size, s->offset);
	r = xl_imgfile_load(x, img->file, s->offset, s->size, RECORDS_MAX, name, &data);
	if (r < 0)
		return r;
	for (uint64_t i = 0; i < s->size; i += 8) {
		uint64_t v = xl_get_le64(data + i);

		memcpy(data + i, &v, sizeof(v));
	}
	*ret = data;
	*ret_n = s->size / entry;
	return 0;
}

static int bad_entry(struct xl_ctx *x, const struct xl_image *img, const char *name, size_t i,
		     size_t entry, const char *why)
{
	const struct xl_image_section *s = xl_image_section(img, name);

	return xl_image_bad(x, "%s, entry %zu at offset %#" PRIx64 ": %s", name, i,
			    s->offset + i * entry, why);
}

static int check_p2m(struct xl_ctx *x, const struct xl_image *img)
{
	xl_pfn_t next = 0;

	for (size_t i = 0; i < img->p2ms; i++) {
		const struct xl_image_p2m_run *p = &img->p2m[i];

		if (p->count == 0 || p->pfn < next || p->pfn >= XL_MAX_PFNS ||
		    p->count > XL_MAX_PFNS - p->pfn || p->mfn > UINT64_MAX - p->count)
			return bad_entry(x, img, ".xldump_p2m", i, XLDUMP_P2M_RUN_SIZE,
					 "the run does not follow the previous one");
		next = p->pfn + p->count;
	}
	return 0;
}

static int check_tables(struct xl_ctx *x, const struct xl_image *img)
{
	for (size_t i = 0; i < img->tables; i++) {
		const struct xl_image_table *t = &img->table[i];

		if (t->level < 1 || t->level > 4)
			return bad_entry(x, img, ".xldump_tables", i, XLDUMP_TABLE_SIZE,
					 "the level of the page table is not 1 to 4");
		if (i && t->pfn <= img->table[i - 1].pfn)
			return bad_entry(x, img, ".xldump_tables", i, XLDUMP_TABLE_SIZE,
					 "the order is not ascending");
	}
	return 0;
}

static int check_edits(struct xl_ctx *x, const struct xl_image *img)
{
	for (size_t i = 0; i < img->edits; i++) {
		const struct xl_image_edit *e = &img->edit[i];

		if (e->paddr & 7)
			return bad_entry(x, img, ".xldump_edits", i, XLDUMP_EDIT_SIZE,
					 "its address is not a multiple of 8");
		if (i && e->paddr <= img->edit[i - 1].paddr)
			return bad_entry(x, img, ".xldump_edits", i, XLDUMP_EDIT_SIZE,
					 "the order is not ascending");
	}
	return 0;
}

int xl_image_open_records(struct xl_ctx *x, struct xl_image *img)
{
	void *p = NULL;
	size_t n;
	int r;

	r = load_numbers(x, img, ".xldump_p2m", XLDUMP_P2M_RUN_SIZE, &p, &n);
	if (r == 0 && n && !img->p2m) {
		img->p2m = XL_TAKE_PTR(p);
		img->p2ms = n;
		r = check_p2m(x, img);
	}
	free(XL_TAKE_PTR(p));
	if (r == 0)
		r = load_numbers(x, img, ".xldump_tables", XLDUMP_TABLE_SIZE, &p, &n);
	if (r < 0)
		return r;
	img->table = XL_TAKE_PTR(p);
	img->tables = n;
	r = check_tables(x, img);
	if (r == 0)
		r = load_numbers(x, img, ".xldump_edits", XLDUMP_EDIT_SIZE, &p, &n);
	if (r < 0)
		return r;
	img->edit = XL_TAKE_PTR(p);
	img->edits = n;
	return check_edits(x, img);
}
