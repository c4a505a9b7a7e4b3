/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A System.map or a vmlinux that the user names: what is taken from it, and what is refused. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_kernel.h"
#include "guest/symbols.h"

#define FILE_A "symbols"
#define BUILD_ID "0123456789abcdef0123456789abcdef01234567"

static char dir[] = "/tmp/test_symbols.XXXXXX";

/* What the kernel of fake_kernel.h has, without KASLR. */
struct line {
	const char *name;
	uint64_t pa;
};

static const struct line lines[] = {
	{ "_text", FAKE_TEXT_PA },
	{ "_stext", FAKE_TEXT_PA },
	{ "init_uts_ns", FAKE_UTS_PA },
	{ "swapper_pg_dir", FAKE_TABLES_PA },
	{ "page_offset_base", FAKE_PAGE_OFFSET_BASE_PA },
	{ "xen_start_info", FAKE_XEN_START_INFO_PA },
	{ "_end", FAKE_END_PA },
};

static uint64_t link_va(const struct fake *f, uint64_t pa)
{
	return fake_va(f, pa) - f->kaslr;
}

/* ---- files ---- */

static void write_text(const char *text)
{
	FILE *file = fopen(FILE_A, "w");

	assert_true(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* In no order, with statics of one name, and a module's symbol at the end. */
static void write_map(const struct fake *f, int64_t moved)
{
	FILE *file = fopen(FILE_A, "w");

	assert_non_null(file);
	for (size_t i = XL_ARRAY_SIZE(lines); i-- > 0;)
		(void)fprintf(file, "%016" PRIx64 " %c %s\n",
			      link_va(f, lines[i].pa) + (uint64_t)moved, i < 3 ? 'T' : 'D', lines[i].name);
	(void)fprintf(file, "0000000000000000 A zero\n"
			    "ffffffff81000100 t twice\nffffffff81000200 t twice\n"
			    "ffffffff81000300 t same\nffffffff81000300 t same\n"
			    "ffffffffc0000000 t of_a_module\t[xen_blkfront]\n");
	assert_int_equal(fclose(file), 0);
}

struct elf_file {
	Elf64_Ehdr e;
	Elf64_Shdr sh[5];
	Elf64_Sym sym[XL_ARRAY_SIZE(lines) + 1];
	char names[256];
	Elf64_Nhdr note;
	char gnu[4];
	unsigned char id[20];
	char shnames[32];
};

static void write_elf(const struct fake *f, bool stripped, bool with_id, unsigned machine)
{
	static struct elf_file o;
	size_t at = 1;
	FILE *file = fopen(FILE_A, "w");

	memset(&o, 0, sizeof(o));
	memcpy(o.e.e_ident, "\177ELF\2\1\1", 7);
	o.e.e_type = ET_EXEC;
	o.e.e_machine = (Elf64_Half)machine;
	o.e.e_version = 1;
	o.e.e_shoff = offsetof(struct elf_file, sh);
	o.e.e_ehsize = sizeof(o.e);
	o.e.e_shentsize = sizeof(o.sh[0]);
	o.e.e_shnum = 5;
	o.e.e_shstrndx = 4;
	for (size_t i = 0; i < XL_ARRAY_SIZE(lines); i++) {
		o.sym[i + 1] = (Elf64_Sym){ .st_name = (Elf64_Word)at, .st_shndx = 1,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, i < 3 ? STT_FUNC : STT_OBJECT),
			.st_value = link_va(f, lines[i].pa) };
		strcpy(o.names + at, lines[i].name);
		at += strlen(lines[i].name) + 1;
	}
	o.sh[1] = (Elf64_Shdr){ .sh_type = stripped ? SHT_PROGBITS : SHT_SYMTAB,
		.sh_offset = offsetof(struct elf_file, sym), .sh_size = sizeof(o.sym),
		.sh_entsize = sizeof(o.sym[0]), .sh_link = 2 };
	o.sh[2] = (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_size = sizeof(o.names),
		.sh_offset = offsetof(struct elf_file, names) };
	o.sh[3] = (Elf64_Shdr){ .sh_type = with_id ? SHT_NOTE : SHT_PROGBITS, .sh_size = 36,
		.sh_offset = offsetof(struct elf_file, note), .sh_addralign = 4 };
	o.sh[4] = (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_size = sizeof(o.shnames),
		.sh_offset = offsetof(struct elf_file, shnames) };
	o.note = (Elf64_Nhdr){ 4, sizeof(o.id), NT_GNU_BUILD_ID };
	memcpy(o.gnu, "GNU", 4);
	for (size_t i = 0; i < sizeof(o.id); i++) {
		unsigned byte;

		assert_int_equal(sscanf(&BUILD_ID[2 * i], "%2x", &byte), 1);
		o.id[i] = (unsigned char)byte;
	}
	assert_true(file && fwrite(&o, sizeof(o), 1, file) == 1 && fclose(file) == 0);
}

/* ---- looking at them ---- */

static struct xl_ctx x;

static struct xl_symbols *open_ok(void)
{
	struct xl_symbols *s = NULL;

	memset(&x, 0, sizeof(x));
	if (xl_symbols_open(&x, FILE_A, &s) < 0)
		fail_msg("%s", x.err);
	return s;
}

static void open_fails(const char *path, const char *want)
{
	struct xl_symbols *s = NULL;

	memset(&x, 0, sizeof(x));
	assert_true(xl_symbols_open(&x, path, &s) < 0);
	assert_null(s);
	assert_int_equal(x.cause, XLDUMP_CAUSE_USAGE);
	if (!strstr(x.err, want))
		fail_msg("instead of `%s': %s", want, x.err);
}

static int identify(struct fake *f, struct xl_kernel *k)
{
	struct xl_symbols *s = open_ok();
	int r;

	memset(k, 0, sizeof(*k));
	f->cand.symbols = s;
	r = xl_kernel_identify(&x, &f->cand, fake_read, f, k);
	f->cand.symbols = NULL;
	xl_symbols_close(s);
	return r;
}

/* A kernel that does not say where its symbols are, and whose start_info nobody has seen. */
static void old_kernel(struct fake *f)
{
	fake_defaults(f);
	f->encoding = FAKE_NO_KALLSYMS;
	f->pv = true;
	f->more = "BUILD-ID=" BUILD_ID "\n";
	fake_build(f);
	assert_int_equal(f->cand.start_infos, 0);
}

static void assert_taken(struct fake *f)
{
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;

	assert_int_equal(identify(f, &k), 0);
	assert_int_equal(k.xen_start_info_pa, FAKE_XEN_START_INFO_PA);
	assert_int_equal(k.image_start, FAKE_TEXT_PA);
	assert_int_equal(k.image_end, FAKE_END_PA);
}

static void test_taken(void **state)
{
	_cleanup_(xl_kernel_deinit) struct xl_kernel k = { 0 };
	_cleanup_(fake_deinit) struct fake f;

	(void)state;
	old_kernel(&f);
	assert_int_equal(xl_kernel_identify(&x, &f.cand, fake_read, &f, &k), 0);
	assert_int_equal(k.xen_start_info_pa, 0);
	assert_true(f.kaslr != 0);
	write_map(&f, 0);
	assert_taken(&f);
	for (int with_id = 0; with_id < 2; with_id++) {
		write_elf(&f, false, with_id, EM_X86_64);
		assert_taken(&f);
	}
}

/* The kernel's own table is believed, and needs no file. */
static void test_not_needed(void **state)
{
	_cleanup_(fake_deinit) struct fake f;

	(void)state;
	fake_defaults(&f);
	fake_build(&f);
	write_map(&f, 0);
	assert_taken(&f);
}

static void test_find(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	struct xl_symbols *s;
	uint64_t va;

	(void)state;
	old_kernel(&f);
	write_map(&f, 0);
	s = open_ok();
	for (size_t i = 0; i < XL_ARRAY_SIZE(lines); i++) {
		assert_int_equal(xl_symbols_find(s, lines[i].name, &va), 0);
		assert_true(va == link_va(&f, lines[i].pa));
	}
	assert_int_equal(xl_symbols_find(s, "same", &va), 0);
	assert_int_equal(xl_symbols_find(s, "of_a_module", &va), 0);
	assert_int_equal(xl_symbols_find(s, "twice", &va), -ENOENT);
	assert_int_equal(xl_symbols_find(s, "zero", &va), -ENOENT);
	assert_int_equal(xl_symbols_find(s, "", &va), -ENOENT);
	assert_int_equal(xl_symbols_find(s, "xen_start_inf", &va), -ENOENT);
	xl_symbols_close(s);
}

static void refused(struct fake *f, const char *want)
{
	struct xl_kernel k;

	assert_int_equal(identify(f, &k), -ENOEXEC);
	assert_int_equal(x.cause, XLDUMP_CAUSE_USAGE);
	assert_null(k.vmcoreinfo);
	if (!strstr(x.err, want))
		fail_msg("instead of `%s': %s", want, x.err);
}

static void test_another_kernel(void **state)
{
	_cleanup_(fake_deinit) struct fake f, g;

	(void)state;
	old_kernel(&f);
	write_map(&f, 0x1000);
	refused(&f, "is of another kernel: ");
	assert_non_null(strstr(x.err, "with KASLR"));
	write_text("ffffffff81000000 T something_else\n");
	refused(&f, "none of the symbols");

	/* the same addresses, built another time */
	fake_defaults(&g);
	g.encoding = FAKE_NO_KALLSYMS;
	g.more = "BUILD-ID=ff23456789abcdef0123456789abcdef01234567\n";
	fake_build(&g);
	write_elf(&g, false, true, EM_X86_64);
	refused(&g, "its build-id is " BUILD_ID ", but that of the guest's kernel is ff23");
	write_elf(&g, false, false, EM_X86_64);
	assert_taken(&g);
}

static void test_not_symbols(void **state)
{
	_cleanup_(fake_deinit) struct fake f;

	(void)state;
	old_kernel(&f);
	open_fails("not-there", "cannot open not-there: No such file");
	open_fails(".", "is not a regular file");
	open_fails("/dev/null", "is not a regular file");
	write_text("");
	open_fails(FILE_A, "no symbols with addresses");
	write_text("0000000000000000 T _text\n0000000000000000 D xen_start_info\n");
	open_fails(FILE_A, "no symbols with addresses");
	write_text("ffffffffffffffff B The real System.map is in the linux-image-6.1.0-dbg package\n");
	open_fails(FILE_A, "names the package that has them: install linux-image-6.1.0-dbg, and give");
	write_text("ffffffff81000000 T _text\nlinux-image-6.1\n");
	open_fails(FILE_A, "it has the line `linux-image-6.1'");
	write_text("ffffffff8100000000 T _text\n");
	open_fails(FILE_A, "neither a System.map nor a vmlinux");
	write_text("ffffffff81000000 T\n");
	open_fails(FILE_A, "neither a System.map nor a vmlinux");
	write_text("\177ELF nothing else");
	open_fails(FILE_A, FILE_A);
	write_elf(&f, true, true, EM_X86_64);
	open_fails(FILE_A, "no symbols with addresses");
	write_elf(&f, false, true, EM_AARCH64);
	open_fails(FILE_A, "of another machine");
}

/* Cut off anywhere: what is there, or an error. */
static void test_cut_off(void **state)
{
	_cleanup_(fake_deinit) struct fake f;

	(void)state;
	old_kernel(&f);
	write_elf(&f, false, true, EM_X86_64);
	for (off_t size = (off_t)sizeof(struct elf_file); size >= 0; size -= 7) {
		struct xl_symbols *s = NULL;

		assert_int_equal(truncate(FILE_A, size), 0);
		memset(&x, 0, sizeof(x));
		if (xl_symbols_open(&x, FILE_A, &s) < 0)
			assert_true(x.err[0]);
		xl_symbols_close(s);
	}
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(FILE_A);
	return chdir("..") < 0 ? -1 : rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_not_needed),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_another_kernel),
		cmocka_unit_test(test_not_symbols),
		cmocka_unit_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
