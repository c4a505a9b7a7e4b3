/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The container: an ELF file, its sections, and where each page is; or another one. */
#include "core.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kdump.h"

uint64_t le64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

uint32_t le32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static int fail(struct core *c, const char *why)
{
	(void)snprintf(c->error, sizeof(c->error), "%s", why);
	return -1;
}

struct part core_section(const struct core *c, const char *name)
{
	struct part none = { 0 };
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(c->elf, &names) != 0)
		return none;
	while ((scn = elf_nextscn(c->elf, scn))) {
		const char *have;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type == SHT_NOBITS)
			continue;
		have = elf_strptr(c->elf, names, sh.sh_name);
		if (!have || strcmp(have, name) != 0)
			continue;
		if (sh.sh_offset > c->size || sh.sh_size > c->size - sh.sh_offset)
			return none;
		return (struct part){ c->file + sh.sh_offset, sh.sh_offset, sh.sh_size,
				      sh.sh_entsize };
	}
	return none;
}

static int by_pfn(const void *a, const void *b)
{
	const struct page *p = a, *q = b;

	if (p->pfn != q->pfn)
		return p->pfn < q->pfn ? -1 : 1;
	return (p->offset > q->offset) - (p->offset < q->offset);
}

static int add_page(struct core *c, size_t *room, uint64_t pfn, uint64_t mfn, uint64_t offset)
{
	if (c->pages == *room) {
		struct page *more;

		*room = *room ? *room * 2 : 4096;
		more = realloc(c->page, *room * sizeof(*more));
		if (!more)
			return fail(c, "out of memory");
		c->page = more;
	}
	c->page[c->pages++] = (struct page){ pfn, mfn, offset };
	return 0;
}

/* .xen_pages with .xen_pfn {pfn} or .xen_p2m {pfn, gmfn}. */
static int pages_of_sections(struct core *c, const struct part *pages)
{
	struct part map = core_section(c, ".xen_pfn");
	uint64_t entry = 8;
	size_t room = 0;

	if (!map.size) {
		map = core_section(c, ".xen_p2m");
		entry = 16;
	}
	if (!map.size)
		return fail(c, ".xen_pages without .xen_pfn or .xen_p2m");
	for (uint64_t i = 0; i < map.size / entry && i < pages->size / PAGE; i++) {
		uint64_t pfn = le64(map.bytes + i * entry);
		uint64_t mfn = entry == 16 ? le64(map.bytes + i * entry + 8) : NO_FRAME;

		/* xl pads a table with {~0, ~0}; {pfn, ~0} is a hole. */
		if (pfn == NO_FRAME || (entry == 16 && mfn == NO_FRAME))
			continue;
		if (add_page(c, &room, pfn, mfn, pages->offset + i * PAGE) < 0)
			return -1;
	}
	return 0;
}

static int pages_of_segments(struct core *c)
{
	size_t n, room = 0;
	GElf_Phdr ph;

	if (elf_getphdrnum(c->elf, &n) != 0 || n == 0)
		return fail(c, "neither .xen_pages nor program headers");
	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(c->elf, (int)i, &ph) || ph.p_type != PT_LOAD)
			continue;
		if (ph.p_offset > c->size || ph.p_filesz > c->size - ph.p_offset)
			return fail(c, "a segment lies outside of the file");
		for (uint64_t at = 0; at + PAGE <= ph.p_filesz; at += PAGE)
			if (add_page(c, &room, (ph.p_paddr + at) / PAGE, NO_FRAME,
				     ph.p_offset + at) < 0)
				return -1;
	}
	return 0;
}

static int map_file(struct core *c)
{
	struct stat st;
	void *map;

	c->fd = open(c->path, O_RDONLY | O_CLOEXEC);
	if (c->fd < 0 || fstat(c->fd, &st) < 0)
		return fail(c, strerror(errno));
	if (st.st_size < (off_t)sizeof(Elf64_Ehdr))
		return fail(c, "too short for an ELF file");
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, c->fd, 0);
	if (map == MAP_FAILED)
		return fail(c, strerror(errno));
	c->file = map;
	c->size = (uint64_t)st.st_size;
	return 0;
}

static int reassemble(struct core *c)
{
	uint64_t size;

	c->freed = flat_read(c->file, c->size, false, &size, c->error);
	if (!c->freed)
		return -1;
	munmap((void *)c->file, c->size);
	c->file = c->freed;
	c->size = size;
	return 0;
}

static int unpack_pages(struct core *c, struct kdump *k, unsigned char *to)
{
	size_t room = 0;

	for (uint64_t pfn = 0; pfn < k->max_mapnr; pfn++) {
		unsigned char page[PAGE];

		if (!kdump_has(k, pfn))
			continue;
		if (kdump_page(k, pfn, page) < 0)
			return fail(c, k->error);
		/* Pages of zeros are there, and take no memory. */
		if (page[0] || memcmp(page, page + 1, PAGE - 1) != 0)
			memcpy(to + c->pages * PAGE, page, PAGE);
		if (add_page(c, &room, pfn, NO_FRAME, c->pages * PAGE) < 0)
			return -1;
	}
	return 0;
}

static int open_kdump(struct core *c)
{
	struct kdump k;
	unsigned char *to = MAP_FAILED;
	int r = kdump_open(&k, c->file, c->size);

	if (r < 0)
		(void)fail(c, k.error);
	else if (!k.pages)
		r = fail(c, "no pages in it");
	if (r == 0) {
		to = mmap(NULL, k.pages * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		r = to == MAP_FAILED ? fail(c, strerror(errno)) : unpack_pages(c, &k, to);
	}
	if (to != MAP_FAILED) {
		if (!c->freed)
			munmap((void *)c->file, c->size);
		free(c->freed);
		c->freed = NULL;
		c->file = to;
		c->size = k.pages * PAGE;
	}
	c->kdump = true;
	kdump_close(&k);
	return r;
}

int core_open(struct core *c, const char *path)
{
	struct part pages;
	int r;

	memset(c, 0, sizeof(*c));
	c->path = path;
	c->fd = -1;
	if (map_file(c) < 0)
		return -1;
	if (flat_is(c->file, c->size) && reassemble(c) < 0)
		return -1;
	if (kdump_is(c->file, c->size))
		return open_kdump(c);
	if (elf_version(EV_CURRENT) == EV_NONE)
		return fail(c, elf_errmsg(-1));
	c->elf = c->freed ? elf_memory(c->freed, c->size) : elf_begin(c->fd, ELF_C_READ, NULL);
	if (!c->elf || elf_kind(c->elf) != ELF_K_ELF || gelf_getclass(c->elf) != ELFCLASS64)
		return fail(c, "not a 64-bit ELF file");

	c->narrow = (c->file[18] | c->file[19] << 8) == EM_386 && !c->file[56] && !c->file[57];
	pages = core_section(c, ".xen_pages");
	r = pages.size ? pages_of_sections(c, &pages) : pages_of_segments(c);
	if (r < 0)
		return -1;
	if (!c->pages)
		return fail(c, "no pages in it");
	qsort(c->page, c->pages, sizeof(*c->page), by_pfn);

	c->vcpus = core_section(c, ".xen_prstatus");
	c->p2m = core_section(c, ".xldump_p2m");
	c->edits = core_section(c, ".xldump_edits");
	c->tables = core_section(c, ".xldump_tables");
	return 0;
}

void core_close(struct core *c)
{
	if (c->elf)
		elf_end(c->elf);
	if (c->file && !c->freed)
		munmap((void *)c->file, c->size);
	free(c->freed);
	if (c->fd >= 0)
		close(c->fd);
	free(c->page);
}

const struct page *core_find(const struct core *c, uint64_t pfn)
{
	size_t lo = 0, hi = c->pages;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->page[mid].pfn < pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->pages && c->page[lo].pfn == pfn ? &c->page[lo] : NULL;
}

const unsigned char *core_page(const struct core *c, uint64_t pfn)
{
	const struct page *p = core_find(c, pfn);

	return p ? c->file + p->offset : NULL;
}

size_t core_vcpus(const struct core *c)
{
	return c->vcpus.size / CONTEXT_SIZE;
}

uint64_t core_register(const struct core *c, size_t vcpu, size_t offset)
{
	return le64(c->vcpus.bytes + vcpu * CONTEXT_SIZE + offset);
}

uint64_t core_root(const struct core *c, size_t vcpu)
{
	uint32_t cr3;

	if (!c->narrow)
		return core_register(c, vcpu, CONTEXT_CR3) & 0x000ffffffffff000ULL;
	/* Bits 20 to 31 of the frame are in bits 0 to 11. */
	cr3 = le32(c->vcpus.bytes + vcpu * CONTEXT_SIZE + CONTEXT32_CR3);
	return (uint64_t)(cr3 >> 12) * PAGE | (uint64_t)(cr3 & 0xfff) << 32;
}
