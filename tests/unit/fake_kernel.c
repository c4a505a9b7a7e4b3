/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small memory with what a Linux kernel leaves in it for dump tools. */
#include "fake_kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t fake_va(const struct fake *f, uint64_t pa)
{
	return XL_START_KERNEL_MAP + f->base + pa - (uint64_t)f->phys_base;
}

int fake_read(void *data, uint64_t paddr, void *buf, size_t len)
{
	struct fake *f = data;

	if (f->reads == 0)
		return -EFAULT;
	if (f->reads > 0)
		f->reads--;
	paddr -= f->base;
	if (paddr >= FAKE_MEMORY || len > FAKE_MEMORY - paddr)
		return -EFAULT;
	memcpy(buf, f->mem + paddr, len);
	return 0;
}

void fake_say(struct fake *f, const char *fmt, ...)
{
	size_t n = strlen(f->text);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(f->text + n, sizeof(f->text) - n, fmt, ap);
	va_end(ap);
}

/* ---- kallsyms, by an encoder of its own ---- */

struct fake_symbol {
	char type;
	const char *name;
	uint64_t va;
};

/* Tokens: the printable characters for themselves, and some longer ones. */
static const struct {
	unsigned char byte;
	const char *text;
} fake_token[] = {
	{ 0x01, "_st" },     { 0x02, "Txen_" },     { 0x80, "start" },
	{ 0xfe, "page_off" }, { 0xff, "filler_number_" },
};

static uint64_t fake_tokens(struct fake *f, uint64_t pa)
{
	uint64_t at = pa;
	unsigned char index[512];

	for (unsigned b = 0; b < 256; b++) {
		char one[2] = { (char)b, 0 };
		const char *s = b > ' ' && b <= '~' ? one : "";

		for (size_t i = 0; i < XL_ARRAY_SIZE(fake_token); i++)
			if (fake_token[i].byte == b)
				s = fake_token[i].text;
		xl_put_le16(index + 2 * b, (uint16_t)(at - pa));
		memcpy(f->mem + at, s, strlen(s) + 1);
		at += strlen(s) + 1;
	}
	at = (at + 7) & ~7ULL;
	memcpy(f->mem + at, index, sizeof(index));
	f->token_index_pa = at;
	return at + sizeof(index);
}

/* Append one name to the stream. */
static uint64_t fake_name(struct fake *f, uint64_t at, const struct fake_symbol *s)
{
	unsigned char out[1024];
	char full[1024];
	size_t n = 0;

	(void)snprintf(full, sizeof(full), "%c%s", s->type, s->name);
	for (const char *p = full; *p;) {
		size_t best = 0;

		for (size_t i = 0; i < XL_ARRAY_SIZE(fake_token); i++) {
			size_t len = strlen(fake_token[i].text);

			if (strncmp(p, fake_token[i].text, len) != 0 || len <= best)
				continue;
			best = len;
			out[n] = fake_token[i].byte;
		}
		if (!best) {
			out[n] = (unsigned char)*p;
			best = 1;
		}
		p += best;
		n++;
	}
	if (n > 127) {
		f->mem[at++] = (unsigned char)(n & 0x7f) | 0x80;
		f->mem[at++] = (unsigned char)(n >> 7);
	} else {
		f->mem[at++] = (unsigned char)n;
	}
	memcpy(f->mem + at, out, n);
	return at + n;
}

static void fake_address(struct fake *f, uint64_t pa, uint32_t i, uint64_t base, uint64_t va)
{
	switch (f->encoding) {
	case FAKE_PERCPU:
		xl_put_le32(f->mem + pa + 4 * i,
			    va < XL_START_KERNEL_MAP ? (uint32_t)va : (uint32_t)(base - 1 - va));
		break;
	case FAKE_BASE_RELATIVE:
		xl_put_le32(f->mem + pa + 4 * i, (uint32_t)(va - base));
		break;
	case FAKE_PLACE_RELATIVE:
		xl_put_le32(f->mem + pa + 4 * i, (uint32_t)(va - fake_va(f, pa + 4 * i)));
		break;
	case FAKE_ABSOLUTE:
		xl_put_le64(f->mem + pa + 8 * i, va);
		break;
	case FAKE_NO_KALLSYMS:
		break;
	}
}

#define FAKE_FILLERS 12000

static void fake_kallsyms(struct fake *f)
{
	static char longest[301];
	uint64_t text = fake_va(f, FAKE_TEXT_PA), at = FAKE_KALLSYMS_PA, addresses = 0x400000;
	struct fake_symbol all[FAKE_FILLERS + 8];
	static char filler[FAKE_FILLERS][32];
	uint32_t n = 0;

	memset(longest, 'Z', 300);
	if (f->encoding == FAKE_PERCPU)
		all[n++] = (struct fake_symbol){ 'A', "irq_stack_union", 0 };
	all[n++] = (struct fake_symbol){ 'T', "_text", text };
	all[n++] = (struct fake_symbol){ 'T', "_stext", text };
	all[n++] = (struct fake_symbol){ 't', longest, text + 1 };
	for (uint32_t i = 0; i < FAKE_FILLERS; i++) {
		(void)snprintf(filler[i], sizeof(filler[i]), "filler_number_%u", i);
		all[n++] = (struct fake_symbol){ 't', filler[i], text + 2 + i };
	}
	if (!f->only_text_symbols) {
		all[n++] = (struct fake_symbol){ 'D', "page_offset_base",
						 fake_va(f, FAKE_PAGE_OFFSET_BASE_PA) };
		all[n++] = (struct fake_symbol){ 'B', "xen_start_info",
						 fake_va(f, FAKE_XEN_START_INFO_PA) };
		all[n++] = (struct fake_symbol){ 'D', "panic_cpu", fake_va(f, FAKE_PANIC_CPU_PA) };
		all[n++] = (struct fake_symbol){ 'B', "_end", fake_va(f, FAKE_END_PA) };
	}

	f->num_syms_pa = FAKE_VARIABLES_PA + 64;
	xl_put_le32(f->mem + f->num_syms_pa, n);
	xl_put_le64(f->mem + FAKE_VARIABLES_PA + 72, text);
	(void)fake_tokens(f, FAKE_TOKENS_PA);
	for (uint32_t i = 0; i < n; i++) {
		at = fake_name(f, at, &all[i]);
		fake_address(f, addresses, i, text, all[i].va);
	}
	f->names_size = at - FAKE_KALLSYMS_PA;

	fake_say(f, "SYMBOL(kallsyms_names)=%" PRIx64 "\n", fake_va(f, FAKE_KALLSYMS_PA));
	fake_say(f, "SYMBOL(kallsyms_num_syms)=%" PRIx64 "\n", fake_va(f, f->num_syms_pa));
	fake_say(f, "SYMBOL(kallsyms_token_table)=%" PRIx64 "\n", fake_va(f, FAKE_TOKENS_PA));
	fake_say(f, "SYMBOL(kallsyms_token_index)=%" PRIx64 "\n", fake_va(f, f->token_index_pa));
	fake_say(f, "SYMBOL(kallsyms_%s)=%" PRIx64 "\n",
		 f->encoding == FAKE_ABSOLUTE ? "addresses" : "offsets", fake_va(f, addresses));
	if (f->encoding == FAKE_PERCPU || f->encoding == FAKE_BASE_RELATIVE)
		fake_say(f, "SYMBOL(kallsyms_relative_base)=%" PRIx64 "\n",
			 fake_va(f, FAKE_VARIABLES_PA + 72));
}

/* ---- page tables: the image by 2 MiB pages, the direct map by one of 1 GiB ---- */

void fake_entry(struct fake *f, uint64_t table, uint64_t index, uint64_t entry)
{
	/* Frames of a PV guest are somewhere on the host: here far beyond its memory. */
	xl_put_le64(f->mem + table + 8 * index, f->base + entry + (f->pv ? 0x10000000000 : 0));
}

static void fake_tables(struct fake *f)
{
	uint64_t t = FAKE_TABLES_PA, top = t, text = fake_va(f, FAKE_TEXT_PA);

	if (f->l5) {
		fake_entry(f, top, 511, (t + 0x5000) | 0x63);
		fake_entry(f, top, f->page_offset >> 48 & 511, (t + 0x4000) | 0x63);
		fake_entry(f, t + 0x5000, 511, (t + 0x1000) | 0x63);
		fake_entry(f, t + 0x4000, f->page_offset >> 39 & 511, (t + 0x3000) | 0x63);
	} else {
		fake_entry(f, top, 511, (t + 0x1000) | 0x63);
		fake_entry(f, top, f->page_offset >> 39 & 511, (t + 0x3000) | 0x63);
	}
	fake_entry(f, t + 0x1000, text >> 30 & 511, (t + 0x2000) | 0x63);
	for (uint64_t i = 0; i < 2; i++)
		fake_entry(f, t + 0x2000, (text >> 21 & 511) + i,
			   (FAKE_TEXT_PA + i * 0x200000) | 0xe3);
	fake_entry(f, t + 0x3000, f->page_offset >> 30 & 511, 0xe3 - f->base);
}

/* ---- all of it ---- */

void fake_note(struct fake *f, xl_pfn_t pfn)
{
	unsigned char *p = f->mem + (pfn << XL_PAGE_SHIFT);

	xl_put_le32(p, 11);
	xl_put_le32(p + 4, (uint32_t)strlen(f->text));
	xl_put_le32(p + 8, 0);
	memcpy(p + 12, "VMCOREINFO\0", 12);
	memcpy(p + 24, f->text, strlen(f->text));
}

void fake_text(struct fake *f, xl_pfn_t pfn)
{
	memcpy(f->mem + (pfn << XL_PAGE_SHIFT), f->text, strlen(f->text));
}

static void fake_uts(struct fake *f, uint64_t pa, const char *release)
{
	const char *field[6] = { "Linux", "web\x1b[1m01", release, "#1 SMP", "x86_64", "(none)" };

	for (size_t i = 0; i < 6; i++)
		memcpy(f->mem + pa + (uint64_t)f->uts_offset + 65 * i, field[i],
		       strlen(field[i]) + 1);
}

void fake_defaults(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	f->release = "6.1.0-56-cloud-amd64";
	f->kaslr = 0x0c000000;
	f->phys_base = FAKE_TEXT_PA - 0x1000000 - 0x0c000000;
	f->say_phys_base = true;
	f->say_uts_offset = true;
	f->say_l5 = true;
	f->page_offset = 0xffff9b4c40000000;
	f->mem_section = 0xffff9b4c7ffd1000;
	f->more = "";
	f->encoding = FAKE_PERCPU;
	f->reads = -1;
	f->mem = calloc(1, FAKE_MEMORY);
}

void fake_look_into(const struct fake *f, struct xl_candidates *ret)
{
	for (xl_pfn_t pfn = 0; pfn < FAKE_MEMORY >> XL_PAGE_SHIFT; pfn++)
		xl_candidates_look(ret, (f->base >> XL_PAGE_SHIFT) + pfn,
				   f->mem + (pfn << XL_PAGE_SHIFT));
}

void fake_look(struct fake *f)
{
	memset(&f->cand, 0, sizeof(f->cand));
	fake_look_into(f, &f->cand);
}

void fake_build(struct fake *f)
{
	fake_say(f, "OSRELEASE=%s\nPAGESIZE=4096\n", f->release);
	fake_say(f, "SYMBOL(init_uts_ns)=%" PRIx64 "\n", fake_va(f, FAKE_UTS_PA));
	if (f->say_uts_offset)
		fake_say(f, "OFFSET(uts_namespace.name)=%d\n", f->uts_offset);
	fake_say(f, "SYMBOL(swapper_pg_dir)=%" PRIx64 "\n", fake_va(f, FAKE_TABLES_PA));
	fake_say(f, "SYMBOL(_stext)=%" PRIx64 "\n", fake_va(f, FAKE_TEXT_PA));
	fake_say(f, "SYMBOL(mem_section)=%" PRIx64 "\nLENGTH(mem_section)=2048\n", f->mem_section);
	if (f->say_phys_base)
		fake_say(f, "NUMBER(phys_base)=%" PRId64 "\n", f->phys_base);
	if (f->say_l5)
		fake_say(f, "NUMBER(pgtable_l5_enabled)=%d\n", f->l5);
	fake_say(f, "KERNELOFFSET=%" PRIx64 "\n%s", f->kaslr, f->more);
	xl_put_le64(f->mem + FAKE_PAGE_OFFSET_BASE_PA, f->page_offset);
	xl_put_le32(f->mem + FAKE_PANIC_CPU_PA, UINT32_MAX);
	fake_uts(f, FAKE_UTS_PA, f->release);
	fake_tables(f);
	if (f->encoding != FAKE_NO_KALLSYMS)
		fake_kallsyms(f);
	fake_text(f, FAKE_VMCOREINFO_PFN);
	fake_note(f, FAKE_NOTE_PFN);
	fake_look(f);
}

void fake_deinit(struct fake *f)
{
	free(f->mem);
	f->mem = NULL;
}
