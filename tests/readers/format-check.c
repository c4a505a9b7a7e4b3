/* SPDX-License-Identifier: GPL-2.0-or-later */
/* format-check DUMP: does a dump keep the rules that its readers rely on?
 *
 * The rules are those of crash, drgn, gdb, makedumpfile, libkdumpfile, mdb and volatility, each of
 * which reads the file in a way of its own; the tag in front of a rule names whose it is.
 *
 * Exit status: 0 all rules hold, 1 one is violated, 2 it cannot be read.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

static unsigned violated;

bool rule(bool holds, const char *fmt, ...)
{
	va_list ap;

	printf("%-9s ", holds ? "ok" : "VIOLATED");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	violated += !holds;
	return holds;
}

void not_applicable(const char *fmt, ...)
{
	va_list ap;

	printf("%-9s ", "-");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

bool next_note(const struct part *notes, uint64_t *at, struct note *ret)
{
	const unsigned char *b = notes->bytes + *at;
	uint64_t left = notes->size - *at, name, desc;

	if (left < 12)
		return false;
	ret->namesz = le32(b);
	ret->descsz = le32(b + 4);
	ret->type = le32(b + 8);
	name = 12;
	desc = name + (((uint64_t)ret->namesz + 3) & ~3ULL);
	if (desc + ret->descsz > left)
		return false;
	ret->name = (const char *)b + name;
	ret->desc = b + desc;
	ret->end = *at + desc + ret->descsz;
	*at = *at + desc + (((uint64_t)ret->descsz + 3) & ~3ULL);
	if (*at > notes->size)
		*at = notes->size;
	return true;
}

bool note_is(const struct note *n, const char *name)
{
	return n->namesz == strlen(name) + 1 && memcmp(n->name, name, n->namesz) == 0;
}

bool info_number(const char *text, const char *key, int base, uint64_t *ret)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) != 0 || line[n] != '=')
			continue;
		*ret = base == 16 ? strtoull(line + n + 1, NULL, 16) :
				    (uint64_t)strtoll(line + n + 1, NULL, 10);
		return true;
	}
	return false;
}

bool maps_kernel(const struct core *c, const char *text, uint64_t cr3, bool la57)
{
	uint64_t va, base = 0, table = cr3 & 0x000ffffffffff000ULL, pte = 0;

	if (!info_number(text, "SYMBOL(_stext)", 16, &va))
		return false;
	(void)info_number(text, "NUMBER(phys_base)", 10, &base);
	for (int shift = la57 ? 48 : 39; shift >= 12; shift -= 9) {
		const unsigned char *page = core_page(c, table / PAGE);
		uint64_t low = (1ULL << shift) - 1;

		if (!page)
			return false;
		pte = le64(page + (va >> shift & 511) * 8);
		if (!(pte & 1))
			return false;
		table = pte & 0x000ffffffffff000ULL;
		if (shift == 12 || (shift <= 30 && (pte & 0x80)))
			return (table & ~low) + (va & low) == va - 0xffffffff80000000ULL + base;
	}
	return false;
}

static void check_header(const struct core *c)
{
	const unsigned char *e = c->file;

	rule((e[16] | e[17] << 8) == 4, "all: a core file (ET_CORE)");
	rule((e[18] | e[19] << 8) == 62 || c->narrow,
	     "all: for x86_64 (EM_X86_64), or EM_386 and sections alone");
	rule((e[52] | e[53] << 8) == 64, "all: ELF header of 64 bytes");
}

int main(int argc, char **argv)
{
	struct core c;
	int r = 2;

	if (argc != 2) {
		fprintf(stderr, "usage: format-check DUMP\n");
		return 2;
	}
	if (core_open(&c, argv[1]) < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], c.error);
	} else if (c.kdump) {
		/* All rules of this format hold, or it would not have been opened. */
		rule(true, "crash, libkdumpfile, makedumpfile: headers, bitmaps, descriptors, pages");
		printf("%s: %u rules violated\n", argv[1], violated);
		r = 0;
	} else {
		check_header(&c);
		if (!check_segments(&c))
			not_applicable("no program headers: crash and mdb read the sections alone");
		check_sections(&c);
		printf("%s: %u rules violated\n", argv[1], violated);
		r = violated ? 1 : 0;
	}
	core_close(&c);
	return r;
}
