/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look at a dump with libelf. */
#include "look_elf.h"

#include <gelf.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "sink/file_private.h"

struct look {
	Elf *elf;
	uint64_t size;
	const struct xl_cut *cut;
	uint64_t pages;
	look_page_fn fn;
	void *data;
	int fd;
};

struct xl_sink *look_sink(int *ret_fd)
{
	struct xl_file *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->sink.ops = &xl_file_ops;
	s->dirfd = -1;
	s->fd = memfd_create("dump", MFD_CLOEXEC);
	s->path = strdup("dump");
	FUZZ_CHECK(s->fd >= 0 && s->path);
	*ret_fd = s->fd;
	return &s->sink;
}

static void check_inside(const struct look *l, uint64_t offset, uint64_t len)
{
	FUZZ_CHECK(offset <= l->size && len <= l->size - offset);
}

static void look_load(struct look *l, const GElf_Phdr *p)
{
	uint8_t page[XL_PAGE_SIZE];

	FUZZ_CHECK(p->p_filesz == p->p_memsz && p->p_filesz && p->p_filesz % XL_PAGE_SIZE == 0);
	FUZZ_CHECK(p->p_paddr % XL_PAGE_SIZE == 0 && p->p_offset % XL_PAGE_SIZE == 0);
	for (uint64_t at = 0; at < p->p_filesz; at += XL_PAGE_SIZE) {
		xl_pfn_t pfn = (p->p_paddr + at) >> XL_PAGE_SHIFT;

		FUZZ_CHECK(xl_bitmap_test(&l->cut->present, pfn));
		FUZZ_CHECK(pread(l->fd, page, sizeof(page), (off_t)(p->p_offset + at)) ==
			   (ssize_t)sizeof(page));
		l->fn(l->data, pfn, page);
		l->pages++;
	}
}

static void look_segments(struct look *l)
{
	uint64_t end = 0;
	size_t n;

	FUZZ_CHECK(elf_getphdrnum(l->elf, &n) == 0);
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr p;

		FUZZ_CHECK(gelf_getphdr(l->elf, (int)i, &p));
		check_inside(l, p.p_offset, p.p_filesz);
		FUZZ_CHECK(p.p_type == (i ? PT_LOAD : PT_NOTE));
		if (i == 0)
			continue;
		FUZZ_CHECK(p.p_paddr >= end); /* ascending, not overlapping */
		end = p.p_paddr + p.p_memsz;
		look_load(l, &p);
	}
	FUZZ_CHECK(n == 0 || l->pages == xl_bitmap_count(&l->cut->present));
}

/* Every byte of it belongs to a note. */
static void look_notes(Elf_Data *d)
{
	GElf_Nhdr nhdr;
	size_t at = 0, next, name, desc;

	while (d && at < d->d_size) {
		next = gelf_getnote(d, at, &nhdr, &name, &desc);
		FUZZ_CHECK(next > at && next <= d->d_size);
		at = next;
	}
}

static void look_sections(struct look *l)
{
	Elf_Scn *scn = NULL;
	size_t names;

	FUZZ_CHECK(elf_getshdrstrndx(l->elf, &names) == 0);
	while ((scn = elf_nextscn(l->elf, scn))) {
		GElf_Shdr h;
		const char *name;

		FUZZ_CHECK(gelf_getshdr(scn, &h) == &h);
		check_inside(l, h.sh_offset, h.sh_size);
		name = elf_strptr(l->elf, names, h.sh_name);
		FUZZ_CHECK(name && name[0]);
		FUZZ_CHECK(!h.sh_entsize || h.sh_size % h.sh_entsize == 0);
		if (h.sh_type == SHT_NOTE)
			look_notes(elf_getdata(scn, NULL));
		if (!strcmp(name, ".xen_pages"))
			FUZZ_CHECK(h.sh_size >> XL_PAGE_SHIFT ==
				   xl_bitmap_count(&l->cut->present));
	}
}

void look_elf(int fd, const struct xl_cut *cut, look_page_fn fn, void *data)
{
	struct look l = { .cut = cut, .fn = fn, .data = data, .fd = fd };
	struct stat st;

	FUZZ_CHECK(elf_version(EV_CURRENT) != EV_NONE);
	FUZZ_CHECK(fstat(fd, &st) == 0);
	l.size = (uint64_t)st.st_size;
	l.elf = elf_begin(fd, ELF_C_READ, NULL);
	FUZZ_CHECK(l.elf && elf_kind(l.elf) == ELF_K_ELF);
	look_segments(&l);
	look_sections(&l);
	(void)elf_end(l.elf);
}
