/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of the Xen sections, as xl dump-core writes them and crash, libkdumpfile, mdb and
 * volatility read them (xen docs/misc/dump-core-format.txt, and what the readers do beyond it). */
#include <gelf.h>
#include <inttypes.h>
#include <string.h>

#include "rules.h"

#define NOTE_NONE 0x2000000
#define NOTE_HEADER 0x2000001
#define NOTE_XEN_VERSION 0x2000002
#define NOTE_FORMAT_VERSION 0x2000003
#define MAGIC_PV 0xf00febedULL
#define MAGIC_HVM 0xf00febeeULL
#define XEN_VERSION_SIZE 1280 /* capabilities at 176, page size at 1272 */

/* volatility takes the place of a name in .shstrtab, split at NULs, for its section's number. */
static bool names_in_order(const struct core *c)
{
	size_t names, i = 1;
	Elf_Scn *scn = NULL;
	GElf_Shdr sh, tab;
	uint64_t at = 1;

	if (elf_getshdrstrndx(c->elf, &names) != 0 ||
	    !gelf_getshdr(elf_getscn(c->elf, names), &tab) || tab.sh_offset >= c->size ||
	    tab.sh_size > c->size - tab.sh_offset || c->file[tab.sh_offset] != '\0')
		return false;
	for (; (scn = elf_nextscn(c->elf, scn)); i++) {
		const char *name;

		if (!gelf_getshdr(scn, &sh) || sh.sh_name != at)
			return false;
		name = elf_strptr(c->elf, names, sh.sh_name);
		if (!name)
			return false;
		at += strlen(name) + 1;
	}
	return true;
}

static bool all_inside(const struct core *c)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(c->elf, scn)))
		if (!gelf_getshdr(scn, &sh) || sh.sh_offset > c->size ||
		    sh.sh_size > c->size - sh.sh_offset)
			return false;
	return true;
}

/* mdb makes an array of all frames up to the highest. */
#define MAX_FRAME (1ULL << 40)

/* crash counts pages in an int. */
#define MAX_PAGES (1ULL << 31)

struct header {
	uint64_t magic, vcpus, pages;
};

/* Of a guest of 32 bits the size of a page is behind an address of 4 bytes, not of 8. */
static void check_version(const struct note *n, bool narrow)
{
	const char *caps = (const char *)n->desc + 176;

	rule(n->descsz == XEN_VERSION_SIZE, "mdb: XEN_VERSION has %d bytes (%u)", XEN_VERSION_SIZE,
	     n->descsz);
	if (n->descsz != XEN_VERSION_SIZE)
		return;
	rule(memchr(caps, 0, 1024) && strstr(caps, "x86_64"), "mdb: capabilities name x86_64");
	rule(le64(n->desc + (narrow ? 1268 : 1272)) == PAGE, "libkdumpfile: page size of XEN_VERSION is 4096");
}

/* crash steps by 16 + descsz, mdb does not pad the description: so names of 4 bytes and
 * descriptions that need no padding. */
static void check_notes(const struct part *notes, struct header *h, bool narrow)
{
	static const uint32_t types[] = { NOTE_NONE, NOTE_HEADER, NOTE_XEN_VERSION,
					  NOTE_FORMAT_VERSION };
	bool plain = true, order = true;
	uint64_t at = 0;
	struct note n;
	size_t i = 0;

	for (; next_note(notes, &at, &n); i++) {
		plain = plain && n.namesz == 4 && memcmp(n.name, "Xen", 4) == 0 && !(n.descsz % 4);
		order = order && i < 4 && n.type == types[i];
		if (n.type == NOTE_HEADER && n.descsz == 32) {
			*h = (struct header){ le64(n.desc), le64(n.desc + 8), le64(n.desc + 16) };
			rule(le64(n.desc + 24) == PAGE, "crash: page size of HEADER is 4096");
		} else if (n.type == NOTE_HEADER) {
			rule(false, "mdb: HEADER has 32 bytes (%u)", n.descsz);
		} else if (n.type == NOTE_XEN_VERSION) {
			check_version(&n, narrow);
		} else if (n.type == NOTE_FORMAT_VERSION) {
			rule(n.descsz == 8 && le64(n.desc) == 1, "crash: FORMAT_VERSION is 0.1");
		}
	}
	rule(at == notes->size, "all: .note.Xen is full of notes");
	rule(plain, "crash: notes of .note.Xen are named Xen and need no padding");
	rule(order && i == 4, "mdb: .note.Xen has NONE, HEADER, XEN_VERSION, FORMAT_VERSION");
}

static void check_pfn(const struct part *map, const struct header *h, uint64_t slots)
{
	bool ascending = true, real = true;
	uint64_t n = map->size / 8;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t pfn = le64(map->bytes + 8 * i);

		ascending = ascending && (i == 0 || pfn > le64(map->bytes + 8 * (i - 1)));
		real = real && pfn < MAX_FRAME;
	}
	rule(map->entsize == 8 && !(map->size % 8), "all: .xen_pfn has entries of 8 bytes");
	rule(ascending, "crash: .xen_pfn ascends without doubles");
	rule(real, "libkdumpfile: .xen_pfn has no ~0");
	rule(h->magic == MAGIC_HVM, "mdb: magic of a guest with .xen_pfn is f00febee");
	rule(n == slots && n == h->pages, "mdb: as many pages in HEADER (%" PRIu64 "), .xen_pfn (%"
	     PRIu64 ") and .xen_pages (%" PRIu64 ")", h->pages, n, slots);
}

static void check_p2m(const struct core *c, const struct part *map, const struct header *h, uint64_t slots)
{
	bool dense = true, real = true, frames = true;
	uint64_t n = map->size / 16;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t pfn = le64(map->bytes + 16 * i), mfn = le64(map->bytes + 16 * i + 8);

		dense = dense && pfn == i;
		real = real && pfn < MAX_FRAME;
		frames = frames && (mfn < MAX_FRAME || mfn == NO_FRAME);
	}
	rule(map->entsize == 16 && !(map->size % 16), "all: .xen_p2m has entries of 16 bytes");
	rule(dense, "crash: entry n of .xen_p2m is that of pfn n");
	rule(real, "mdb: .xen_p2m has no ~0 for a pfn, of which it would make the end of an array");
	rule(frames, "mdb: frames of .xen_p2m are of 52 bits of address, or ~0");
	rule(n % 512 == 0, "crash: .xen_p2m is read 512 entries at a time");
	/* For a frame that is none of the guest's, crash reads half as many chunks of 8 KiB as there
	 * are pages, and to come to the end of the file is fatal. */
	rule(c->size - map->offset >= h->pages / 2 * 8192,
	     "crash: behind .xen_p2m are bytes for a search that finds nothing");
	rule(c->file[56] == 0 && c->file[57] == 0, "crash: no program headers with .xen_p2m");
	rule(h->magic == MAGIC_PV, "mdb: magic of a guest with .xen_p2m is f00febed");
	rule(n == slots && n == h->pages, "mdb: as many pages in HEADER (%" PRIu64 "), .xen_p2m (%"
	     PRIu64 ") and .xen_pages (%" PRIu64 ")", h->pages, n, slots);
}

/* Level 3 of 32 bits has four entries; what is behind them in its page is nothing. */
static void check_narrow(const struct core *c)
{
	bool four = true;

	for (uint64_t i = 0; i < c->tables.size / 16; i++) {
		const unsigned char *b = c->tables.bytes + 16 * i, *page = core_page(c, le64(b));

		for (size_t e = 4; page && le64(b + 8) == 3 && e < PAGE / 8; e++)
			four = four && !le64(page + 8 * e);
	}
	rule(four, "x86: tables of level 3 of a 32-bit guest have four entries");
}

static void check_ours(const struct core *c)
{
	bool ascend = true, in_dump = true;

	for (uint64_t i = 0; i < c->tables.size / 16; i++) {
		const unsigned char *b = c->tables.bytes + 16 * i;

		ascend = ascend && (i == 0 || le64(b) > le64(b - 16));
		in_dump = in_dump && core_find(c, le64(b)) && le64(b + 8) - 1 < (c->narrow ? 3 : 4);
	}
	for (uint64_t i = 0; i < c->edits.size / 16; i++) {
		const unsigned char *b = c->edits.bytes + 16 * i;

		ascend = ascend && (i == 0 || le64(b) > le64(b - 16));
		in_dump = in_dump && core_find(c, le64(b) / PAGE) && le64(b) % 8 == 0;
	}
	for (uint64_t i = 1; i < c->p2m.size / 24; i++)
		ascend = ascend && le64(c->p2m.bytes + 24 * i) >=
			 le64(c->p2m.bytes + 24 * (i - 1)) + le64(c->p2m.bytes + 24 * (i - 1) + 16);
	rule(!(c->tables.size % 16) && !(c->edits.size % 16) && !(c->p2m.size % 24),
	     "xldump: sections hold whole records");
	rule(ascend, "xldump: records ascend without doubles");
	rule(in_dump, "xldump: page tables and edits are in pages of the dump");
}

/* mdb reads everything through it: by the p2m, if there is one. */
static bool root_is_there(const struct core *c, bool by_p2m)
{
	uint64_t frame = core_root(c, 0) / PAGE;

	if (!by_p2m)
		return core_find(c, frame);
	for (size_t i = 0; i < c->pages; i++)
		if (c->page[i].mfn == frame)
			return true;
	return false;
}

void check_sections(const struct core *c)
{
	struct part pages = core_section(c, ".xen_pages"), notes = core_section(c, ".note.Xen");
	struct part pfn = core_section(c, ".xen_pfn"), p2m = core_section(c, ".xen_p2m");
	struct header h = { 0 };

	if (!pages.size) {
		not_applicable("no Xen sections: mdb cannot read it");
		return;
	}
	rule(all_inside(c), "all: sections lie within the file");
	rule(names_in_order(c), "volatility: .shstrtab has the names in the order of the sections");
	if (rule(notes.size, "crash: .note.Xen is there"))
		check_notes(&notes, &h, c->narrow);
	rule(pages.offset % PAGE == 0 && pages.entsize == PAGE && pages.size % PAGE == 0,
	     "mdb: .xen_pages is whole pages at a page boundary");
	rule(!pfn.size != !p2m.size, "crash: either .xen_pfn or .xen_p2m");
	if (pfn.size)
		check_pfn(&pfn, &h, pages.size / PAGE);
	else if (p2m.size)
		check_p2m(c, &p2m, &h, pages.size / PAGE);
	rule(c->vcpus.size && c->vcpus.entsize == CONTEXT_SIZE && c->vcpus.size % CONTEXT_SIZE == 0,
	     "mdb: .xen_prstatus has entries of %d bytes", CONTEXT_SIZE);
	rule(core_vcpus(c) == h.vcpus, "mdb: as many vCPUs in HEADER (%" PRIu64
	     ") and .xen_prstatus (%zu)", h.vcpus, core_vcpus(c));
	rule(h.pages < MAX_PAGES, "crash: fewer than 2^31 pages");
	rule(!core_vcpus(c) || root_is_there(c, p2m.size && !pfn.size),
	     "mdb: cr3 of vCPU 0 in .xen_prstatus is a page of the dump");
	check_ours(c);
	if (c->narrow)
		check_narrow(c);
}
