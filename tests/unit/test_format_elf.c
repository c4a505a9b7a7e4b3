/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ELF format, page by page and byte by byte, as an independent reader sees it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/bytes.h"
#include "elf_guest.h"
#include "format/elf_private.h"

/* Memory if possible: these files have very many holes, and a file system that tells its disk of
 * each of them takes its time. */
static char in_memory[] = "/dev/shm/test_format_elf.XXXXXX";
static char on_disk[] = "test_format_elf.XXXXXX";
static char *dir;

static uint32_t rnd(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33);
}

/* ---- pages ---- */

static void test_slots(void **state)
{
	static const uint64_t sizes[] = { 1, 63, 64, 65, 511, 512, 513, 1024, 5000 };
	struct xl_bitmap present;

	(void)state;
	assert_int_equal(xl_bitmap_init(&present, 5100), 0);
	for (xl_pfn_t pfn = 0; pfn < 5100; pfn++) {
		if (rnd() % 3)
			xl_bitmap_set(&present, pfn);
	}
	for (size_t i = 0; i < XL_ARRAY_SIZE(sizes); i++) {
		struct xl_slots s;
		uint64_t n = 0;

		/* bits at and beyond nr_pfns are not looked at */
		assert_int_equal(xl_slots_init(&s, sizes[i], &present), 0);
		for (xl_pfn_t pfn = 0; pfn < sizes[i]; pfn++) {
			assert_int_equal(xl_slots_rank(&s, pfn), n);
			n += xl_bitmap_test(&present, pfn);
		}
		assert_int_equal(s.count, n);
		assert_int_equal(xl_bitmap_count(&s.present), n);
		assert_int_equal(xl_bitmap_next(&s.present, sizes[i]), sizes[i]);
		xl_slots_deinit(&s);
	}
	xl_bitmap_deinit(&present);
}

static void test_two_runs_and_a_hole(void **state)
{
	struct guest *g = guest_new(0x1000, 2);
	struct look l;

	(void)state;
	guest_ram(g, 0, 0xa0);
	guest_ram(g, 0x100, 0x300);
	guest_ram(g, 0xff0, 0x10);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_finish(g);
	look_open(&l);
	assert_int_equal(l.phnum, 4);
	look_close(&l);
	guest_free(g);
}

static void test_zero_pages_are_holes(void **state)
{
	struct guest *g = guest_new(4096, 1);

	(void)state;
	guest_ram(g, 0, 4096);
	guest_open(g, false);
	for (xl_pfn_t pfn = 0; pfn < 4096; pfn++)
		guest_put(g, pfn, pfn % 16 == 0);
	guest_finish(g);
	assert_true(g->file_bytes > 4096 * 4096);
	assert_in_range(g->disk_bytes, 256 * 4096, 256 * 4096 + 128 * 1024);
	guest_free(g);
}

/* The last one put wins, in any order, and zeros over data give the space back. */
static void test_put_again(void **state)
{
	struct guest *g = guest_new(4096, 1);

	(void)state;
	guest_ram(g, 0, 4096);
	guest_open(g, false);
	guest_put_all(g, 3);
	for (unsigned i = 0; i < 20000; i++)
		guest_put(g, rnd() % 4096, rnd() % 3 ? i + 2 : 0);
	/* at once: data over data, zeros over data, data over zeros */
	guest_put(g, 7, 30000), guest_put(g, 8, 30000), guest_put(g, 7, 30001);
	guest_put(g, 9, 30000), guest_put(g, 9, 0), guest_put(g, 10, 0), guest_put(g, 10, 30000);
	for (xl_pfn_t pfn = 2048; pfn < 4096; pfn++)
		guest_put(g, pfn, 0);
	guest_finish(g);
	assert_in_range(g->disk_bytes, 4096, 2048 * 4096);
	guest_free(g);
}

static void test_no_pages(void **state)
{
	struct guest *g = guest_new(0, 0);

	(void)state;
	guest_open(g, false);
	guest_finish(g);
	guest_free(g);

	g = guest_new(1, 1);
	guest_ram(g, 0, 1);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_finish(g);
	guest_free(g);
}

static void test_caller_errors(void **state)
{
	static const uint8_t page[4096] = { 1 };
	struct guest *g = guest_new(100, 1);

	(void)state;
	guest_ram(g, 0, 100);
	guest_open(g, false);
	assert_int_equal(xl_format_elf.put(&g->ctx, g->format, 100, page), -EINVAL);
	for (xl_pfn_t pfn = 0; pfn < 99; pfn++)
		guest_put(g, pfn, 1);
	xl_err_clear(&g->ctx);
	assert_int_equal(xl_format_elf.seal(&g->ctx, g->format, &g->cut), -EINVAL);
	assert_non_null(strstr(g->ctx.err, "page 0x63 was never read"));
	guest_free(g);
}

/* ---- the memory map changes between layout and cut ---- */

static void balloon(uint64_t nr_pfns, unsigned chance, unsigned zero_every)
{
	struct guest *g = guest_new(nr_pfns, 2);

	guest_ram(g, 0, nr_pfns / 2);
	guest_ram(g, nr_pfns / 2 + 37, nr_pfns / 4);
	guest_open(g, false);
	guest_put_all(g, zero_every);
	for (unsigned n = 0; n < nr_pfns / chance; n++) {
		xl_pfn_t pfn = rnd() % nr_pfns;

		if (xl_bitmap_test(&g->cut.present, pfn)) {
			xl_bitmap_clear(&g->cut.present, pfn);
			continue;
		}
		xl_bitmap_set(&g->cut.present, pfn);
		guest_put(g, pfn, rnd() % 3);
	}
	guest_finish(g);
	guest_free(g);
}

static void test_balloon(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++)
		balloon(3000 + i * 17, 1 + i * i * 10, i % 4);
}

static void range(struct guest *g, bool present, xl_pfn_t first, uint64_t n)
{
	for (xl_pfn_t pfn = first; pfn < first + n; pfn++) {
		if (!present) {
			xl_bitmap_clear(&g->cut.present, pfn);
			continue;
		}
		xl_bitmap_set(&g->cut.present, pfn);
		guest_put(g, pfn, pfn % 5);
	}
}

/* All up, all down, and both ends: whole ranges, larger than what is moved at once. */
static void test_balloon_ranges(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct guest *g = guest_new(4000, 1);

		guest_ram(g, 1000, 2000);
		guest_open(g, false);
		guest_put_all(g, 7);
		range(g, i & 1, i & 1 ? 0 : 1000, 900);
		range(g, i & 2, i & 2 ? 3000 : 2500, 400);
		range(g, i & 4, i & 4 ? 3500 : 2000, 300);
		guest_finish(g);
		guest_free(g);
	}
}

/* A page that came and went again leaves nothing behind; one that went and came is there. */
static void test_there_and_back(void **state)
{
	struct guest *g = guest_new(1000, 1);

	(void)state;
	guest_ram(g, 0, 500);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_put(g, 700, 9);
	xl_bitmap_clear(&g->layout, 3); /* the caller's bitmap is not looked at any more */
	guest_finish(g);
	assert_in_range(g->file_bytes, 500 * 4096, 800 * 4096);
	guest_free(g);
}

static void test_space_after_balloon(void **state)
{
	struct guest *g = guest_new(20000, 1);

	(void)state;
	guest_ram(g, 0, 20000);
	guest_open(g, false);
	for (xl_pfn_t pfn = 0; pfn < 20000; pfn++)
		guest_put(g, pfn, pfn % 100 == 0);
	xl_bitmap_clear(&g->cut.present, 1);
	guest_finish(g);
	assert_in_range(g->disk_bytes, 200 * 4096, 200 * 4096 + 512 * 1024);
	guest_free(g);
}

/* ---- many segments ---- */

/* The room in front was for one run and becomes too small. */
static void test_headers_grow(void **state)
{
	struct guest *g = guest_new(12000, 1);

	(void)state;
	guest_ram(g, 0, 12000);
	guest_open(g, false);
	guest_put_all(g, 5);
	for (xl_pfn_t pfn = 0; pfn < 12000; pfn += 2)
		xl_bitmap_clear(&g->cut.present, pfn);
	guest_finish(g);
	guest_free(g);

	/* even when no page changes its slot number */
	g = guest_new(12001, 1);
	for (xl_pfn_t pfn = 1; pfn < 12000; pfn += 2)
		guest_ram(g, pfn, 1);
	g->layout_vcpus = 1;
	g->cut.vcpus = 1;
	guest_open(g, false);
	guest_put_all(g, 5);
	g->cut.vcpu = realloc(g->cut.vcpu, 2000 * sizeof(*g->cut.vcpu));
	for (uint32_t i = 1; i < 2000; i++)
		g->cut.vcpu[i] = g->cut.vcpu[0];
	g->cut.vcpus = 2000;
	guest_finish(g);
	guest_free(g);
}

static void test_xnum(void **state)
{
	static const uint64_t runs[] = { 65533, 65534, 65540 };

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(runs); i++) {
		struct guest *g = guest_new(runs[i] * 2, 1);
		struct look l;

		for (uint64_t n = 0; n < runs[i]; n++)
			guest_ram(g, n * 2, 1);
		guest_open(g, false);
		for (uint64_t n = 0; n < runs[i]; n++)
			guest_put(g, n * 2, n % 1000 == 0);
		guest_finish(g);
		look_open(&l);
		assert_int_equal(l.phnum, runs[i] + 1);
		assert_int_equal(l.ehdr.e_phnum, runs[i] == 65533 ? 65534 : PN_XNUM);
		look_close(&l);
		guest_free(g);
	}
}

static void phdr(const struct look *l, int i, uint64_t first, uint64_t pages, uint64_t vaddr)
{
	GElf_Phdr p;

	assert_non_null(gelf_getphdr(l->elf, i, &p));
	assert_int_equal(p.p_paddr, first << 12);
	assert_int_equal(p.p_filesz, pages << 12);
	assert_true(p.p_vaddr == vaddr);
}

static void test_image(void **state)
{
	struct guest *g = guest_new(0x8000, 1);
	struct look l;

	(void)state;
	guest_ram(g, 0, 0xa0);
	guest_ram(g, 0x100, 0x7f00);
	g->cut.kernel.image_start = 0x1000000;
	g->cut.kernel.image_end = 0x3000000;
	g->cut.kernel.phys_base = -0x400000;
	g->cut.kernel.page_offset = 0xffff888000000000;
	guest_open(g, false);
	for (xl_pfn_t pfn = xl_bitmap_next(&g->layout, 0); pfn < g->nr_pfns;
	     pfn = xl_bitmap_next(&g->layout, pfn + 1))
		guest_put(g, pfn, pfn % 64 == 0);
	guest_finish(g);
	look_open(&l);
	assert_int_equal(l.phnum, 5);
	phdr(&l, 1, 0, 0xa0, 0xffff888000000000);
	phdr(&l, 2, 0x100, 0xf00, 0xffff888000100000);
	phdr(&l, 3, 0x1000, 0x2000, 0xffffffff81000000 + 0x400000);
	phdr(&l, 4, 0x3000, 0x5000, 0xffff888003000000);
	look_close(&l);
	guest_free(g);
}

/* crash does not check bounds in a file of one segment. */
static void test_single_run(void **state)
{
	struct guest *g = guest_new(1000, 1);
	struct look l;

	(void)state;
	guest_ram(g, 10, 101);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_finish(g);
	look_open(&l);
	assert_int_equal(l.phnum, 3);
	phdr(&l, 1, 10, 50, 0);
	phdr(&l, 2, 60, 51, 0);
	look_close(&l);
	guest_free(g);
}

/* ---- sections only ---- */

static char *whole_file(size_t *ret_len)
{
	FILE *f = fopen(GUEST_FILE, "r");
	char *b;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*ret_len = (size_t)ftell(f);
	rewind(f);
	b = malloc(*ret_len);
	assert_int_equal(fread(b, 1, *ret_len, f), *ret_len);
	fclose(f);
	return b;
}

static void test_sections_only(void **state)
{
	char *file[2];
	size_t len[2];

	(void)state;
	for (int only = 0; only < 2; only++) {
		struct guest *g = guest_new(500, 3);

		guest_ram(g, 0, 100);
		guest_ram(g, 200, 300);
		g->cut.has_shared_info = true;
		guest_open(g, only);
		guest_put_all(g, 3);
		guest_finish(g);
		file[only] = whole_file(&len[only]);
		guest_free(g);
	}
	assert_int_equal(len[0], len[1]);
	for (size_t i = 0; i < len[0]; i++) {
		if ((i >= 32 && i < 40) || (i >= 56 && i < 58))
			assert_int_equal(file[1][i], 0);
		else
			assert_int_equal(file[0][i], file[1][i]);
	}
	free(file[0]);
	free(file[1]);
}

/* ---- vCPUs ---- */

static void vcpu_notes(const struct look *l, const struct xl_vcpu *v, uint32_t id)
{
	uint8_t *p;
	uint32_t type;
	size_t size;

	p = look_note(l, "CORE", id, &type, &size);
	assert_non_null(p);
	assert_int_equal(type, NT_PRSTATUS);
	assert_int_equal(size, 336);
	assert_int_equal(xl_get_le32(p + 32), id + 1);
	assert_true(xl_get_le64(p + 112 + 8 * 16) == v->rip);
	assert_true(xl_get_le64(p + 112 + 8 * 17) == v->cs.sel);
	assert_true(xl_get_le64(p + 112 + 8 * 19) == v->rsp);
	free(p);
	p = look_note(l, "QEMU", id, &type, &size);
	assert_non_null(p);
	assert_int_equal(type, 0);
	assert_int_equal(size, 440);
	assert_int_equal(xl_get_le32(p), 1);
	assert_int_equal(xl_get_le32(p + 4), 440);
	assert_true(xl_get_le64(p + 8 + 8 * 6) == v->rsp);
	assert_true(xl_get_le64(p + 8 + 8 * 16) == v->rip);
	assert_true(xl_get_le64(p + 392 + 8 * 3) == v->cr3);
	free(p);
}

static void many_vcpus(uint32_t n, uint32_t offline_a, uint32_t offline_b, uint32_t notes)
{
	struct guest *g = guest_new(100, n);
	struct look l;
	GElf_Shdr s;

	memset(&g->cut.vcpu[offline_a], 0, sizeof(struct xl_vcpu));
	memset(&g->cut.vcpu[offline_b], 0, sizeof(struct xl_vcpu));
	guest_ram(g, 0, 100);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_finish(g);
	look_open(&l);
	assert_int_equal(look_count_notes(&l, "CORE"), notes);
	assert_int_equal(look_count_notes(&l, "QEMU"), notes);
	for (uint32_t id = 0; id < notes; id++)
		vcpu_notes(&l, &g->cut.vcpu[id], id);
	assert_int_equal(look_section(&l, ".xen_prstatus", &s), 3);
	assert_int_equal(s.sh_size, notes * 5168);
	for (uint32_t id = 0; id < notes; id++) {
		uint8_t context[5168];

		look_read(&l, context, sizeof(context), s.sh_offset + id * 5168);
		assert_memory_equal(context, g->cut.vcpu[id].context, sizeof(context));
	}
	look_close(&l);
	guest_free(g);
}

static void test_vcpus(void **state)
{
	(void)state;
	many_vcpus(4, 2, 2, 4);     /* one in between */
	many_vcpus(8, 6, 7, 6);     /* the last ones do not count */
	many_vcpus(128, 3, 127, 127);
}

static void test_registers(void **state)
{
	struct guest *g = guest_new(10, 1);
	struct xl_vcpu *v = &g->cut.vcpu[0];
	struct look l;
	uint8_t *p;
	uint32_t type;
	size_t size;

	(void)state;
	v->rax = 1, v->rbx = 2, v->rcx = 3, v->rdx = 4, v->rsi = 5, v->rdi = 6, v->rbp = 7;
	v->r8 = 8, v->r15 = 15, v->rflags = 0x246, v->fs_base = 0xf5, v->gs_base = 0x65;
	v->cs = (struct xl_segment){ 0xe033, 0xffffffff, 0xa9b, 0 };
	v->gs = (struct xl_segment){ 0x2b, 0xffff, 0xc93, 0x1234 };
	v->ss.sel = 0xe02b;
	v->idt = (struct xl_segment){ 0, 0xfff, 0, 0xfffffe0000000000 };
	v->cr4 = 0x3506e0, v->kernel_gs_base = 0x77;
	g->cut.dom.pv = true;
	guest_ram(g, 0, 10);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_finish(g);
	look_open(&l);
	p = look_note(&l, "CORE", 0, &type, &size);
	assert_int_equal(xl_get_le64(p + 112), 15);           /* r15 */
	assert_int_equal(xl_get_le64(p + 112 + 8 * 4), 7);    /* rbp */
	assert_int_equal(xl_get_le64(p + 112 + 8 * 10), 1);   /* rax */
	assert_int_equal(xl_get_le64(p + 112 + 8 * 14), 6);   /* rdi */
	/* the kernel of a PV guest is not taken for user mode */
	assert_int_equal(xl_get_le64(p + 112 + 8 * 17), 0xe030);
	assert_int_equal(xl_get_le64(p + 112 + 8 * 18), 0x246);
	assert_int_equal(xl_get_le64(p + 112 + 8 * 20), 0xe02b);
	assert_int_equal(xl_get_le64(p + 112 + 8 * 21), 0xf5);
	assert_int_equal(xl_get_le64(p + 112 + 8 * 22), 0x65);
	assert_int_equal(xl_get_le64(p + 112 + 8 * 26), 0x2b); /* gs */
	free(p);
	p = look_note(&l, "QEMU", 0, &type, &size);
	assert_int_equal(xl_get_le32(p + 152), 0xe030);
	assert_int_equal(xl_get_le32(p + 152 + 4), 0xffffffff);
	assert_int_equal(xl_get_le32(p + 152 + 8), 0xa09b00);
	assert_int_equal(xl_get_le64(p + 152 + 24 * 4 + 16), 0x65); /* gs base in force */
	assert_true(xl_get_le64(p + 152 + 24 * 9 + 16) == 0xfffffe0000000000);
	assert_int_equal(xl_get_le64(p + 392 + 32), 0x3506e0);
	assert_int_equal(xl_get_le64(p + 432), 0x77);
	free(p);
	look_close(&l);
	guest_free(g);
}

/* vCPU 0 in user mode: its page tables may lack the kernel. */
static void kernel_root(bool other_in_kernel, const char *vmcoreinfo, uint64_t want)
{
	struct guest *g = guest_new(10, 3);
	struct look l;
	uint8_t b[8], *p;
	GElf_Shdr s;
	uint32_t type;
	size_t size;

	for (int i = 0; i < 3; i++) {
		g->cut.vcpu[i].cr0 = 0x80050033;
		g->cut.vcpu[i].in_kernel = i == 2 && other_in_kernel;
		xl_put_le64(g->cut.vcpu[i].context + 5008, g->cut.vcpu[i].cr3);
	}
	if (vmcoreinfo) {
		g->cut.kernel.vmcoreinfo = strdup(vmcoreinfo);
		g->cut.kernel.vmcoreinfo_len = strlen(vmcoreinfo);
		g->cut.kernel.phys_base = 0x1000000;
	}
	guest_ram(g, 0, 10);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_finish(g);
	look_open(&l);
	look_section(&l, ".xen_prstatus", &s);
	look_read(&l, b, 8, s.sh_offset + 5008);
	assert_true(xl_get_le64(b) == want);
	look_read(&l, b, 8, s.sh_offset + 5168 + 5008);
	assert_true(xl_get_le64(b) == 0x3000);
	p = look_note(&l, "QEMU", 0, &type, &size);
	assert_true(xl_get_le64(p + 392 + 24) == 0x2000);
	free(p);
	look_close(&l);
	guest_free(g);
}

static void test_kernel_root(void **state)
{
	const char *text = "OSRELEASE=6.1\nSYMBOL(swapper_pg_dir)=ffffffff82610000\n";

	(void)state;
	kernel_root(true, NULL, 0x4000);
	kernel_root(true, text, 0x4000);
	kernel_root(false, text, 0x3610000);
	kernel_root(false, NULL, 0x2000);
}

/* ---- our own sections and notes ---- */

static void u64s(const struct look *l, const char *section, const uint64_t *want, size_t n)
{
	GElf_Shdr s;

	assert_true(look_section(l, section, &s) > 0);
	assert_int_equal(s.sh_size, n * 8);
	for (size_t i = 0; i < n; i++) {
		uint8_t b[8];

		look_read(l, b, 8, s.sh_offset + 8 * i);
		assert_true(xl_get_le64(b) == want[i]);
	}
}

static void test_pv_sections(void **state)
{
	static const uint64_t p2m[10] = { 100, 101, 102, XL_INVALID_FRAME, XL_INVALID_FRAME, 7, 9,
					  10, 12, XL_INVALID_FRAME };
	static const uint64_t runs[] = { 0, 100, 3, 5, 7, 1, 6, 9, 2, 8, 12, 1 };
	static const uint64_t tables[] = { 2, 4, 5, 1 };
	static const uint64_t edits[] = { 0x2800, 0xaa, 0x2808, 0xbb, 0x5000, 0xcc };
	struct guest *g = guest_new(10, 1);
	struct look l;

	(void)state;
	guest_ram(g, 0, 3);
	guest_ram(g, 5, 4);
	g->cut.dom.pv = true;
	g->cut.p2m = p2m;
	g->cut.table = calloc(2, sizeof(*g->cut.table));
	g->cut.table[0] = (struct xl_table){ 2, 4 };
	g->cut.table[1] = (struct xl_table){ 5, 1 };
	g->cut.tables = 2;
	assert_int_equal(xl_edits_add(&g->cut.edits, 0x5000, 0xcc), 0);
	assert_int_equal(xl_edits_add(&g->cut.edits, 0x2808, 0xbb), 0);
	assert_int_equal(xl_edits_add(&g->cut.edits, 0x2800, 0xaa), 0);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_finish(g);
	look_open(&l);
	u64s(&l, ".xldump_p2m", runs, XL_ARRAY_SIZE(runs));
	u64s(&l, ".xldump_tables", tables, XL_ARRAY_SIZE(tables));
	u64s(&l, ".xldump_edits", edits, XL_ARRAY_SIZE(edits));
	look_close(&l);
	guest_free(g);
}

static struct json_object *provenance(const struct look *l)
{
	struct json_object *o;
	uint32_t type;
	size_t size;
	uint8_t *p, *in_section;
	GElf_Shdr s;

	p = look_note(l, "XLDUMP", 0, &type, &size);
	assert_non_null(p);
	assert_int_equal(type, 0x584c4431);
	assert_int_equal(p[size - 1], 0);
	assert_int_equal(strlen((char *)p), size - 1);
	o = json_tokener_parse((char *)p);
	assert_non_null(o);

	/* the section is the same note */
	assert_int_equal(look_section(l, ".note.xldump", &s), (int)l->shnum - 1);
	assert_int_equal(s.sh_type, SHT_NOTE);
	in_section = malloc(s.sh_size);
	look_read(l, in_section, s.sh_size, s.sh_offset);
	assert_int_equal(xl_get_le32(in_section), 7);
	assert_int_equal(xl_get_le32(in_section + 4), size);
	assert_memory_equal(in_section + 20, p, size);
	assert_int_equal(s.sh_size, 20 + ((size + 3) & ~(size_t)3));
	free(in_section);
	free(p);
	return o;
}

/* "a.b" of an object. */
static struct json_object *member(struct json_object *o, const char *a, const char *b)
{
	struct json_object *v;

	assert_true(json_object_object_get_ex(o, a, &v));
	if (b)
		assert_true(json_object_object_get_ex(v, b, &v));
	return v;
}

static void text_is(struct json_object *o, const char *a, const char *b, const char *want)
{
	assert_string_equal(json_object_get_string(member(o, a, b)), want);
}

static void number_is(struct json_object *o, const char *a, const char *b, uint64_t want)
{
	assert_true(json_object_get_uint64(member(o, a, b)) == want);
}

static void fill_provenance(struct xl_cut *c)
{
	strcpy(c->name, "na\"me\xff\n");
	strcpy(c->reason, "because");
	strcpy(c->kernel.release, "6.1.0-31-cloud-amd64");
	strcpy(c->host.xen_extra, ".7-pre");
	c->dom.domid = 12;
	c->dom.tot_pages = 1000;
	c->dom.uuid[0] = 0xab;
	c->dom.uuid[15] = 0xcd;
	c->instant = (struct timespec){ 1795257000, 42 };
	c->rounds = 2;
	c->round[1] = (struct xl_round){ 5, 4, 3 };
	c->pause_ns.total = 77;
	c->pause_ns.copy = 66;
	c->was_stopped = true;
}

static void test_provenance(void **state)
{
	struct guest *g = guest_new(5000, 1);
	struct json_object *o, *v;
	struct look l;

	(void)state;
	fill_provenance(&g->cut);
	guest_ram(g, 0, 5000);
	guest_open(g, true);
	guest_put_all(g, 2);
	guest_finish(g);
	guest_free(g);

	g = guest_new(5000, 1);
	fill_provenance(&g->cut);
	assert_int_equal(xl_bitmap_init(&g->cut.suspect, 5000), 0);
	for (xl_pfn_t pfn = 10; pfn < 13; pfn++)
		xl_bitmap_set(&g->cut.suspect, pfn);
	xl_bitmap_set(&g->cut.suspect, 4999);
	g->cut.suspects = 4;
	guest_ram(g, 0, 5000);
	guest_open(g, false);
	guest_put_all(g, 2);
	guest_finish(g);
	look_open(&l);
	o = provenance(&l);
	number_is(o, "format", NULL, 1);
	text_is(o, "xen", NULL, "4.17.7-pre");
	text_is(o, "domain", "name", "na\"me??");
	number_is(o, "domain", "id", 12);
	text_is(o, "domain", "uuid", "ab000000-0000-0000-0000-0000000000cd");
	text_is(o, "domain", "type", "PVH");
	number_is(o, "domain", "memory", 4096000);
	text_is(o, "instant", NULL, "2026-11-21T10:30:00.000000042Z");
	text_is(o, "strategy", NULL, "precopy");
	text_is(o, "reason", NULL, "because");
	number_is(o, "pause_ns", "total", 77);
	number_is(o, "pause_ns", "copy", 66);
	number_is(o, "pages", NULL, 5000);
	number_is(o, "edits", "count", 0);
	text_is(o, "kernel", NULL, "6.1.0-31-cloud-amd64");
	assert_true(json_object_get_boolean(member(o, "was_stopped", NULL)));
	v = member(o, "rounds", NULL);
	assert_int_equal(json_object_array_length(v), 2);
	number_is(json_object_array_get_idx(v, 1), "copied", NULL, 4);
	text_is(o, "guarantee", NULL, "suspects");
	number_is(o, "suspects", "count", 4);
	text_is(o, "suspects", "ranges", "[ [ 10, 3 ], [ 4999, 1 ] ]");
	assert_true(json_object_get_boolean(member(o, "suspects", "complete")));
	json_object_put(o);
	look_close(&l);
	guest_free(g);
}

static void test_many_suspects(void **state)
{
	struct guest *g = guest_new(5000, 1);
	struct json_object *o;
	struct look l;

	(void)state;
	memset(g->cut.name, '"', sizeof(g->cut.name) - 1);
	memset(g->cut.reason, '\\', sizeof(g->cut.reason) - 1);
	g->cut.rounds = XL_MAX_ROUNDS;
	memset(g->cut.round, 0xff, sizeof(g->cut.round));
	memset(&g->cut.pause_ns, 0xff, sizeof(g->cut.pause_ns));
	assert_int_equal(xl_bitmap_init(&g->cut.suspect, XL_MAX_PFNS), 0);
	for (xl_pfn_t pfn = 1; pfn < 5000; pfn += 2)
		xl_bitmap_set(&g->cut.suspect, XL_MAX_PFNS - pfn);
	g->cut.suspects = 2500;
	guest_ram(g, 0, 10);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_finish(g);
	look_open(&l);
	o = provenance(&l);
	number_is(o, "suspects", "count", 2500);
	assert_int_equal(json_object_array_length(member(o, "suspects", "ranges")), 1024);
	assert_false(json_object_get_boolean(member(o, "suspects", "complete")));
	/* the room that was kept in front of the pages is enough for the largest note */
	assert_in_range(strlen(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)), 20000,
			64 * 1024);
	json_object_put(o);
	look_close(&l);
	guest_free(g);
}

static void test_vmcoreinfo(void **state)
{
	static const char text[] = "OSRELEASE=6.1.0\nPAGESIZE=4096\n";
	struct guest *g = guest_new(10, 1);
	struct look l;
	uint32_t type;
	size_t size;
	uint8_t *p;

	(void)state;
	g->cut.kernel.vmcoreinfo = strdup(text);
	g->cut.kernel.vmcoreinfo_len = strlen(text);
	guest_ram(g, 0, 10);
	guest_open(g, false);
	guest_put_all(g, 0);
	guest_finish(g);
	look_open(&l);
	p = look_note(&l, "VMCOREINFO", 0, &type, &size);
	assert_non_null(p);
	assert_int_equal(type, 0);
	assert_int_equal(size, strlen(text));
	assert_memory_equal(p, text, size);
	free(p);
	look_close(&l);
	guest_free(g);
}

static int go(void **state)
{
	(void)state;
	dir = mkdtemp(in_memory);
	if (!dir)
		dir = mkdtemp(on_disk);
	return dir && chdir(dir) == 0 ? 0 : -1;
}

static int gone(void **state)
{
	(void)state;
	return chdir("..") == 0 && rmdir(basename(dir)) == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_two_runs_and_a_hole),
		cmocka_unit_test(test_zero_pages_are_holes),
		cmocka_unit_test(test_put_again),
		cmocka_unit_test(test_no_pages),
		cmocka_unit_test(test_caller_errors),
		cmocka_unit_test(test_balloon),
		cmocka_unit_test(test_balloon_ranges),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_space_after_balloon),
		cmocka_unit_test(test_headers_grow),
		cmocka_unit_test(test_xnum),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_single_run),
		cmocka_unit_test(test_sections_only),
		cmocka_unit_test(test_vcpus),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_kernel_root),
		cmocka_unit_test(test_pv_sections),
		cmocka_unit_test(test_provenance),
		cmocka_unit_test(test_many_suspects),
		cmocka_unit_test(test_vmcoreinfo),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, go, gone);
}
