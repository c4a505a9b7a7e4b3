/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump as a flat buffer, made section by section. */
#include "fake_core.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM ((size_t)3 << 20)
#define PAGES_AT 0x8000
#define P2M_AT (PAGES_AT - 16 * FAKE_SLOTS)

#define FAKE_RIP 0xffffffff81000010

static unsigned char *out;
static size_t end; /* of what was written behind the pages */
static Elf64_Shdr shdr[16];
static size_t nshdr;
static char names[512];
static size_t names_len;

void fake_core_put64(unsigned char *at, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		at[i] = (unsigned char)(v >> 8 * i);
}

static void put32(unsigned char *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(v >> 8 * i);
}

static size_t put_note(unsigned char *at, const char *name, uint32_t type, const void *desc,
		       size_t len)
{
	size_t n = strlen(name) + 1, padded = (n + 3) & ~(size_t)3;

	put32(at, (uint32_t)n);
	put32(at + 4, (uint32_t)len);
	put32(at + 8, type);
	memcpy(at + 12, name, n);
	if (len)
		memcpy(at + 12 + padded, desc, len);
	return 12 + padded + ((len + 3) & ~(size_t)3);
}

/* A section of the bytes at out + offset. */
static void add_section(const char *name, uint32_t type, size_t offset, size_t size, size_t entsize)
{
	Elf64_Shdr *s = &shdr[nshdr++];

	memset(s, 0, sizeof(*s));
	s->sh_name = (uint32_t)names_len;
	s->sh_type = type;
	s->sh_offset = offset;
	s->sh_size = size;
	s->sh_entsize = entsize;
	memcpy(names + names_len, name, strlen(name) + 1);
	names_len += strlen(name) + 1;
}

static void section_here(const char *name, uint32_t type, size_t size, size_t entsize)
{
	add_section(name, type, end, size, entsize);
	end = (end + size + 7) & ~(size_t)7;
}

static size_t count_pages(const struct fake_core *f)
{
	size_t n = 0;

	for (size_t i = 0; i < FAKE_PAGES; i++)
		n += !f->hole[i];
	return n;
}

static bool with_p2m(enum fake_kind kind)
{
	return kind == FAKE_XL_PV || kind == FAKE_RAW;
}

static size_t slots(const struct fake_core *f, enum fake_kind kind)
{
	return kind == FAKE_RAW ? FAKE_SLOTS : count_pages(f);
}

static size_t vcpus(const struct fake_core *f)
{
	return f->vcpus ? f->vcpus : 1;
}

static void put_pages(const struct fake_core *f, enum fake_kind kind)
{
	size_t at = PAGES_AT;

	for (size_t i = 0; i < FAKE_PAGES; i++) {
		if (!f->hole[i])
			memcpy(out + at, f->page[i], FAKE_PAGE);
		if (!f->hole[i] || kind == FAKE_RAW)
			at += FAKE_PAGE;
	}
	end = kind == FAKE_RAW ? PAGES_AT + FAKE_SLOTS * FAKE_PAGE : at;
}

static void put_xen_notes(const struct fake_core *f, enum fake_kind kind)
{
	static unsigned char version[1280];
	unsigned char header[32], format[8];
	size_t at = end;

	fake_core_put64(header, with_p2m(kind) ? 0xf00febed : 0xf00febee);
	fake_core_put64(header + 8, vcpus(f));
	fake_core_put64(header + 16, slots(f, kind));
	fake_core_put64(header + 24, FAKE_PAGE);
	memset(version, 0, sizeof(version));
	strcpy((char *)version + 176, "xen-3.0-x86_64 hvm");
	fake_core_put64(version + (f->narrow ? 1268 : 1272), FAKE_PAGE);
	fake_core_put64(format, 1);
	at += put_note(out + at, "Xen", 0x2000000, NULL, 0);
	at += put_note(out + at, "Xen", 0x2000001, header, sizeof(header));
	at += put_note(out + at, "Xen", 0x2000002, version, sizeof(version));
	at += put_note(out + at, "Xen", 0x2000003, format, sizeof(format));
	section_here(".note.Xen", SHT_NOTE, at - end, 0);
}

/* One that is offline is all zeros. */
static void put_contexts(const struct fake_core *f)
{
	for (size_t i = 0; i < vcpus(f); i++) {
		unsigned char *at = out + end + i * FAKE_CONTEXT;

		if (f->offline[i])
			continue;
		if (f->narrow) {
			put32(at + 2728, (uint32_t)f->cr3 | (uint32_t)(f->cr3 >> 32));
			continue;
		}
		fake_core_put64(at + 648, FAKE_RIP + i);
		fake_core_put64(at + 4984, 0x80000001);
		fake_core_put64(at + 5008, f->cr3);
		fake_core_put64(at + 5016, f->la57 ? 0x1020 : 0x20);
	}
	section_here(".xen_prstatus", SHT_PROGBITS, vcpus(f) * FAKE_CONTEXT, FAKE_CONTEXT);
}

/* Raw: an entry for each pfn, in front of the pages. */
static void put_dense_map(const struct fake_core *f)
{
	for (size_t i = 0; i < FAKE_SLOTS; i++) {
		bool there = i < FAKE_PAGES && !f->hole[i];

		fake_core_put64(out + P2M_AT + 16 * i, i);
		fake_core_put64(out + P2M_AT + 16 * i + 8, there ? f->mfn[i] : ~0ULL);
	}
	add_section(".xen_pages", SHT_PROGBITS, PAGES_AT, FAKE_SLOTS * FAKE_PAGE, FAKE_PAGE);
	add_section(".xen_p2m", SHT_PROGBITS, P2M_AT, 16 * FAKE_SLOTS, 16);
}

static void put_map(const struct fake_core *f, enum fake_kind kind)
{
	size_t at = end, n = 0;

	if (kind == FAKE_RAW) {
		put_dense_map(f);
		return;
	}
	for (size_t i = 0; i < FAKE_PAGES; i++) {
		if (f->hole[i])
			continue;
		fake_core_put64(out + at, i);
		at += 8;
		if (kind == FAKE_XL_PV) {
			fake_core_put64(out + at, f->mfn[i]);
			at += 8;
		}
		n++;
	}
	add_section(".xen_pages", SHT_PROGBITS, PAGES_AT, n * FAKE_PAGE, FAKE_PAGE);
	if (kind == FAKE_XL_PV)
		section_here(".xen_p2m", SHT_PROGBITS, at - end, 16);
	else
		section_here(".xen_pfn", SHT_PROGBITS, at - end, 8);
}

/* Each pfn is a run of its own. */
static void put_records(const struct fake_core *f, enum fake_kind kind)
{
	size_t at = end;

	for (size_t i = 0; i < FAKE_PAGES; i++) {
		if (f->hole[i])
			continue;
		fake_core_put64(out + at, i);
		fake_core_put64(out + at + 8, f->mfn[i]);
		fake_core_put64(out + at + 16, 1);
		at += 24;
	}
	if (kind == FAKE_RAW)
		memset(out + end, 0, at - end);
	else
		section_here(".xldump_p2m", SHT_PROGBITS, at - end, 24);
	for (size_t i = 0; i < f->tables; i++) {
		fake_core_put64(out + end + 16 * i, f->table[i].pfn);
		fake_core_put64(out + end + 16 * i + 8, f->table[i].level);
	}
	section_here(".xldump_tables", SHT_PROGBITS, 16 * f->tables, 16);
	for (size_t i = 0; i < f->edits; i++) {
		fake_core_put64(out + end + 16 * i, f->edit[i].paddr);
		fake_core_put64(out + end + 16 * i + 8, f->edit[i].old);
	}
	if (kind != FAKE_RAW)
		section_here(".xldump_edits", SHT_PROGBITS, 16 * f->edits, 16);
}

static size_t put_kdump_notes(const struct fake_core *f, size_t at)
{
	static const char info[] = "OSRELEASE=6.1\nPAGESIZE=4096\n"
				   "SYMBOL(swapper_pg_dir)=ffffffff81001000\n"
				   "SYMBOL(_stext)=ffffffff81000000\n"
				   "NUMBER(phys_base)=-16777216\nKERNELOFFSET=0\n";
	size_t start = at;

	for (size_t i = 0; i < vcpus(f); i++) {
		unsigned char prstatus[336] = { 0 };

		put32(prstatus + 32, (uint32_t)i + 1);
		if (!f->offline[i])
			fake_core_put64(prstatus + 112 + 16 * 8, FAKE_RIP + i);
		at += put_note(out + at, "CORE", 1, prstatus, sizeof(prstatus));
	}
	for (size_t i = 0; i < vcpus(f); i++) {
		unsigned char qemu[440] = { 0 };

		put32(qemu, 1);
		put32(qemu + 4, sizeof(qemu));
		if (!f->offline[i])
			fake_core_put64(qemu + 392 + 24, i || !f->user_cr3 ? f->cr3 : f->user_cr3);
		at += put_note(out + at, "QEMU", 0, qemu, sizeof(qemu));
	}
	at += put_note(out + at, "VMCOREINFO", 0, info, sizeof(info) - 1);
	at += put_note(out + at, "XLDUMP", 0x584c4431, "{}", 3);
	return at - start;
}

/* One PT_LOAD for each run of pages, the first page apart. */
static void put_segments(const struct fake_core *f, Elf64_Ehdr *e)
{
	Elf64_Phdr *ph = (Elf64_Phdr *)(void *)(out + 64);
	size_t n = 1, at = PAGES_AT;

	for (size_t i = 0; i < FAKE_PAGES; i++) {
		if (f->hole[i])
			continue;
		if (n > 1 && i != 1 && ph[n - 1].p_paddr + ph[n - 1].p_filesz == i * FAKE_PAGE) {
			ph[n - 1].p_filesz += FAKE_PAGE;
			ph[n - 1].p_memsz += FAKE_PAGE;
		} else {
			ph[n++] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = at,
						.p_paddr = i * FAKE_PAGE, .p_filesz = FAKE_PAGE,
						.p_memsz = FAKE_PAGE };
		}
		at += FAKE_PAGE;
	}
	ph[0] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = 0x4000 };
	ph[0].p_filesz = ph[0].p_memsz = put_kdump_notes(f, 0x4000);
	e->e_phoff = 64;
	e->e_phnum = (Elf64_Half)n;
}

static void put_sections(const struct fake_core *f, Elf64_Ehdr *e, enum fake_kind kind)
{
	memset(shdr, 0, sizeof(shdr));
	nshdr = 1;
	names[0] = '\0';
	names_len = 1;
	put_map(f, kind);
	put_xen_notes(f, kind);
	put_contexts(f);
	if (f->pv && kind != FAKE_XL_PV)
		put_records(f, kind);
	add_section(".shstrtab", SHT_STRTAB, end, 0, 0);
	shdr[nshdr - 1].sh_size = names_len;
	memcpy(out + end, names, names_len);
	end = (end + names_len + 7) & ~(size_t)7;
	memcpy(out + end, shdr, nshdr * sizeof(*shdr));
	e->e_shoff = end;
	e->e_shnum = (Elf64_Half)nshdr;
	e->e_shstrndx = (Elf64_Half)(nshdr - 1);
	end += nshdr * sizeof(*shdr);
}

void fake_core_write(const struct fake_core *f, enum fake_kind kind, const char *path)
{
	Elf64_Ehdr e = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_ehsize = 64, .e_phentsize = 56, .e_shentsize = 64,
	};
	FILE *file;

	if (f->narrow)
		e.e_machine = EM_386;
	out = calloc(1, ROOM);
	if (!out)
		abort();
	put_pages(f, kind);
	if (kind == FAKE_HYBRID || kind == FAKE_LOADS)
		put_segments(f, &e);
	if (kind != FAKE_LOADS)
		put_sections(f, &e, kind);
	memcpy(out, &e, sizeof(e));

	file = fopen(path, "w");
	if (!file || fwrite(out, 1, end, file) != end || fclose(file) != 0)
		abort();
	free(out);
}
