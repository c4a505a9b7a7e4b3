/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an ELF dump says beside its pages, in notes and sections, as an independent reader sees it. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vcpus),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_kernel_root),
		cmocka_unit_test(test_pv_sections),
		cmocka_unit_test(test_provenance),
		cmocka_unit_test(test_many_suspects),
		cmocka_unit_test(test_vmcoreinfo),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, guest_folder_enter, guest_folder_leave);
}
