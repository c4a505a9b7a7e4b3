/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table: each rule of format-check, and what breaks it and nothing else. */
#include "breakage.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_core.h"

static void fail(const char *what)
{
	(void)fprintf(stderr, "breakage: %s\n", what);
	abort();
}

/* ---- finding things ---- */

static Elf64_Ehdr *ehdr(struct bytes *b)
{
	return (Elf64_Ehdr *)(void *)b->data;
}

static Elf64_Phdr *phdr(struct bytes *b)
{
	return (Elf64_Phdr *)(void *)(b->data + ehdr(b)->e_phoff);
}

static Elf64_Shdr *section(struct bytes *b, const char *name)
{
	Elf64_Shdr *sh = (Elf64_Shdr *)(void *)(b->data + ehdr(b)->e_shoff);
	const char *names = (const char *)b->data + sh[ehdr(b)->e_shstrndx].sh_offset;

	for (size_t i = 1; i < ehdr(b)->e_shnum; i++)
		if (strcmp(names + sh[i].sh_name, name) == 0)
			return &sh[i];
	fail(name);
	return NULL;
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static size_t note_size(const unsigned char *p)
{
	const Elf64_Nhdr *n = (const Elf64_Nhdr *)(const void *)p;

	return sizeof(*n) + padded(n->n_namesz) + padded(n->n_descsz);
}

/* The nth of a name, or of any if that is NULL. */
static unsigned char *find_note(unsigned char *from, size_t size, const char *name, unsigned nth)
{
	for (unsigned char *p = from; p < from + size; p += note_size(p))
		if ((!name || strcmp((char *)p + sizeof(Elf64_Nhdr), name) == 0) && nth-- == 0)
			return p;
	fail(name ? name : "no such note");
	return NULL;
}

static unsigned char *kdump_note(struct bytes *b, const char *name, unsigned nth)
{
	return find_note(b->data + phdr(b)->p_offset, phdr(b)->p_filesz, name, nth);
}

static unsigned char *xen_note(struct bytes *b, unsigned nth)
{
	const Elf64_Shdr *s = section(b, ".note.Xen");

	return find_note(b->data + s->sh_offset, s->sh_size, NULL, nth);
}

static unsigned char *text_of(unsigned char *note)
{
	return note + sizeof(Elf64_Nhdr) + padded(((Elf64_Nhdr *)(void *)note)->n_namesz);
}

static unsigned char *base_of(struct bytes *b, const struct patch *p)
{
	switch (p->base) {
	case EHDR:
		return b->data;
	case PHDR:
		return (unsigned char *)(phdr(b) + p->nth);
	case SHDR:
		return (unsigned char *)section(b, p->name);
	case SECTION:
		return b->data + section(b, p->name)->sh_offset;
	case NOTE:
		return kdump_note(b, p->name, p->nth);
	case TEXT:
		return text_of(kdump_note(b, p->name, p->nth));
	case XEN:
		return xen_note(b, p->nth);
	case XENTEXT:
		return text_of(xen_note(b, p->nth));
	case END:
		break;
	}
	return NULL;
}

static void put(unsigned char *at, const struct patch *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; p->add && i < p->size; i++)
		v |= (uint64_t)at[i] << 8 * i;
	v += p->value;
	for (unsigned i = 0; i < p->size; i++)
		at[i] = (unsigned char)(v >> 8 * i);
}

/* ---- what takes more than a patch ---- */

#define ELSEWHERE 0x2000 /* unused in all of the files, as is what follows up to 0x4000 */

static void move_phdrs(struct bytes *b)
{
	memcpy(b->data + ELSEWHERE, phdr(b), ehdr(b)->e_phnum * sizeof(Elf64_Phdr));
	ehdr(b)->e_phoff = ELSEWHERE;
}

static void swap_phdrs(struct bytes *b, size_t i, size_t j)
{
	Elf64_Phdr swap = phdr(b)[i];

	phdr(b)[i] = phdr(b)[j];
	phdr(b)[j] = swap;
}

static void note_last(struct bytes *b)
{
	size_t n = ehdr(b)->e_phnum - 1U;
	Elf64_Phdr note = phdr(b)[0];

	memmove(phdr(b), phdr(b) + 1, n * sizeof(note));
	phdr(b)[n] = note;
}

static void loads_descend(struct bytes *b)
{
	swap_phdrs(b, 1, 2);
}

static void one_load(struct bytes *b)
{
	swap_phdrs(b, 1, 2);
	ehdr(b)->e_phnum = 2;
}

static void second_note(struct bytes *b)
{
	phdr(b)[ehdr(b)->e_phnum++] = phdr(b)[0];
}

/* All of them behind the others, and over the same page. */
static void many_loads(struct bytes *b)
{
	size_t n = ehdr(b)->e_phnum;
	Elf64_Phdr *to = (Elf64_Phdr *)(void *)(b->data + b->size), last = phdr(b)[n - 1];

	last.p_paddr += last.p_filesz;
	last.p_offset += last.p_filesz - FAKE_PAGE;
	last.p_filesz = last.p_memsz = FAKE_PAGE;
	memcpy(to, phdr(b), n * sizeof(*to));
	for (; n < 1001; n++) {
		to[n] = last;
		last.p_paddr += FAKE_PAGE;
	}
	ehdr(b)->e_phoff = b->size;
	ehdr(b)->e_phnum = (Elf64_Half)n;
	b->size += n * sizeof(*to);
}

static void no_addresses(struct bytes *b)
{
	for (size_t i = 1; i < ehdr(b)->e_phnum; i++)
		phdr(b)[i].p_paddr = 0;
}

static void notes_behind(struct bytes *b)
{
	memcpy(b->data + b->size, b->data + phdr(b)->p_offset, phdr(b)->p_filesz);
	phdr(b)->p_offset = b->size;
	b->size += phdr(b)->p_filesz;
}

static void drop_note(struct bytes *b, const char *name)
{
	unsigned char *p = kdump_note(b, name, 0), *end;
	size_t n = note_size(p);

	end = b->data + phdr(b)->p_offset + phdr(b)->p_filesz;
	memmove(p, p + n, (size_t)(end - p) - n);
	phdr(b)->p_filesz -= n;
	phdr(b)->p_memsz -= n;
}

static void drop_qemu(struct bytes *b)
{
	drop_note(b, "QEMU");
}

static void drop_info(struct bytes *b)
{
	drop_note(b, "VMCOREINFO");
}

/* Ours before VMCOREINFO. */
static void notes_unordered(struct bytes *b)
{
	unsigned char ours[64], *p = kdump_note(b, "XLDUMP", 0), *info;
	size_t n = note_size(p);

	info = kdump_note(b, "VMCOREINFO", 0);
	memcpy(ours, p, n);
	memmove(info + n, info, (size_t)(p - info));
	memcpy(info, ours, n);
}

/* Two of them trade places; their names stay as they are. */
static void swap_sections(struct bytes *b)
{
	Elf64_Shdr *s = section(b, ".note.Xen"), *t = section(b, ".xen_prstatus"), swap = *s;

	*s = *t;
	*t = swap;
}

static void swap_bytes(struct bytes *b, const char *name, size_t at, size_t n)
{
	unsigned char *p = b->data + section(b, name)->sh_offset + at, swap[64];

	memcpy(swap, p, n);
	memcpy(p, p + n, n);
	memcpy(p + n, swap, n);
}

static void swap_pfns(struct bytes *b)
{
	swap_bytes(b, ".xen_pfn", 40 * 8, 8);
}

static void swap_edits(struct bytes *b)
{
	swap_bytes(b, ".xldump_edits", 0, 16);
}

static void p2m_last(struct bytes *b)
{
	Elf64_Shdr *s = section(b, ".xen_p2m");

	memcpy(b->data + b->size, b->data + s->sh_offset, s->sh_size);
	s->sh_offset = b->size;
	b->size += s->sh_size;
}

/* One with the name of the map that the file has not, and nothing in it that matters. */
static void both_maps(struct bytes *b)
{
	const Elf64_Shdr *names = section(b, ".shstrtab");
	Elf64_Shdr *s = section(b, ".xldump_edits");

	memcpy(b->data + names->sh_offset + s->sh_name, ".xen_p2m", sizeof(".xen_p2m"));
}

static void rename_notes(struct bytes *b)
{
	const Elf64_Shdr *names = section(b, ".shstrtab"), *s = section(b, ".note.Xen");

	memcpy(b->data + names->sh_offset + s->sh_name, ".note.Yen", sizeof(".note.Yen"));
}

/* ---- the rules ---- */

#define VIEWS "all: PT_LOADs and .xen_pfn"
#define COUNTS "mdb: as many pages"

const struct breakage breakage[] = {
	/* the ELF header */
	{ "all: a core file", NULL, PVH, { { EHDR, NULL, 0, 16, 2, 2, 0 } }, NULL },
	{ "all: for x86_64", NULL, PVH, { { EHDR, NULL, 0, 18, 2, 3, 0 } }, NULL },
	{ "all: for x86_64", NULL, PV_SECTIONS, { { EHDR, NULL, 0, 18, 2, 40, 0 } }, NULL },
	{ "all: ELF header of", NULL, PVH, { { EHDR, NULL, 0, 52, 2, 63, 0 } }, NULL },

	/* program headers */
	{ "makedumpfile: program headers at", NULL, PVH, { { 0 } }, move_phdrs },
	{ "all: program headers of", NULL, PVH, { { EHDR, NULL, 0, 54, 2, 64, 0 } }, NULL },
	{ "crash: the first program header", NULL, PVH, { { 0 } }, note_last },
	{ "makedumpfile: one PT_NOTE", NULL, PVH, { { 0 } }, second_note },
	{ "crash: two PT_LOADs", VIEWS, PVH, { { 0 } }, one_load },
	{ "crash: few PT_LOADs", VIEWS "|makedumpfile: program headers at", PVH,
	  { { 0 } }, many_loads },
	{ "crash: p_align", NULL, PVH, { { PHDR, NULL, 1, 48, 8, 4096, 0 } }, NULL },
	{ "volatility: p_filesz", NULL, PVH, { { PHDR, NULL, 3, 40, 8, 4096, 1 } }, NULL },
	{ "all: PT_LOADs ascend", NULL, PVH, { { 0 } }, loads_descend },
	{ "libkdumpfile: offsets", NULL, PVH,
	  { { PHDR, NULL, 3, 32, 8, -8ULL, 1 }, { PHDR, NULL, 3, 40, 8, -8ULL, 1 } }, NULL },
	{ "all: PT_LOADs lie within", VIEWS, PVH, { { PHDR, NULL, 3, 8, 8, 1 << 24, 1 } }, NULL },
	{ "libkdumpfile: not all", "all: PT_LOADs", PVH, { { 0 } }, no_addresses },
	{ "drgn: p_vaddr", NULL, PVH,
	  { { PHDR, NULL, 1, 16, 8, 0xffff888000000000, 0 },
	    { PHDR, NULL, 2, 16, 8, 0xffff999000001000, 0 } }, NULL },
	{ VIEWS, NULL, PVH, { { PHDR, NULL, 1, 8, 8, 4096, 1 } }, NULL },
	{ "crash: the notes are before", NULL, PVH, { { 0 } }, notes_behind },

	/* their notes */
	{ "all: notes fill", NULL, PVH, { { PHDR, NULL, 0, 32, 8, 4, 1 } }, NULL },
	{ "all: names of notes end", NULL, PVH, { { NOTE, "XLDUMP", 0, 0, 4, 6, 0 } }, NULL },
	{ "qemu: first all", NULL, PVH, { { 0 } }, notes_unordered },
	{ "crash: other notes", NULL, PVH, { { NOTE, "XLDUMP", 0, 8, 4, 4, 0 } }, NULL },
	{ "crash: other notes", NULL, PVH, { { NOTE, "XLDUMP", 0, 13, 1, 'E', 0 },
					     { NOTE, "XEDUMP", 0, 14, 1, 'N', 0 } }, NULL },
	{ "gdb: NT_PRSTATUS", "drgn: pr_pid", PVH, { { NOTE, "CORE", 0, 4, 4, 333, 0 } }, NULL },
	{ "drgn: pr_pid", NULL, HVM, { { TEXT, "CORE", 2, 32, 4, 2, 0 } }, NULL },
	{ "crash: a QEMU note", NULL, PVH, { { 0 } }, drop_qemu },
	{ "elf2dmp: QEMU", NULL, PVH, { { TEXT, "QEMU", 0, 0, 4, 2, 0 } }, NULL },
	{ "elf2dmp: QEMU", NULL, HVM, { { TEXT, "QEMU", 2, 4, 4, 432, 0 } }, NULL },
	{ "crash: no more NT_PRSTATUS", NULL, HVM,
	  { { SHDR, ".xen_prstatus", 0, 32, 8, 2ULL * FAKE_CONTEXT, 0 },
	    { XENTEXT, NULL, 1, 8, 8, 2, 0 } }, NULL },
	{ "all: rip of NT_PRSTATUS", NULL, HVM,
	  { { SECTION, ".xen_prstatus", 0, 2 * FAKE_CONTEXT + 648, 8, 1, 1 } }, NULL },
	/* entries that were moved together: that of vCPU 2 is in the place of 1 */
	{ "all: rip of NT_PRSTATUS", "all: cr3 of the QEMU notes", HVM,
	  { { SECTION, ".xen_prstatus", 0, FAKE_CONTEXT + 648, 8, 0xffffffff81000012, 0 },
	    { SECTION, ".xen_prstatus", 0, FAKE_CONTEXT + 5008, 8, 0xa000, 0 } }, NULL },
	{ "all: cr3 of the QEMU notes", NULL, HVM,
	  { { SECTION, ".xen_prstatus", 0, 2 * FAKE_CONTEXT + 5008, 8, 0xb000, 0 } }, NULL },
	{ "drgn: one VMCOREINFO", NULL, PVH, { { 0 } }, drop_info },
	{ "drgn: VMCOREINFO has OSRELEASE", NULL, PVH,
	  { { TEXT, "VMCOREINFO", 0, 0, 1, 'X', 0 } }, NULL },
	{ "drgn: VMCOREINFO has PAGESIZE", NULL, PVH,
	  { { TEXT, "VMCOREINFO", 0, 23, 1, '8', 0 } }, NULL },
	{ "drgn: VMCOREINFO has SYMBOL", NULL, PVH,
	  { { TEXT, "VMCOREINFO", 0, 28, 1, 'X', 0 } }, NULL },
	{ "all: VMCOREINFO ends", NULL, PVH, { { NOTE, "VMCOREINFO", 0, 4, 4, -1U, 1 } }, NULL },
	{ "mdb: cr3 of vCPU 0 in .xen_prstatus maps", NULL, HVM,
	  { { SECTION, ".xen_prstatus", 0, 5008, 8, 0xd000, 0 } }, NULL },
	/* five levels: the table below the top is not the top */
	{ "mdb: cr3 of vCPU 0 in .xen_prstatus maps", NULL, LA57,
	  { { SECTION, ".xen_prstatus", 0, 5008, 8, 0xa000, 0 } }, NULL },

	/* sections */
	{ "all: sections lie within", NULL, PV,
	  { { SHDR, ".xldump_edits", 0, 24, 8, 1ULL << 40, 0 } }, NULL },
	{ "volatility: .shstrtab", NULL, SECTIONS, { { 0 } }, swap_sections },
	{ "crash: .note.Xen is there", "mdb: magic|" COUNTS "|mdb: as many vCPUs", SECTIONS,
	  { { 0 } },
	  rename_notes },
	{ "mdb: .xen_pages is whole", NULL, SECTIONS,
	  { { SHDR, ".xen_pages", 0, 56, 8, 8, 0 } }, NULL },
	{ "mdb: .xen_pages is whole", NULL, SECTIONS,
	  { { SHDR, ".xen_pages", 0, 24, 8, -64ULL, 1 } }, NULL },
	{ "mdb: .xen_pages is whole", NULL, SECTIONS,
	  { { SHDR, ".xen_pages", 0, 32, 8, 64, 1 } }, NULL },
	{ "crash: either .xen_pfn", "volatility: .shstrtab", PV_SECTIONS, { { 0 } }, both_maps },
	{ "mdb: .xen_prstatus has entries", NULL, SECTIONS,
	  { { SHDR, ".xen_prstatus", 0, 56, 8, 5160, 0 } }, NULL },
	{ "mdb: as many vCPUs", NULL, SECTIONS, { { XENTEXT, NULL, 1, 8, 8, 2, 0 } }, NULL },
	{ "mdb: cr3 of vCPU 0 in .xen_prstatus is a page", NULL, SECTIONS,
	  { { SECTION, ".xen_prstatus", 0, 5008, 8, 0x5000, 0 } }, NULL },
	{ "mdb: cr3 of vCPU 0 in .xen_prstatus is a page", NULL, RAW,
	  { { SECTION, ".xen_prstatus", 0, 5008, 8, 0xa000, 0 } }, NULL },
	/* where the registers of 64 bits would be, there is nothing of it */
	{ "mdb: cr3 of vCPU 0 in .xen_prstatus is a page", NULL, NARROW,
	  { { SECTION, ".xen_prstatus", 0, 2728, 4, 0x5000, 0 } }, NULL },
	/* without the upper bits of the frame */
	{ "mdb: cr3 of vCPU 0 in .xen_prstatus is a page", NULL, NARROW_RAW,
	  { { SECTION, ".xen_prstatus", 0, 2728, 2, 0x6000, 0 } }, NULL },
	{ "crash: fewer than 2^31", COUNTS, SECTIONS,
	  { { XENTEXT, NULL, 1, 16, 8, 1ULL << 31, 0 } }, NULL },

	/* Xen's notes: NONE, HEADER, XEN_VERSION, FORMAT_VERSION */
	{ "crash: page size of HEADER", NULL, SECTIONS,
	  { { XENTEXT, NULL, 1, 24, 8, 8192, 0 } }, NULL },
	{ "mdb: HEADER has 32", "crash: notes of .note.Xen|mdb: magic|" COUNTS "|mdb: as many vCPUs", SECTIONS,
	  { { XEN, NULL, 1, 4, 4, 31, 0 } }, NULL },
	{ "mdb: XEN_VERSION has", "crash: notes of .note.Xen", SECTIONS,
	  { { XEN, NULL, 2, 4, 4, 1279, 0 } }, NULL },
	{ "mdb: capabilities", NULL, SECTIONS,
	  { { XENTEXT, NULL, 2, 176 + 13, 1, '5', 0 } }, NULL },
	{ "libkdumpfile: page size", NULL, SECTIONS,
	  { { XENTEXT, NULL, 2, 1272, 8, 8192, 0 } }, NULL },
	{ "libkdumpfile: page size", NULL, NARROW,
	  { { XENTEXT, NULL, 2, 1268, 8, 8192, 0 } }, NULL },
	{ "crash: FORMAT_VERSION", NULL, SECTIONS, { { XENTEXT, NULL, 3, 0, 8, 2, 0 } }, NULL },
	{ "all: .note.Xen is full", NULL, SECTIONS,
	  { { SHDR, ".note.Xen", 0, 32, 8, 4, 1 } }, NULL },
	{ "crash: notes of .note.Xen", NULL, SECTIONS, { { XEN, NULL, 0, 13, 1, 'E', 0 } }, NULL },
	{ "mdb: .note.Xen has NONE", NULL, SECTIONS,
	  { { XEN, NULL, 0, 8, 4, 0x2000009, 0 } }, NULL },

	/* .xen_pfn */
	{ "all: .xen_pfn has entries", NULL, SECTIONS,
	  { { SHDR, ".xen_pfn", 0, 56, 8, 16, 0 } }, NULL },
	{ "crash: .xen_pfn ascends", NULL, SECTIONS, { { 0 } }, swap_pfns },
	/* a double: 41 twice */
	{ "crash: .xen_pfn ascends", NULL, SECTIONS,
	  { { SECTION, ".xen_pfn", 0, 8 * 38, 8, 41, 0 } }, NULL },
	{ "libkdumpfile: .xen_pfn", NULL, SECTIONS,
	  { { SECTION, ".xen_pfn", 0, 8 * 61, 8, ~0ULL, 0 } }, NULL },
	{ "mdb: magic of a guest with .xen_pfn", NULL, SECTIONS,
	  { { XENTEXT, NULL, 1, 0, 4, 0xf00febed, 0 } }, NULL },
	{ "mdb: as many pages in HEADER, .xen_pfn", NULL, SECTIONS,
	  { { XENTEXT, NULL, 1, 16, 8, 1, 1 } }, NULL },

	/* .xen_p2m */
	{ "all: .xen_p2m has entries", NULL, RAW, { { SHDR, ".xen_p2m", 0, 56, 8, 8, 0 } }, NULL },
	{ "crash: entry n of .xen_p2m", NULL, RAW,
	  { { SECTION, ".xen_p2m", 0, 16 * 40, 8, 400, 0 } }, NULL },
	/* as xl dump-core pads it */
	{ "mdb: .xen_p2m has no ~0", "crash: entry n", RAW,
	  { { SECTION, ".xen_p2m", 0, 16 * 511, 8, ~0ULL, 0 } }, NULL },
	{ "mdb: frames of .xen_p2m", NULL, RAW,
	  { { SECTION, ".xen_p2m", 0, 16 * 40 + 8, 8, 1ULL << 40, 0 } }, NULL },
	{ "crash: .xen_p2m is read", NULL, RAW,
	  { { SHDR, ".xen_p2m", 0, 32, 8, -16ULL, 1 }, { SHDR, ".xen_pages", 0, 32, 8, -4096ULL, 1 },
	    { XENTEXT, NULL, 1, 16, 8, -1ULL, 1 } }, NULL },
	{ "crash: behind .xen_p2m", NULL, RAW, { { 0 } }, p2m_last },
	{ "crash: no program headers", "makedumpfile:|crash: |libkdumpfile: not all|" VIEWS, RAW,
	  { { EHDR, NULL, 0, 32, 8, 64, 0 }, { EHDR, NULL, 0, 56, 2, 1, 0 } }, NULL },
	{ "mdb: magic of a guest with .xen_p2m", NULL, RAW,
	  { { XENTEXT, NULL, 1, 0, 4, 0xf00febee, 0 } }, NULL },
	{ "mdb: as many pages in HEADER, .xen_p2m", NULL, RAW,
	  { { XENTEXT, NULL, 1, 16, 8, 1, 1 } }, NULL },

	/* 32 bits */
	{ "x86: tables of level 3", NULL, NARROW,
	  { { SECTION, ".xen_pages", 0, (10 - 2) * FAKE_PAGE + 8 * 4, 8, 0xb001, 0 } }, NULL },
	{ "xldump: page tables and edits", NULL, NARROW,
	  { { SECTION, ".xldump_tables", 0, 8, 8, 4, 0 } }, NULL },

	/* ours */
	{ "xldump: sections hold whole", NULL, PV,
	  { { SHDR, ".xldump_p2m", 0, 32, 8, -8ULL, 1 } }, NULL },
	{ "xldump: records ascend", NULL, PV, { { 0 } }, swap_edits },
	{ "xldump: records ascend", NULL, PV,
	  { { SECTION, ".xldump_tables", 0, 16, 8, 10, 0 } }, NULL },
	{ "xldump: page tables and edits", NULL, PV,
	  { { SECTION, ".xldump_tables", 0, 0, 8, 5, 0 } }, NULL },
	{ "xldump: page tables and edits", NULL, PV,
	  { { SECTION, ".xldump_tables", 0, 8, 8, 5, 0 } }, NULL },
	{ "xldump: page tables and edits", NULL, PV,
	  { { SECTION, ".xldump_edits", 0, 0, 8, 4, 1 } }, NULL },
};

const size_t breakages = sizeof(breakage) / sizeof(breakage[0]);

/* ---- */

#define ROOM ((size_t)4 << 20)

void breakage_apply(const struct breakage *b, const char *path)
{
	struct bytes f = { .data = calloc(1, ROOM), .room = ROOM };
	FILE *file = fopen(path, "r");

	if (!f.data || !file)
		fail(path);
	f.size = fread(f.data, 1, f.room, file);
	(void)fclose(file);
	for (size_t i = 0; i < PATCHES && b->patch[i].base != END; i++)
		put(base_of(&f, &b->patch[i]) + b->patch[i].at, &b->patch[i]);
	if (b->more)
		b->more(&f);
	if (f.size > f.room)
		fail("no room");
	file = fopen(path, "w");
	if (!file || fwrite(f.data, 1, f.size, file) != f.size || fclose(file) != 0)
		fail(path);
	free(f.data);
}
