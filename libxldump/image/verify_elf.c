/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of ELF dumps that readers stand on. */
#include <string.h>

#include "base/bytes.h"
#include "format/elf_format.h"
#include "image/verify_private.h"

/* One program header of ours: memory ascends, in whole pages, all of them in the file. */
static void check_load(struct xl_verify *v, const uint8_t *p, uint64_t at, xl_pfn_t *next)
{
	uint64_t paddr = xl_get_le64(p + ELF_P_PADDR), memsz = xl_get_le64(p + ELF_P_MEMSZ);

	if (xl_get_le64(p + ELF_P_ALIGN) || xl_get_le32(p + ELF_P_FLAGS))
		xl_verify_broken(v,
				 "program header at offset %#" PRIx64 ": p_align and p_flags must "
				 "be 0",
				 at);
	if (xl_get_le64(p + ELF_P_FILESZ) != memsz)
		xl_verify_broken(
			v, "program header at offset %#" PRIx64 ": p_filesz is not p_memsz", at);
	if (xl_get_le32(p + ELF_P_TYPE) != ELF_PT_LOAD)
		return;
	if ((paddr | memsz) & XL_PAGE_MASK)
		xl_verify_broken(v,
				 "program header at offset %#" PRIx64 ": address %#" PRIx64
				 " or size %#" PRIx64 " is not that of a page",
				 at, paddr, memsz);
	if (paddr >> XL_PAGE_SHIFT < *next)
		xl_verify_broken(v,
				 "program header at offset %#" PRIx64 ": pfn %#" PRIx64
				 " comes after pfn %#" PRIx64,
				 at, paddr >> XL_PAGE_SHIFT, *next - 1);
	*next = (paddr + memsz) >> XL_PAGE_SHIFT;
}

/* What our own files promise beyond what is needed to read them. */
static int check_headers(struct xl_verify *v)
{
	uint8_t e[ELF_EHDR_SIZE], p[ELF_PHDR_SIZE];
	uint64_t phoff, phnum = v->img->loads + 1;
	xl_pfn_t next = 0;
	unsigned named;
	int r;

	r = xl_image_bytes(v->x, v->img, 0, e, sizeof(e));
	if (r < 0)
		return r;
	phoff = xl_get_le64(e + ELF_E_PHOFF);
	named = xl_get_le16(e + ELF_E_PHNUM);
	if (e[ELF_EI_VERSION] != 1 || xl_get_le32(e + ELF_E_VERSION) != 1)
		xl_verify_broken(v, "ELF header: its version is not 1");
	if (xl_get_le16(e + ELF_E_EHSIZE) != ELF_EHDR_SIZE)
		xl_verify_broken(v, "ELF header: its size (offset %d) is not %d", ELF_E_EHSIZE,
				 ELF_EHDR_SIZE);
	if (phoff != (named ? ELF_EHDR_SIZE : 0) || !named != !v->img->loads ||
	    (named && named != ELF_PN_XNUM && named != phnum))
		xl_verify_broken(v, "ELF header: e_phoff is %#" PRIx64 " with %u program headers",
				 phoff, named);
	for (uint64_t i = 0; v->img->loads && i < phnum; i++) {
		uint64_t at = phoff + i * ELF_PHDR_SIZE;

		r = xl_image_bytes(v->x, v->img, at, p, sizeof(p));
		if (r < 0)
			return r;
		if (xl_get_le32(p + ELF_P_TYPE) != (i ? ELF_PT_LOAD : ELF_PT_NOTE))
			xl_verify_broken(v,
					 "program header at offset %#" PRIx64 ": the first must be "
					 "PT_NOTE and all others PT_LOAD, not type %u", at,
					 xl_get_le32(p + ELF_P_TYPE));
		check_load(v, p, at, &next);
	}
	xl_verify_done(v, "ELF header and %" PRIu64 " segments", v->img->loads);
	return 0;
}

/* The segments and the sections of a hybrid are over the same bytes. */
static int check_map(struct xl_verify *v, const struct xl_image_section *pages,
		     const struct xl_image_section *map)
{
	uint64_t n = map->size / 8, offset, size;
	uint8_t raw[8 * 512];

	if (pages->size >> XL_PAGE_SHIFT != v->img->pages || n != v->img->pages)
		xl_verify_broken(v, "the segments have %" PRIu64 " pages, .xen_pages %" PRIu64
				 ", .xen_pfn %" PRIu64, v->img->pages, pages->size >> XL_PAGE_SHIFT,
				 n);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = map->offset + i * 8;
		xl_pfn_t pfn;
		int r = 0;

		if (i % 512 == 0)
			r = xl_image_bytes(v->x, v->img, at, raw, 8 * (n - i < 512 ? n - i : 512));
		if (r == 0)
			r = xl_check_cancel(v->x);
		if (r < 0)
			return r;
		pfn = xl_get_le64(raw + i % 512 * 8);
		if (!xl_image_has(v->img, pfn)) {
			xl_verify_broken(v, ".xen_pfn, entry %" PRIu64 " at offset %#" PRIx64
					 ": page %#" PRIx64 " is in no segment", i, at, pfn);
			continue;
		}
		r = xl_image_where(v->x, v->img, pfn, &offset, &size);
		if (r < 0)
			return r;
		if (offset != pages->offset + (i << XL_PAGE_SHIFT))
			xl_verify_broken(v, ".xen_pfn, entry %" PRIu64 " at offset %#" PRIx64
					 ": page %#" PRIx64 " is elsewhere in its segment", i, at, pfn);
	}
	xl_verify_done(v, "%" PRIu64 " entries of .xen_pfn agree with the segments", n);
	return 0;
}

static int check_hole(struct xl_verify *v, xl_pfn_t pfn, uint64_t offset)
{
	uint8_t page[XL_PAGE_SIZE];
	int r = xl_image_bytes(v->x, v->img, offset, page, sizeof(page));

	if (r == 0 && !xl_page_is_zero(page))
		xl_verify_broken(v, "page %#" PRIx64 ", which the guest does not have, is not zeros at "
				 "offset %#" PRIx64 " of the file", pfn, offset);
	return r;
}

/* Ours have a place for each pfn, for crash takes the number of an entry for its pfn; those of
 * xl dump-core have not. */
static int check_dense(struct xl_verify *v, const struct xl_image_section *pages,
		       const struct xl_image_section *map)
{
	uint64_t n = map->size / XEN_P2M_SIZE;
	uint8_t raw[XEN_P2M_SIZE];

	if (n % XEN_P2M_AT_ONCE)
		xl_verify_broken(v,
				 ".xen_p2m has %" PRIu64 " entries, which is not a multiple of %d",
				 n,
				 XEN_P2M_AT_ONCE);
	if (pages->size >> XL_PAGE_SHIFT != n)
		xl_verify_broken(v, ".xen_p2m has %" PRIu64 " entries, .xen_pages %" PRIu64 " pages", n,
				 pages->size >> XL_PAGE_SHIFT);
	for (uint64_t i = 0; i < n; i++) {
		int r = xl_image_bytes(v->x, v->img, map->offset + i * sizeof(raw), raw, sizeof(raw));

		if (r == 0 && xl_get_le64(raw) != i)
			xl_verify_broken(v, ".xen_p2m, entry %" PRIu64 " is of pfn %#" PRIx64, i,
					 xl_get_le64(raw));
		if (r == 0 && !v->quick && xl_get_le64(raw + 8) == XL_INVALID_FRAME)
			r = check_hole(v, i, pages->offset + (i << XL_PAGE_SHIFT));
		if (r == 0)
			r = xl_check_cancel(v->x);
		if (r < 0)
			return r;
	}
	xl_verify_done(v, "%" PRIu64 " entries of .xen_p2m, each in its place", n);
	return 0;
}

static void check_sections(struct xl_verify *v)
{
	static const struct {
		const char *name;
		uint64_t entsize;
	} rule[] = {
		{ ".xen_pages", XL_PAGE_SIZE }, { ".xen_pfn", 8 }, { ".xen_p2m", 16 },
		{ ".xen_shared_info", XL_PAGE_SIZE },
		{ ".xldump_p2m", XLDUMP_P2M_RUN_SIZE }, { ".xldump_tables", XLDUMP_TABLE_SIZE },
		{ ".xldump_edits", XLDUMP_EDIT_SIZE },
	};
	static const char *const needed[] = { ".note.Xen", ".xen_prstatus", ".xen_pages" };

	for (size_t i = 0; i < XL_ARRAY_SIZE(needed); i++)
		if (!xl_image_section(v->img, needed[i]))
			xl_verify_broken(v, "there is no section %s", needed[i]);
	for (size_t i = 0; i < XL_ARRAY_SIZE(rule); i++) {
		const struct xl_image_section *s = xl_image_section(v->img, rule[i].name);

		if (s && s->entsize != rule[i].entsize)
			xl_verify_broken(v, "%s: entries of %" PRIu64 " bytes instead of %" PRIu64,
					 s->name, s->entsize, rule[i].entsize);
	}
	for (size_t i = 0; i < v->img->sections; i++) {
		const struct xl_image_section *a = &v->img->section[i];

		for (size_t j = i + 1; j < v->img->sections; j++) {
			const struct xl_image_section *b = &v->img->section[j];

			if (strcmp(a->name, b->name) == 0)
				xl_verify_broken(v, "there are two sections %s", a->name);
			if (a->size && b->size && a->offset < b->offset + b->size &&
			    b->offset < a->offset + a->size)
				xl_verify_broken(v, "sections %s and %s overlap at offset %#" PRIx64,
						 a->name, b->name,
						 a->offset > b->offset ? a->offset : b->offset);
		}
	}
	xl_verify_done(v, "%zu sections", v->img->sections);
}

int xl_verify_elf(struct xl_verify *v)
{
	const struct xl_image_section *pages = xl_image_section(v->img, ".xen_pages");
	const struct xl_image_section *map = xl_image_section(v->img, ".xen_pfn");
	int r = 0;

	if (pages)
		check_sections(v);
	if (pages && (pages->offset & XL_PAGE_MASK))
		xl_verify_broken(v, ".xen_pages: offset %#" PRIx64 " is not that of a page",
				 pages->offset);
	if (v->img->json && !v->img->sections_lost)
		r = check_headers(v);
	if (v->img->sections_lost && !v->img->json)
		xl_verify_note(v, "the section headers make no sense, and are not needed");
	if (r == 0 && v->img->hybrid && map)
		r = check_map(v, pages, map);
	map = xl_image_section(v->img, ".xen_p2m");
	if (r == 0 && v->img->json && pages && map)
		r = check_dense(v, pages, map);
	return r;
}
