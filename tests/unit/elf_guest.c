/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf_guest.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "format/formats.h"

static char in_memory[] = "/dev/shm/test_guest.XXXXXX";
static char on_disk[] = "test_guest.XXXXXX";
static char *folder;

int guest_folder_enter(void **state)
{
	(void)state;
	folder = mkdtemp(in_memory);
	if (!folder)
		folder = mkdtemp(on_disk);
	return folder && chdir(folder) == 0 ? 0 : -1;
}

int guest_folder_leave(void **state)
{
	(void)state;
	return chdir("..") == 0 && rmdir(basename(folder)) == 0 ? 0 : -1;
}

struct guest *guest_new(uint64_t nr_pfns, uint32_t vcpus)
{
	struct guest *g = calloc(1, sizeof(*g));

	g->nr_pfns = g->cut.nr_pfns = nr_pfns;
	g->version = calloc(nr_pfns + 1, sizeof(*g->version));
	assert_int_equal(xl_bitmap_init(&g->layout, nr_pfns), 0);
	assert_int_equal(xl_bitmap_init(&g->put, nr_pfns), 0);
	assert_int_equal(xl_bitmap_init(&g->cut.present, nr_pfns), 0);
	g->cut.vcpu = calloc(vcpus + 1, sizeof(*g->cut.vcpu));
	g->cut.vcpus = g->layout_vcpus = vcpus;
	for (uint32_t i = 0; i < vcpus; i++) {
		struct xl_vcpu *v = &g->cut.vcpu[i];

		v->id = i;
		v->online = v->in_kernel = true;
		v->rip = 0xffffffff81000000 + i;
		v->rsp = 0xffffc90000000000 + i * 0x1000;
		v->cr3 = 0x1000 * (i + 2);
		v->cs.sel = 0x10;
		memset(v->context, (int)(i + 1), sizeof(v->context));
	}
	strcpy(g->cut.host.capabilities, "xen-3.0-x86_64 hvm-3.0-x86_64");
	g->cut.host.xen_major = 4;
	g->cut.host.xen_minor = 17;
	g->cut.type = XLDUMP_GUEST_PVH;
	g->cut.strategy = XLDUMP_STRATEGY_PRECOPY;
	return g;
}

void guest_free(struct guest *g)
{
	xl_format_close(g->format);
	xl_sink_close(g->sink);
	xl_bitmap_deinit(&g->layout);
	xl_bitmap_deinit(&g->put);
	free(g->version);
	xl_cut_deinit(&g->cut);
	free(g);
	(void)unlink(GUEST_FILE);
}

void guest_ram(struct guest *g, xl_pfn_t first, uint64_t n)
{
	for (xl_pfn_t pfn = first; pfn < first + n; pfn++) {
		xl_bitmap_set(&g->layout, pfn);
		xl_bitmap_set(&g->cut.present, pfn);
	}
}

static void ok(struct guest *g, int r)
{
	if (r < 0)
		print_message("# %s\n", g->ctx.err);
	assert_int_equal(r, 0);
}

void guest_open_as(struct guest *g, const struct xl_format_params *params)
{
	struct xl_layout layout = {
		.nr_pfns = g->nr_pfns, .present = &g->layout, .vcpus = g->layout_vcpus
	};

	if (!g->sink)
		ok(g, xl_sink_file_open(&g->ctx, GUEST_FILE, true, &g->sink));
	ok(g, xl_format_open(&g->ctx, &layout, g->sink, params, &g->format));
}

void guest_open(struct guest *g, bool sections_only)
{
	const struct xl_format_params params = {
		.format = sections_only ? XLDUMP_FORMAT_XENCORE : XLDUMP_FORMAT_ELF
	};

	guest_open_as(g, &params);
}

void guest_page(xl_pfn_t pfn, uint32_t version, uint8_t page[4096])
{
	uint64_t v = (pfn + 1) * 0x9e3779b97f4a7c15ULL ^ (uint64_t)version << 32;

	for (size_t i = 0; i < 4096; i += 8)
		xl_put_le64(page + i, version ? v + i : 0);
}

void guest_put(struct guest *g, xl_pfn_t pfn, uint32_t version)
{
	uint8_t page[4096];

	guest_page(pfn, version, page);
	ok(g, xl_format_put(&g->ctx, g->format, pfn, page));
	g->version[pfn] = version;
	xl_bitmap_set(&g->put, pfn);
}

void guest_put_all(struct guest *g, unsigned zero_every)
{
	for (xl_pfn_t pfn = xl_bitmap_next(&g->layout, 0); pfn < g->nr_pfns;
	     pfn = xl_bitmap_next(&g->layout, pfn + 1)) {
		if (!xl_bitmap_test(&g->put, pfn))
			guest_put(g, pfn, zero_every && pfn % zero_every == 0 ? 0 : 1);
	}
}

/* ---- a look at the file ---- */

void look_open(struct look *l)
{
	assert_int_not_equal(elf_version(EV_CURRENT), EV_NONE);
	l->fd = open(GUEST_FILE, O_RDONLY | O_CLOEXEC);
	assert_true(l->fd >= 0);
	l->elf = elf_begin(l->fd, ELF_C_READ, NULL);
	assert_non_null(l->elf);
	assert_int_equal(elf_kind(l->elf), ELF_K_ELF);
	assert_non_null(gelf_getehdr(l->elf, &l->ehdr));
	assert_int_equal(elf_getphdrnum(l->elf, &l->phnum), 0);
	assert_int_equal(elf_getshdrnum(l->elf, &l->shnum), 0);
}

void look_close(struct look *l)
{
	elf_end(l->elf);
	close(l->fd);
}

void look_read(const struct look *l, void *buf, size_t len, uint64_t offset)
{
	assert_int_equal(pread(l->fd, buf, len, (off_t)offset), len);
}

int look_section(const struct look *l, const char *name, GElf_Shdr *ret)
{
	for (size_t i = 1; i < l->shnum; i++) {
		const char *s;

		assert_non_null(gelf_getshdr(elf_getscn(l->elf, i), ret));
		s = elf_strptr(l->elf, l->ehdr.e_shstrndx, ret->sh_name);
		assert_non_null(s);
		if (!strcmp(s, name))
			return (int)i;
	}
	return -1;
}

/* Calls f for each note until it says true. */
static bool walk_notes(const struct look *l, bool (*f)(void *, const char *, const GElf_Nhdr *,
							const uint8_t *), void *arg)
{
	GElf_Phdr p;
	Elf_Data *d;
	GElf_Nhdr n;
	size_t name, desc, next = 0, end = 0;

	assert_non_null(gelf_getphdr(l->elf, 0, &p));
	assert_int_equal(p.p_type, PT_NOTE);
	d = elf_getdata_rawchunk(l->elf, (int64_t)p.p_offset, p.p_filesz, ELF_T_NHDR);
	assert_non_null(d);
	while ((next = gelf_getnote(d, next, &n, &name, &desc)) > 0) {
		end = next;
		if (f(arg, (const char *)d->d_buf + name, &n, (const uint8_t *)d->d_buf + desc))
			return true;
	}
	/* nothing but notes there */
	assert_int_equal(end, p.p_filesz);
	return false;
}

struct find {
	const char *name;
	unsigned n;
	uint8_t *desc;
	size_t size;
	uint32_t type;
};

static bool find_note(void *arg, const char *name, const GElf_Nhdr *n, const uint8_t *desc)
{
	struct find *f = arg;

	assert_int_equal(strlen(name) + 1, n->n_namesz);
	if (strcmp(name, f->name) || f->n-- > 0)
		return false;
	f->desc = malloc(n->n_descsz + 1);
	memcpy(f->desc, desc, n->n_descsz);
	f->size = n->n_descsz;
	f->type = n->n_type;
	return true;
}

uint8_t *look_note(const struct look *l, const char *name, unsigned n, uint32_t *ret_type,
		   size_t *ret_size)
{
	struct find f = { .name = name, .n = n };

	if (!walk_notes(l, find_note, &f))
		return NULL;
	*ret_type = f.type;
	*ret_size = f.size;
	return f.desc;
}

unsigned look_count_notes(const struct look *l, const char *name)
{
	struct find f = { .name = name, .n = 1000000 };

	assert_false(walk_notes(l, find_note, &f));
	return 1000000 - f.n;
}

/* ---- what holds of every file ---- */

static void check_ehdr(const struct guest *g, const struct look *l)
{
	uint64_t end = l->ehdr.e_shoff + l->shnum * 64;

	assert_int_equal(l->ehdr.e_ident[EI_CLASS], ELFCLASS64);
	assert_int_equal(l->ehdr.e_ident[EI_DATA], ELFDATA2LSB);
	assert_int_equal(l->ehdr.e_ident[EI_VERSION], EV_CURRENT);
	assert_int_equal(l->ehdr.e_ident[EI_ABIVERSION], 1);
	assert_int_equal(l->ehdr.e_type, ET_CORE);
	assert_int_equal(l->ehdr.e_machine, EM_X86_64);
	assert_int_equal(l->ehdr.e_version, EV_CURRENT);
	assert_int_equal(l->ehdr.e_ehsize, 64);
	assert_int_equal(l->ehdr.e_phentsize, 56);
	assert_int_equal(l->ehdr.e_shentsize, 64);
	assert_int_equal(l->ehdr.e_shstrndx, 1);
	assert_int_equal(g->file_bytes, end);
}

static void check_page(const struct guest *g, const struct look *l, xl_pfn_t pfn, uint64_t offset)
{
	uint8_t want[4096], got[4096];

	guest_page(pfn, g->version[pfn], want);
	look_read(l, got, sizeof(got), offset);
	if (memcmp(want, got, sizeof(got)) != 0)
		fail_msg("pfn %#" PRIx64 " at %#" PRIx64 " is not version %" PRIu32, pfn, offset,
			 g->version[pfn]);
}

static bool in_image(const struct guest *g, uint64_t end)
{
	return end > g->cut.kernel.image_start && end <= g->cut.kernel.image_end;
}

static void check_loads(const struct guest *g, const struct look *l)
{
	uint64_t present = xl_bitmap_count(&g->cut.present), pages = 0, end = 0;
	GElf_Phdr note, p;

	assert_int_equal(l->ehdr.e_phoff, 64);
	assert_non_null(gelf_getphdr(l->elf, 0, &note));
	assert_int_equal(note.p_type, PT_NOTE);
	assert_int_equal(note.p_offset, 64 + 56 * l->phnum);
	assert_int_equal(note.p_filesz, note.p_memsz);
	if (present > 1)
		assert_in_range(l->phnum, 3, UINT32_MAX);
	for (size_t i = 1; i < l->phnum; i++) {
		xl_pfn_t first;

		assert_non_null(gelf_getphdr(l->elf, (int)i, &p));
		first = p.p_paddr >> 12;
		assert_int_equal(p.p_type, PT_LOAD);
		assert_int_equal(p.p_align, 0);
		assert_int_equal(p.p_flags, 0);
		assert_int_equal(p.p_filesz, p.p_memsz);
		assert_int_equal((p.p_paddr | p.p_filesz | p.p_offset) & 4095, 0);
		assert_true(p.p_filesz > 0);
		/* In a file of many the image is in front. */
		if (l->phnum > 65535 && in_image(g, end) && !in_image(g, p.p_paddr + 1))
			end = 0;
		assert_true(p.p_paddr >= end);
		assert_true(p.p_offset >= note.p_offset + note.p_filesz);
		end = p.p_paddr + p.p_filesz;
		for (uint64_t n = 0; n < p.p_filesz >> 12; n++) {
			assert_true(xl_bitmap_test(&g->cut.present, first + n));
			check_page(g, l, first + n, p.p_offset + n * 4096);
		}
		pages += p.p_filesz >> 12;
	}
	assert_int_equal(pages, present);
}

/* Position in .shstrtab is position among the headers: volatility3 relies on it. */
static void check_section_names(const struct look *l)
{
	char names[512];
	const char *p = names;
	GElf_Shdr s;

	assert_int_equal(look_section(l, ".shstrtab", &s), 1);
	assert_in_range(s.sh_size, 1, sizeof(names));
	look_read(l, names, s.sh_size, s.sh_offset);
	for (size_t i = 0; i < l->shnum; i++) {
		assert_true(p < names + s.sh_size);
		if (*p)
			assert_int_equal(look_section(l, p, &(GElf_Shdr){ 0 }), i);
		else
			assert_int_equal(i, 0);
		p += strlen(p) + 1;
	}
	assert_ptr_equal(p, names + s.sh_size);
}

static void check_xen_pages(const struct guest *g, const struct look *l)
{
	uint64_t n = xl_bitmap_count(&g->cut.present);
	xl_pfn_t pfn = xl_bitmap_next(&g->cut.present, 0);
	GElf_Shdr pages, pfns;

	assert_true(look_section(l, ".xen_pages", &pages) > 0);
	assert_true(look_section(l, ".xen_pfn", &pfns) > 0);
	assert_int_equal(look_section(l, ".xen_p2m", &(GElf_Shdr){ 0 }), -1);
	assert_int_equal(pages.sh_type, SHT_PROGBITS);
	assert_int_equal(pages.sh_offset & 4095, 0);
	assert_int_equal(pages.sh_entsize, 4096);
	assert_int_equal(pages.sh_addralign, 4096);
	assert_int_equal(pages.sh_size, n * 4096);
	assert_int_equal(pfns.sh_size, n * 8);
	assert_int_equal(pfns.sh_entsize, 8);
	for (uint64_t i = 0; i < n; i++) {
		uint8_t b[8];

		look_read(l, b, 8, pfns.sh_offset + 8 * i);
		assert_int_equal(xl_get_le64(b), pfn);
		check_page(g, l, pfn, pages.sh_offset + 4096 * i);
		pfn = xl_bitmap_next(&g->cut.present, pfn + 1);
	}
}

/* As crash walks them: 16 + descsz each. */
static void check_xen_notes(const struct guest *g, const struct look *l)
{
	static const struct {
		uint32_t type, size;
	} want[] = { { 0x2000000, 0 }, { 0x2000001, 32 }, { 0x2000002, 1280 }, { 0x2000003, 8 } };
	uint8_t b[1384], *p = b;
	GElf_Shdr s;

	assert_int_equal(look_section(l, ".note.Xen", &s), 2);
	assert_int_equal(s.sh_type, SHT_NOTE);
	assert_int_equal(s.sh_size, sizeof(b));
	look_read(l, b, sizeof(b), s.sh_offset);
	for (size_t i = 0; i < XL_ARRAY_SIZE(want); i++) {
		assert_int_equal(xl_get_le32(p), 4);
		assert_int_equal(xl_get_le32(p + 4), want[i].size);
		assert_int_equal(xl_get_le32(p + 8), want[i].type);
		assert_memory_equal(p + 12, "Xen", 4);
		p += 16 + want[i].size;
	}
	assert_int_equal(xl_get_le64(b + 32), 0xf00febee);
	assert_int_equal(xl_get_le64(b + 48), xl_bitmap_count(&g->cut.present));
	assert_int_equal(xl_get_le64(b + 56), 4096);
	assert_int_equal(xl_get_le64(b + 80), 4);
	assert_int_equal(xl_get_le64(b + 88), 17);
	assert_non_null(memmem(b + 80 + 176, 1024, "x86_64", 6));
	assert_int_equal(xl_get_le64(b + 80 + 1272), 4096);
	assert_int_equal(xl_get_le64(b + 1376), 1);

	assert_int_equal(look_section(l, ".xen_prstatus", &s), 3);
	assert_int_equal(s.sh_entsize, 5168);
	assert_int_equal(s.sh_size, xl_get_le64(b + 40) * 5168);
}

void guest_seal(struct guest *g)
{
	ok(g, xl_format_seal(&g->ctx, g->format, &g->cut));
	ok(g, xl_sink_commit(&g->ctx, g->sink, &g->file_bytes, &g->disk_bytes));
	xl_format_close(g->format);
	xl_sink_close(g->sink);
	g->format = NULL;
	g->sink = NULL;
}

void guest_finish(struct guest *g)
{
	struct look l;

	guest_seal(g);
	look_open(&l);
	check_ehdr(g, &l);
	if (l.phnum)
		check_loads(g, &l);
	else
		assert_int_equal(l.ehdr.e_phoff, 0);
	check_section_names(&l);
	check_xen_pages(g, &l);
	check_xen_notes(g, &l);
	look_close(&l);
}
