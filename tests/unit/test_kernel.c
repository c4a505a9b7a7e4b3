/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding the guest's kernel: in memories as kernels of several ages leave them, and in hostile
 * ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_kernel.h"

static struct xl_ctx ctx;

static int identify(struct fake *f, struct xl_kernel *k)
{
	memset(&ctx, 0, sizeof(ctx));
	memset(k, 0, sizeof(*k));
	return xl_kernel_identify(&ctx, &f->cand, fake_read, f, k);
}

/* Rewrite the pages of the text after a test has changed it. */
static void again(struct fake *f)
{
	memset(f->mem + (FAKE_VMCOREINFO_PFN << XL_PAGE_SHIFT), 0, XL_VMCOREINFO_MAX);
	memset(f->mem + (FAKE_NOTE_PFN << XL_PAGE_SHIFT), 0, XL_VMCOREINFO_MAX);
	fake_text(f, FAKE_VMCOREINFO_PFN);
	fake_note(f, FAKE_NOTE_PFN);
	fake_look(f);
}

static void assert_refused(struct fake *f, const char *why)
{
	struct xl_kernel k;

	assert_int_equal(identify(f, &k), -ENOENT);
	assert_null(k.vmcoreinfo);
	if (!strstr(ctx.err, why))
		fail_msg("\"%s\" does not say \"%s\"", ctx.err, why);
}

/* ---- the text ---- */

static void test_numbers(void **state)
{
	static const char text[] = "A=1f\nNUMBER(b)=-42\nAA=2\nE=\nG=1g\nBIG=ffffffffffffffff\n"
				   "HUGE=10000000000000000\nNUMBER(max)=9223372036854775808\nX=-\n";
	uint64_t u;
	int64_t d;

	(void)state;
	assert_int_equal(xl_vmcoreinfo_hex(text, "A", &u), 0);
	assert_int_equal(u, 0x1f);
	assert_int_equal(xl_vmcoreinfo_hex(text, "AA", &u), 0);
	assert_int_equal(u, 2);
	assert_int_equal(xl_vmcoreinfo_dec(text, "NUMBER(b)", &d), 0);
	assert_int_equal(d, -42);
	assert_int_equal(xl_vmcoreinfo_hex(text, "BIG", &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(xl_vmcoreinfo_hex(text, "E", &u), -EINVAL);
	assert_int_equal(xl_vmcoreinfo_hex(text, "G", &u), -EINVAL);
	assert_int_equal(xl_vmcoreinfo_hex(text, "HUGE", &u), -EINVAL);
	assert_int_equal(xl_vmcoreinfo_hex(text, "NUMBER(b)", &u), -EINVAL);
	assert_int_equal(xl_vmcoreinfo_dec(text, "NUMBER(max)", &d), -EINVAL);
	assert_int_equal(xl_vmcoreinfo_dec(text, "X", &d), -EINVAL);
	assert_int_equal(xl_vmcoreinfo_dec(text, "A", &d), -EINVAL);
	assert_int_equal(xl_vmcoreinfo_hex(text, "B", &u), -ENOENT);
	assert_int_equal(xl_vmcoreinfo_hex("", "B", &u), -ENOENT);
	assert_int_equal(xl_vmcoreinfo_hex("A=BcF\n", "A", &u), 0);
	assert_int_equal(u, 0xbcf);
	assert_int_equal(xl_vmcoreinfo_hex("A=G\n", "A", &u), -EINVAL);
	assert_int_equal(xl_vmcoreinfo_hex("A=@\n", "A", &u), -EINVAL);
	assert_int_equal(xl_vmcoreinfo_dec("A=\n", "A", &d), -EINVAL);
	assert_int_equal(xl_vmcoreinfo_dec("A=18446744073709551616\n", "A", &d), -EINVAL);
	assert_int_equal(xl_vmcoreinfo_dec("A=18446744073709551615\n", "A", &d), -EINVAL);
	assert_int_equal(xl_vmcoreinfo_hex("A=1", "A", &u), -ENOENT); /* no whole line */
}

static void test_candidates(void **state)
{
	static unsigned char page[XL_PAGE_SIZE] = "OSRELEASE=6.1\n";
	struct xl_candidates c = { 0 };

	(void)state;
	xl_candidates_look(&c, 7, page);
	xl_candidates_look(&c, 7, page);
	assert_int_equal(c.n, 1);
	for (xl_pfn_t i = 0; i < XL_MAX_CANDIDATES + 9; i++)
		xl_candidates_look(&c, i, page);
	assert_int_equal(c.n, XL_MAX_CANDIDATES);
	assert_int_equal(c.overflow, 9);
	page[0] = 'o';
	xl_candidates_look(&c, 1000, page);
	assert_int_equal(c.overflow, 9);
}

/* ---- kernels as they are ---- */

static void check_found(struct fake *f, const struct xl_kernel *k)
{
	assert_string_equal(k->vmcoreinfo, f->text);
	assert_int_equal(k->vmcoreinfo_len, strlen(f->text));
	assert_string_equal(k->sysname, "Linux");
	assert_string_equal(k->release, f->release);
	assert_string_equal(k->nodename, "web?[1m01");
	assert_string_equal(k->machine, "x86_64");
	assert_int_equal(k->phys_base, f->phys_base);
	assert_int_equal(k->kaslr_offset, f->kaslr);
	assert_int_equal(k->l5, f->l5);
	assert_int_equal(k->image_start, FAKE_TEXT_PA);
}

static void test_encodings(void **state)
{
	(void)state;
	for (int e = FAKE_PERCPU; e <= FAKE_ABSOLUTE; e++) {
		_cleanup_(fake_deinit) struct fake f;
		_cleanup_(xl_kernel_deinit) struct xl_kernel k;
		uint64_t va;

		fake_defaults(&f);
		f.encoding = (enum fake_encoding)e;
		fake_build(&f);
		assert_true(f.names_size > 65536); /* more than one chunk */
		assert_int_equal(identify(&f, &k), 0);
		check_found(&f, &k);
		assert_int_equal(k.image_end, FAKE_END_PA);
		assert_int_equal(k.xen_start_info_pa, FAKE_XEN_START_INFO_PA);
		assert_true(k.page_offset == f.page_offset);

		assert_int_equal(xl_kernel_symbol(&ctx, &k, fake_read, &f, "filler_number_8999",
						    &va), 0);
		assert_true(va == fake_va(&f, FAKE_TEXT_PA) + 2 + 8999);
		assert_int_equal(xl_kernel_symbol(&ctx, &k, fake_read, &f, "no_such", &va),
				 -ENOENT);
	}
}

static void test_text_symbols_only(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;

	(void)state;
	fake_defaults(&f);
	f.only_text_symbols = true;
	fake_build(&f);
	assert_int_equal(identify(&f, &k), 0);
	check_found(&f, &k);
	assert_int_equal(k.image_end, 0x600000); /* kallsyms_offsets, the next 2 MiB */
	assert_int_equal(k.xen_start_info_pa, 0);
	assert_true(k.page_offset == f.page_offset); /* by the tables */
}

static void test_pv(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;

	(void)state;
	fake_defaults(&f);
	f.pv = true;
	f.kaslr = 0;
	f.phys_base = 0;
	f.phys_base = FAKE_TEXT_PA - 0x1000000;
	f.page_offset = 0xffff888000000000;
	fake_build(&f);
	assert_int_equal(identify(&f, &k), 0);
	check_found(&f, &k);
	assert_int_equal(k.xen_start_info_pa, FAKE_XEN_START_INFO_PA);
	assert_true(k.page_offset == f.page_offset);
}

/* 4.19: no kallsyms, no offset of the names, the direct map one slot lower. */
static void test_old_kernel(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;

	(void)state;
	for (int pv = 0; pv < 2; pv++) {
		fake_defaults(&f);
		f.release = "4.19.0-27-amd64";
		f.encoding = FAKE_NO_KALLSYMS;
		f.say_uts_offset = false;
		f.uts_offset = 4;
		f.page_offset = 0xffff880000000000;
		f.pv = pv;
		fake_build(&f);
		assert_int_equal(identify(&f, &k), 0);
		check_found(&f, &k);
		assert_int_equal(k.image_end, 0x400000); /* swapper_pg_dir, the next 2 MiB */
		assert_int_equal(k.xen_start_info_pa, 0);
		assert_true(k.page_offset == f.page_offset);
		fake_deinit(&f);
		xl_kernel_deinit(&k);
	}
	fake_defaults(&f);
	memset(&k, 0, sizeof(k));
}

/* A PV kernel that does not say where its symbols are: by the address of start_info. */
static void test_start_info(void **state)
{
	enum { INFO_PFN = 0x600 };
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;
	unsigned char *info;
	uint64_t va;

	(void)state;
	fake_defaults(&f);
	f.release = "5.10.0-32-amd64";
	f.encoding = FAKE_NO_KALLSYMS;
	f.page_offset = 0xffff888000000000;
	f.pv = true;
	fake_build(&f);
	va = f.page_offset + ((uint64_t)INFO_PFN << XL_PAGE_SHIFT);
	info = f.mem + ((uint64_t)INFO_PFN << XL_PAGE_SHIFT);
	xl_put_le64(f.mem + FAKE_XEN_START_INFO_PA, va);

	/* No page of that name, or one that only begins like it. */
	memcpy(info, "xen-3.0-arm", 12);
	xl_candidates_look(&f.cand, INFO_PFN, info);
	memset(info, 'x', 64);
	xl_candidates_look(&f.cand, INFO_PFN, info);
	assert_int_equal(identify(&f, &k), 0);
	assert_int_equal(k.xen_start_info_pa, 0);
	xl_kernel_deinit(&k);

	memcpy(info, "xen-3.0-x86_64", 15);
	xl_candidates_look(&f.cand, INFO_PFN, info);
	xl_candidates_look(&f.cand, INFO_PFN, info);
	assert_int_equal(f.cand.start_infos, 1);
	assert_int_equal(identify(&f, &k), 0);
	assert_int_equal(k.xen_start_info_pa, FAKE_XEN_START_INFO_PA);
	xl_kernel_deinit(&k);

	/* The value once more: which of them is it? */
	xl_put_le64(f.mem + FAKE_XEN_START_INFO_PA + 0x100, va);
	assert_int_equal(identify(&f, &k), 0);
	assert_int_equal(k.xen_start_info_pa, 0);
}

/* 4.9: it does not tell phys_base either. */
static void test_no_phys_base(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;

	(void)state;
	fake_defaults(&f);
	f.release = "4.9.0-19-amd64";
	f.encoding = FAKE_NO_KALLSYMS;
	f.say_phys_base = f.say_l5 = f.say_uts_offset = false;
	f.uts_offset = 4;
	fake_build(&f);
	assert_int_equal(identify(&f, &k), 0);
	check_found(&f, &k);
}

static void test_five_levels(void **state)
{
	(void)state;
	for (int known = 0; known < 2; known++) {
		_cleanup_(fake_deinit) struct fake f;
		_cleanup_(xl_kernel_deinit) struct xl_kernel k;

		fake_defaults(&f);
		f.l5 = 1;
		f.page_offset = 0xff1a3c8040000000;
		f.encoding = known ? FAKE_BASE_RELATIVE : FAKE_NO_KALLSYMS;
		fake_build(&f);
		assert_int_equal(identify(&f, &k), 0);
		check_found(&f, &k);
		assert_true(k.page_offset == f.page_offset);
	}
}

/* ---- several candidates ---- */

static void test_other_texts(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;
	static const char copy[] = "OSRELEASE=6.1.0-56-cloud-amd64\nPAGESIZE=4096\n";
	static const char crashed[] = "CRASHTIME=1700000000\n";
	char text[sizeof(f.text)];

	(void)state;
	fake_defaults(&f);
	fake_build(&f);
	memcpy(text, f.text, sizeof(text));

	/* A page cache copy of a text made from a file, and the whole text of another release. */
	memcpy(f.mem + 0x601000, copy, sizeof(copy));
	memcpy(f.mem + 0x602000, text, strlen(text));
	memcpy(f.mem + 0x602000 + 10, "5", 1);
	fake_look(&f);
	assert_int_equal(f.cand.n, 4);
	assert_int_equal(identify(&f, &k), 0);
	assert_string_equal(k.vmcoreinfo, text);
	xl_kernel_deinit(&k);

	/* The same kernel after a crash loses against one that goes on. */
	memcpy(f.mem + 0x602000, text, strlen(text));
	memcpy(f.mem + 0x602000 + strlen(text), crashed, sizeof(crashed));
	fake_look(&f);
	assert_int_equal(identify(&f, &k), 0);
	assert_string_equal(k.vmcoreinfo, text);
	xl_kernel_deinit(&k);

	/* Alone it is taken. */
	memcpy(f.text + strlen(f.text), crashed, sizeof(crashed));
	again(&f);
	assert_int_equal(identify(&f, &k), 0);
	assert_string_equal(k.vmcoreinfo, f.text);
}

static void test_note_alone(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;

	(void)state;
	fake_defaults(&f);
	fake_build(&f);
	memset(f.mem + (FAKE_VMCOREINFO_PFN << XL_PAGE_SHIFT), 0, XL_PAGE_SIZE);
	fake_look(&f);
	assert_int_equal(f.cand.n, 1);
	assert_int_equal(identify(&f, &k), 0);
	check_found(&f, &k);
	assert_int_equal(k.vmcoreinfo_pfn, FAKE_NOTE_PFN);
}

/* ---- hostile memory ---- */

static void test_no_candidate(void **state)
{
	_cleanup_(fake_deinit) struct fake f;

	(void)state;
	fake_defaults(&f);
	assert_refused(&f, "no page");
	f.cand.n = 1;
	f.cand.pfn[0] = 3;
	assert_refused(&f, "changed");
	f.cand.pfn[0] = UINT64_MAX;
	assert_refused(&f, "cannot be read");
}

static void replace(struct fake *f, const char *what, const char *with)
{
	char *p = strstr(f->text, what);

	assert_non_null(p);
	assert_int_equal(strlen(what), strlen(with));
	memcpy(p, with, strlen(with));
	again(f);
}

static void test_bad_texts(void **state)
{
	static const struct {
		const char *what, *with, *why;
	} bad[] = {
		{ "PAGESIZE=4096", "PAGESIZE=8192", "PAGESIZE" },
		{ "PAGESIZE=4096", "PAGESIZE 4096", "KEY=VALUE" },
		{ "PAGESIZE=4096", "PAGESIZE=\xff\xff\xff\xff", "KEY=VALUE" },
		{ "SYMBOL(_stext)=f", "SYMBOL(_stext)=0", "_stext" },
		{ "SYMBOL(_stext)=f", "SYMBOL(_stext)=x", "_stext" },
		{ "SYMBOL(swapper_pg", "SYMBOL(zwapper_pg", "swapper" },
		{ "SYMBOL(init_uts_ns)=f", "SYMBOL(init_uts_ns)=7", "init_uts_ns" },
		{ "KERNELOFFSET", "KERNELUPSET_", "KERNELOFFSET" },
		{ "KERNELOFFSET=c", "KERNELOFFSET=-", "KERNELOFFSET" },
		{ "NUMBER(phys_base)=-", "NUMBER(phys_base)=x", "phys_base" },
		{ "NUMBER(phys_base)=-2", "NUMBER(phys_base)=-3", "not page aligned" },
		{ "init_uts_ns)=ffffffff8", "init_uts_ns)=ffffffff9", "another kernel" },
		{ "uts_namespace.name)=0", "uts_namespace.name)=9", "another kernel" },
		{ "OSRELEASE=6", "OSRELEASE=7", "another kernel" },
		{ "SYMBOL(init_uts_ns)", "SYMBOL(unit_uts_ns)", "init_uts_ns" },
		{ "PAGESIZE=4096", "=AGESIZE=4096", "KEY=VALUE" },
		{ "PAGESIZE=4096", "ZAGESIZE=4096", "PAGESIZE" },
		{ "PAGESIZE=4096", "PAGESIZE=40\t6", "KEY=VALUE" },
	};

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(bad); i++) {
		_cleanup_(fake_deinit) struct fake f;

		fake_defaults(&f);
		fake_build(&f);
		replace(&f, bad[i].what, bad[i].with);
		assert_refused(&f, bad[i].why);
	}
}

/* A release of no length, and of too much. */
static void test_bad_release(void **state)
{
	static const char *const release[] = {
		"", "6.1.0-012345678901234567890123456789012345678901234567890123456789"
	};

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(release); i++) {
		_cleanup_(fake_deinit) struct fake f;

		fake_defaults(&f);
		f.release = release[i];
		fake_build(&f);
		f.cand.pfn[0] = FAKE_VMCOREINFO_PFN;
		f.cand.n = 1;
		assert_refused(&f, i ? "OSRELEASE" : "");
	}
}

/* VMCOREINFO that lacks one of the names of the symbol table. */
static void test_no_kallsyms(void **state)
{
	static const char *const lacks[] = { "names)", "num_syms)", "token_table)", "token_index)",
					     "relative_base)" };

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(lacks); i++) {
		_cleanup_(fake_deinit) struct fake f;
		_cleanup_(xl_kernel_deinit) struct xl_kernel k;
		char what[64], with[64];
		uint64_t va;

		fake_defaults(&f);
		fake_build(&f);
		(void)snprintf(what, sizeof(what), "SYMBOL(kallsyms_%s", lacks[i]);
		(void)snprintf(with, sizeof(with), "SYMBOL(zallsyms_%s", lacks[i]);
		replace(&f, what, with);
		assert_int_equal(identify(&f, &k), 0);
		assert_int_equal(k.xen_start_info_pa, 0);
		assert_int_equal(xl_kernel_symbol(&ctx, &k, fake_read, &f, "_text", &va), -ENOENT);
	}
}

static void test_no_kernel_no_symbols(void **state)
{
	const struct xl_kernel k = { 0 };
	struct fake f;
	uint64_t va;

	(void)state;
	memset(&ctx, 0, sizeof(ctx));
	assert_int_equal(xl_kernel_symbol(&ctx, &k, fake_read, &f, "_text", &va), -ENOENT);
}

/* The name of the root of page tables since 4.13. */
static void test_init_top_pgt(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;

	(void)state;
	fake_defaults(&f);
	fake_build(&f);
	replace(&f, "SYMBOL(swapper_pg_dir)", "SYMBOL(zzzzzzz_pg_dir)");
	fake_say(&f, "SYMBOL(init_top_pgt)=%" PRIx64 "\n", fake_va(&f, FAKE_TABLES_PA));
	again(&f);
	assert_int_equal(identify(&f, &k), 0);
	assert_true(k.page_offset == f.page_offset);
}

static void test_endless_text(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	unsigned char *page;

	(void)state;
	fake_defaults(&f);
	fake_build(&f);
	memset(f.mem + (FAKE_NOTE_PFN << XL_PAGE_SHIFT), 0, XL_PAGE_SIZE);
	page = f.mem + (FAKE_VMCOREINFO_PFN << XL_PAGE_SHIFT);
	memset(page + 10, 'x', FAKE_MEMORY - (FAKE_VMCOREINFO_PFN << XL_PAGE_SHIFT) - 10);
	fake_look(&f);
	assert_refused(&f, "no complete line");

	/* At the very end of memory, as long as it is. */
	memcpy(f.mem + FAKE_MEMORY - XL_PAGE_SIZE, "OSRELEASE=", 10);
	fake_look(&f);
	assert_int_equal(f.cand.n, 2);
	assert_refused(&f, "no complete line");

	/* A note that claims more than there may be. */
	memset(page, 0, FAKE_MEMORY - (FAKE_VMCOREINFO_PFN << XL_PAGE_SHIFT));
	fake_note(&f, FAKE_NOTE_PFN);
	xl_put_le32(f.mem + (FAKE_NOTE_PFN << XL_PAGE_SHIFT) + 4, UINT32_MAX);
	fake_look(&f);
	assert_refused(&f, "changed");
}

static void test_bad_uts(void **state)
{
	_cleanup_(fake_deinit) struct fake f;

	(void)state;
	fake_defaults(&f);
	fake_build(&f);
	memset(f.mem + FAKE_UTS_PA, 'L', 1024);
	assert_refused(&f, "another kernel");
}

static void test_torn_last_line(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;
	size_t n;

	(void)state;
	fake_defaults(&f);
	fake_build(&f);
	n = strlen(f.text);
	fake_say(&f, "SYMBOL(cut");
	again(&f);
	assert_int_equal(identify(&f, &k), 0);
	assert_int_equal(k.vmcoreinfo_len, n);
}

/* A broken symbol table costs the symbols, never the kernel. */
static void check_without_symbols(struct fake *f)
{
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;

	assert_int_equal(identify(f, &k), 0);
	check_found(f, &k);
	assert_int_equal(k.xen_start_info_pa, 0);
	assert_int_equal(k.image_end, 0x600000);
	assert_true(k.page_offset == f->page_offset);
	assert_string_equal(ctx.err, "");
}

static void test_bad_kallsyms(void **state)
{
	(void)state;
	for (int what = 0; what < 8; what++) {
		_cleanup_(fake_deinit) struct fake f;
		unsigned char *index;

		fake_defaults(&f);
		fake_build(&f);
		index = f.mem + f.token_index_pa;
		switch (what) {
		case 0: /* no symbols */
			xl_put_le32(f.mem + f.num_syms_pa, 0);
			break;
		case 1: /* more than there can be */
			xl_put_le32(f.mem + f.num_syms_pa, UINT32_MAX);
			break;
		case 2: /* many empty names */
			xl_put_le32(f.mem + f.num_syms_pa, 4 << 20);
			memset(f.mem + FAKE_KALLSYMS_PA, 0, FAKE_END_PA - FAKE_KALLSYMS_PA);
			break;
		case 3: /* names run out of memory */
			xl_put_le32(f.mem + f.num_syms_pa, 4 << 20);
			memset(f.mem + FAKE_KALLSYMS_PA, 0xff, f.names_size);
			break;
		case 4: /* tokens beyond all */
			for (size_t i = 0; i < 256; i++)
				xl_put_le16(index + 2 * i, 0xffff);
			break;
		case 5: /* one endless token */
			memset(f.mem + FAKE_TOKENS_PA, 'a', f.token_index_pa - FAKE_TOKENS_PA);
			break;
		case 6: /* the proof fails: _stext is elsewhere */
			xl_put_le64(f.mem + FAKE_VARIABLES_PA + 72, 0x1234);
			break;
		case 7: /* addresses that are not in memory */
			replace(&f, "SYMBOL(kallsyms_offsets)", "SYMBOL(kallsyms_offzets)");
			break;
		}
		check_without_symbols(&f);
	}
}

/* Symbols that point out of the image are not believed. */
static void test_wild_symbols(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;
	uint32_t n;

	(void)state;
	fake_defaults(&f);
	fake_build(&f);
	n = xl_get_le32(f.mem + f.num_syms_pa);
	for (uint32_t i = n - 3; i < n; i++) /* absolute */
		xl_put_le32(f.mem + 0x400000 + 4 * i, 0x1000 + i);
	assert_int_equal(identify(&f, &k), 0);
	check_found(&f, &k);
	assert_int_equal(k.xen_start_info_pa, 0);
	assert_true(k.page_offset == f.page_offset);
	assert_int_equal(k.image_end, 0x600000); /* not by _end */
}

/* A direct map that nothing confirms is unknown; tables may be loops. */
static void test_bad_tables(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;

	(void)state;
	fake_defaults(&f);
	fake_build(&f);
	memset(f.mem + FAKE_TABLES_PA, 0, 0x6000);
	assert_int_equal(identify(&f, &k), 0);
	assert_int_equal(k.page_offset, 0);
	xl_kernel_deinit(&k);

	for (size_t i = 0; i < 6 * 512; i++)
		xl_put_le64(f.mem + FAKE_TABLES_PA + 8 * i, FAKE_TABLES_PA | 0x63);
	xl_put_le64(f.mem + FAKE_PAGE_OFFSET_BASE_PA, 0x123456789);
	assert_int_equal(identify(&f, &k), 0);
	assert_true(k.page_offset == 0 || k.page_offset == 0xffff888000000000);
}

/* Whatever read fails from some point on, nothing breaks. */
static void test_reads_fail(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	int found = 0;

	(void)state;
	fake_defaults(&f);
	fake_build(&f);
	for (int n = 0; n < 400; n++) {
		_cleanup_(xl_kernel_deinit) struct xl_kernel k;
		int r;

		f.reads = n;
		r = identify(&f, &k);
		assert_true(r == 0 || r == -ENOENT);
		found += r == 0;
	}
	assert_true(found > 100 && found < 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_candidates),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_text_symbols_only),
		cmocka_unit_test(test_pv),
		cmocka_unit_test(test_old_kernel),
		cmocka_unit_test(test_start_info),
		cmocka_unit_test(test_no_phys_base),
		cmocka_unit_test(test_five_levels),
		cmocka_unit_test(test_other_texts),
		cmocka_unit_test(test_note_alone),
		cmocka_unit_test(test_no_candidate),
		cmocka_unit_test(test_bad_texts),
		cmocka_unit_test(test_bad_release),
		cmocka_unit_test(test_no_kallsyms),
		cmocka_unit_test(test_no_kernel_no_symbols),
		cmocka_unit_test(test_init_top_pgt),
		cmocka_unit_test(test_endless_text),
		cmocka_unit_test(test_bad_uts),
		cmocka_unit_test(test_torn_last_line),
		cmocka_unit_test(test_bad_kallsyms),
		cmocka_unit_test(test_wild_symbols),
		cmocka_unit_test(test_bad_tables),
		cmocka_unit_test(test_reads_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
