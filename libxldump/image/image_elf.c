/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF: the header, segments and section headers.  Not by libelf, which wants a file descriptor: the
 * bytes may be those of a flattened file. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/elf_format.h"
#include "image/image_private.h"

#define ET_CORE 4
#define SHT_NOBITS 8
#define SECTIONS_MAX 4096     /* xl dump-core has 7, we have 12 */
#define STRTAB_MAX (64 * 1024)
#define PHDRS_AT_ONCE 128

/* The members of the ELF header that are needed. */
struct ehdr {
	uint64_t phoff, shoff, phnum;
	unsigned shnum, shstrndx, shentsize;
};

static int read_ehdr(struct xl_ctx *x, struct xl_image *img, struct ehdr *ret)
{
	uint8_t e[ELF_EHDR_SIZE], sh[ELF_SHDR_SIZE];

	if (xl_imgfile_read(img->file, 0, e, sizeof(e)) < 0)
		return xl_image_bad(x, "the file is cut off within the ELF header");
	if (e[ELF_EI_CLASS] != 2 || e[ELF_EI_DATA] != 1)
		return xl_image_bad(x, "ELF, but not of 64 bits and little endian (bytes %u and %u at "
				    "offset %d)", e[ELF_EI_CLASS], e[ELF_EI_DATA], ELF_EI_CLASS);
	if (xl_get_le16(e + ELF_E_TYPE) != ET_CORE)
		return xl_image_bad(x, "ELF, but not a core file (type %u at offset %d)",
				    xl_get_le16(e + ELF_E_TYPE), ELF_E_TYPE);
	if (xl_get_le16(e + ELF_E_MACHINE) != ELF_EM_X86_64 &&
	    xl_get_le16(e + ELF_E_MACHINE) != ELF_EM_386)
		return xl_image_bad(x, "a core file of another machine (%u at offset %d)",
				    xl_get_le16(e + ELF_E_MACHINE), ELF_E_MACHINE);
	img->narrow = xl_get_le16(e + ELF_E_MACHINE) == ELF_EM_386;
	ret->phoff = xl_get_le64(e + ELF_E_PHOFF);
	ret->shoff = xl_get_le64(e + ELF_E_SHOFF);
	ret->phnum = xl_get_le16(e + ELF_E_PHNUM);
	ret->shnum = xl_get_le16(e + ELF_E_SHNUM);
	ret->shstrndx = xl_get_le16(e + ELF_E_SHSTRNDX);
	if (ret->phnum && xl_get_le16(e + ELF_E_PHENTSIZE) != ELF_PHDR_SIZE)
		return xl_image_bad(x, "program headers of %u bytes (offset %d)",
				    xl_get_le16(e + ELF_E_PHENTSIZE), ELF_E_PHENTSIZE);
	ret->shentsize = xl_get_le16(e + ELF_E_SHENTSIZE);
	if (ret->phnum != ELF_PN_XNUM)
		return 0;
	if (!ret->shnum || xl_imgfile_read(img->file, ret->shoff, sh, sizeof(sh)) < 0)
		return xl_image_bad(x, "the number of program headers should be in the first section "
				    "header, at offset %#" PRIx64 ", which is not there", ret->shoff);
	ret->phnum = xl_get_le32(sh + ELF_SH_INFO);
	return 0;
}

/* ---- segments ---- */

/* They may come in any order, begin and end within a page, and show the same memory twice, as
 * /proc/vmcore does with the kernel's image. */
static int take_load(struct xl_ctx *x, struct xl_image *img, struct xl_ranges *all,
		     const uint8_t *p, uint64_t at)
{
	uint64_t offset = xl_get_le64(p + ELF_P_OFFSET), paddr = xl_get_le64(p + ELF_P_PADDR);
	uint64_t filesz = xl_get_le64(p + ELF_P_FILESZ), memsz = xl_get_le64(p + ELF_P_MEMSZ);
	char what[64];
	int r;

	(void)snprintf(what, sizeof(what), "program header at offset %#" PRIx64, at);
	img->loads++;
	if (filesz > memsz)
		return xl_image_bad(x, "%s: more bytes in the file, %#" PRIx64 ", than in memory, %#"
				    PRIx64, what, filesz, memsz);
	if (!xl_imgfile_inside(img->file, offset, filesz))
		return xl_image_bad(x, "%s: %#" PRIx64 " bytes at offset %#" PRIx64 " are beyond the "
				    "end of the file, %#" PRIx64, what, filesz, offset, img->size);
	r = xl_image_add_memory(x, all, paddr, filesz, offset, what);
	return r < 0 ? r :
		       xl_image_add_memory(x, all, paddr + filesz, memsz - filesz, XL_PIECE_ZEROS,
					   what);
}

static int take_phdr(struct xl_ctx *x, struct xl_image *img, struct xl_ranges *all,
		     const uint8_t *p, uint64_t at)
{
	switch (xl_get_le32(p + ELF_P_TYPE)) {
	case ELF_PT_NOTE:
		return xl_image_read_notes(x, img, xl_get_le64(p + ELF_P_OFFSET),
					   xl_get_le64(p + ELF_P_FILESZ), "PT_NOTE");
	case ELF_PT_LOAD:
		return take_load(x, img, all, p, at);
	default:
		return 0;
	}
}

static int read_segments(struct xl_ctx *x, struct xl_image *img, const struct ehdr *e)
{
	_cleanup_(xl_ranges_deinit) struct xl_ranges all = { 0 };
	uint8_t buf[PHDRS_AT_ONCE * ELF_PHDR_SIZE];

	if (!xl_imgfile_inside(img->file, e->phoff, e->phnum * ELF_PHDR_SIZE))
		return xl_image_bad(x, "%" PRIu64 " program headers at offset %#" PRIx64
				    " are beyond the end of the file, %#" PRIx64, e->phnum, e->phoff,
				    img->size);
	for (uint64_t i = 0; i < e->phnum; i += PHDRS_AT_ONCE) {
		uint64_t n = e->phnum - i < PHDRS_AT_ONCE ? e->phnum - i : PHDRS_AT_ONCE;
		uint64_t at = e->phoff + i * ELF_PHDR_SIZE;
		int r = xl_imgfile_read(img->file, at, buf, n * ELF_PHDR_SIZE);

		if (r < 0)
			return xl_err(x, r, "read program headers at offset %#" PRIx64, at);
		for (uint64_t j = 0; j < n && r == 0; j++)
			r = take_phdr(x, img, &all, buf + j * ELF_PHDR_SIZE,
				      at + j * ELF_PHDR_SIZE);
		if (r < 0)
			return r;
	}
	return xl_image_set_memory(x, img, &all);
}

/* ---- sections ---- */

/* The offset of the name's last byte must be inside: the table was loaded with a NUL behind it. */
static int take_shdr(struct xl_ctx *x, struct xl_image *img, const uint8_t *h, uint64_t at,
		     const uint8_t *names, uint64_t names_size)
{
	struct xl_image_section *s = &img->section[img->sections];
	uint32_t name = xl_get_le32(h + ELF_SH_NAME);

	if (name >= names_size)
		return xl_image_bad(x, "section header at offset %#" PRIx64 ": its name is beyond the "
				    "end of the names", at);
	s->type = xl_get_le32(h + ELF_SH_TYPE);
	s->offset = xl_get_le64(h + ELF_SH_OFFSET);
	s->size = xl_get_le64(h + ELF_SH_SIZE);
	s->entsize = xl_get_le64(h + ELF_SH_ENTSIZE);
	(void)snprintf(s->name, sizeof(s->name), "%s", (const char *)names + name);
	if (s->type != SHT_NOBITS && !xl_imgfile_inside(img->file, s->offset, s->size))
		return xl_image_bad(x, "section header at offset %#" PRIx64 ": %#" PRIx64
				    " bytes at offset %#" PRIx64 " are beyond the end of the file, %#"
				    PRIx64, at, s->size, s->offset, img->size);
	img->sections++;
	return 0;
}

static int load_sections(struct xl_ctx *x, struct xl_image *img, const struct ehdr *e)
{
	_cleanup_free_ uint8_t *h = NULL, *names = NULL;
	const uint8_t *strtab;
	uint64_t names_size;
	int r;

	if (e->shentsize != ELF_SHDR_SIZE)
		return xl_image_bad(x, "section headers of %u bytes (offset %d)", e->shentsize,
				    ELF_E_SHENTSIZE);
	if (e->shnum > SECTIONS_MAX || e->shstrndx >= e->shnum)
		return xl_image_bad(x, "%u sections, with names in number %u (offset %d)", e->shnum,
				    e->shstrndx, ELF_E_SHNUM);
	r = xl_imgfile_load(x, img->file, e->shoff, (uint64_t)e->shnum * ELF_SHDR_SIZE,
			    UINT64_MAX, "section headers", &h);
	if (r < 0)
		return r;
	strtab = h + e->shstrndx * ELF_SHDR_SIZE;
	names_size = xl_get_le64(strtab + ELF_SH_SIZE);
	r = xl_imgfile_load(x, img->file, xl_get_le64(strtab + ELF_SH_OFFSET), names_size,
			    STRTAB_MAX, "names of the sections", &names);
	if (r < 0)
		return r;
	img->section = calloc(e->shnum, sizeof(*img->section));
	if (!img->section)
		return xl_err(x, -ENOMEM, "list of %u sections", e->shnum);
	for (unsigned i = 1; i < e->shnum && r == 0; i++)
		r = take_shdr(x, img, h + i * ELF_SHDR_SIZE, e->shoff + i * ELF_SHDR_SIZE, names,
			      names_size);
	return r;
}

/* makedumpfile -E copies where the sections are, but not the sections.  Where there are segments,
 * nothing else depends on them. */
static int read_sections(struct xl_ctx *x, struct xl_image *img, const struct ehdr *e)
{
	int r = load_sections(x, img, e);

	if (r != -EINVAL || !img->loads)
		return r;
	xl_err_clear(x);
	img->sections = 0;
	img->sections_lost = true;
	return 0;
}

static int open_elf(struct xl_ctx *x, struct xl_image *img)
{
	struct ehdr e;
	int r;

	r = read_ehdr(x, img, &e);
	if (r == 0 && e.phnum)
		r = read_segments(x, img, &e);
	if (r == 0 && e.shnum)
		r = read_sections(x, img, &e);
	if (r < 0)
		return r;
	img->kind = XL_IMAGE_ELF;
	if (xl_image_section(img, ".xen_pages"))
		r = xl_image_open_xen(x, img);
	else if (!img->loads)
		return xl_image_bad(x, "an ELF core without memory: neither PT_LOAD segments nor a "
				    "section .xen_pages");
	return r < 0 ? r : xl_image_open_records(x, img);
}

const struct xl_image_ops xl_image_elf = {
	.signature = "\177ELF",
	.signature_size = 4,
	.open = open_elf,
	.next = xl_memory_next,
	.next_stored = xl_memory_next_stored,
	.where = xl_memory_where,
	.page = xl_memory_page,
};
