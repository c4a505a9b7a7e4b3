/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The judges are judged: each of them must accept a right dump and refuse a wrong one.  They are
 * run as programs, from the directory in which this test is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../lab/guest/stamp.h"
#include "fake_core.h"

static char here[1024], dir[] = "/tmp/test_readers.XXXXXX";
static char output[65536];

static const char *path(const char *name)
{
	static char buf[4][1100];
	static unsigned i;
	char *p = buf[i++ % 4];

	(void)snprintf(p, sizeof(buf[0]), "%s/%s", dir, name);
	return p;
}

/* Exit status of a reader; what it said is in output. */
static int run(const char *program, const char *args)
{
	char cmd[4096];
	FILE *f;
	size_t n;
	int r;

	(void)snprintf(cmd, sizeof(cmd), "%s/%s %s 2>&1", here, program, args);
	f = popen(cmd, "r");
	assert_non_null(f);
	n = fread(output, 1, sizeof(output) - 1, f);
	output[n] = '\0';
	r = pclose(f);
	assert_true(WIFEXITED(r));
	return WEXITSTATUS(r);
}

static void assert_run(const char *program, const char *args, int status, const char *says)
{
	int r = run(program, args);

	if (r != status || !strstr(output, says))
		fail_msg("%s: status %d, wanted %d and \"%s\":\n%s", program, r, status, says,
			 output);
}

/* ---- stamp-check ---- */

#define RING 8

static uint64_t window(uint64_t c, uint64_t k)
{
	uint64_t v = 0;

	for (uint64_t i = 1; i <= c; i++)
		if (i % RING == k)
			v = i;
	return v;
}

static void put_stamp(struct fake_core *f, size_t pfn, uint64_t instance, uint64_t k,
		      uint64_t counter)
{
	unsigned char *p = f->page[pfn];

	fake_core_put64(p, STAMP_MAGIC);
	fake_core_put64(p + 8, instance);
	fake_core_put64(p + 16, RING);
	fake_core_put64(p + 24, k);
	fake_core_put64(p + 32, counter);
	for (size_t at = 40; at < FAKE_PAGE; at += 8)
		fake_core_put64(p + at, STAMP_MAGIC ^ instance ^ k);
}

static void put_ring(struct fake_core *f, size_t pfn, uint64_t instance, uint64_t c)
{
	for (uint64_t k = 0; k < RING; k++)
		put_stamp(f, pfn + k, instance, (k * 3) % RING, window(c, (k * 3) % RING));
}

static struct fake_core core;

static void stamps(int status, const char *says)
{
	fake_core_write(&core, FAKE_LOADS, path("stamp"));
	assert_run("stamp-check", path("stamp"), status, says);
	fake_core_write(&core, FAKE_SECTIONS, path("stamp"));
	assert_run("stamp-check", path("stamp"), status, says);
}

static void test_stamp_consistent(void **state)
{
	static const struct {
		uint64_t counter;
		const char *says;
	} table[] = {
		{ 1000, "consistent: 8 pages of instance 0000000000000007, counters 993..1000" },
		{ 8, "counters 1..8" },
		{ 7, "counters 0..7" },
		{ 3, "counters 0..3" },
		{ 0, "counters 0..0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		memset(&core, 0, sizeof(core));
		core.hole[3] = true;
		put_ring(&core, 20, 7, table[i].counter);
		stamps(0, table[i].says);
	}
}

/* Every page that is older or newer than the others is found, at every place of the ring.  The
 * newest one a lap earlier, or the oldest one a lap later, is the ring one step earlier or later. */
static void test_stamp_torn(void **state)
{
	(void)state;
	for (size_t i = 0; i < RING; i++) {
		for (int by = -2; by <= 2; by++) {
			uint64_t k = (i * 3) % RING, c = window(1000, k);
			bool fine = by == 0 || (by == -1 && c == 1000) || (by == 1 && c == 993);

			memset(&core, 0, sizeof(core));
			put_ring(&core, 20, 7, 1000);
			put_stamp(&core, 20 + i, 7, k, (uint64_t)((int64_t)c + by * RING));
			stamps(!fine, fine ? "consistent" : "TORN: counters span");
		}
	}
	/* The window is narrow enough, but a counter is in a place that is not its own. */
	memset(&core, 0, sizeof(core));
	put_ring(&core, 20, 7, 1000);
	put_stamp(&core, 20, 7, 0, 999);
	stamps(1, "page index 0 (pfn 0x14) has 999, expected 992; 1 of 8 pages are off");
	/* One page from before the first lap. */
	put_ring(&core, 20, 7, 5);
	put_stamp(&core, 21, 7, 3, 0);
	stamps(1, "has 0, expected 3");
}

static void test_stamp_damage(void **state)
{
	(void)state;
	memset(&core, 0, sizeof(core));
	put_ring(&core, 20, 7, 1000);
	memset(core.page[22] + 2048, 0, 2048);
	stamps(1, "TORN: page index 6 (pfn 0x16) has 256 wrong words");
	memset(core.page[22], 0, FAKE_PAGE);
	stamps(1, "TORN: 7 of 8 pages");
	memset(&core, 0, sizeof(core));
	stamps(2, "no stamps");
	assert_run("stamp-check", path("nothing"), 2, "No such file");
	assert_run("stamp-check", "/dev/null", 2, "too short");
	assert_run("stamp-check", "", 2, "usage");
}

/* Frames that the kernel moved a page out of, rings of dead processes. */
static void test_stamp_copies(void **state)
{
	(void)state;
	memset(&core, 0, sizeof(core));
	put_ring(&core, 20, 7, 1000);
	put_stamp(&core, 40, 7, 3, 3);
	put_stamp(&core, 2, 7, 4, window(1000, 4));
	stamps(0, "counters 993..1000, 2 old copies passed over");

	/* A ring that ended complete, and one of which little is left. */
	put_ring(&core, 48, 9, 77);
	stamps(0, "instance 0000000000000009, counters 70..77");
	memset(core.page[50], 0, FAKE_PAGE);
	stamps(0, "instance 0000000000000007");
	assert_null(strstr(output, "0000000000000009"));

	/* Copies do not hide a tear: the frame in use is newer than all of them. */
	put_stamp(&core, 24, 7, 4, window(1000, 4) - RING);
	put_stamp(&core, 2, 7, 4, 4);
	stamps(1, "TORN");
}

/* ---- core-compare and pte-check: a small PV guest ---- */

#define NOWHERE 0x777000ULL

/* Page tables 10 (L4) to 13 (L1); 30 is xen_start_info's page, 5 is a hole. */
static void make_guest(struct fake_core *f, bool canonical)
{
	static const uint64_t next[] = { 11, 12, 13, 20 };

	memset(f, 0, sizeof(*f));
	f->pv = true;
	f->hole[5] = true;
	for (size_t i = 0; i < FAKE_PAGES; i++) {
		f->mfn[i] = 0x1000 + (i * 37) % FAKE_PAGES;
		memset(f->page[i], (int)i, FAKE_PAGE);
	}
	for (size_t i = 0; i < 4; i++) {
		uint64_t frame = canonical ? next[i] : f->mfn[next[i]];

		memset(f->page[10 + i], 0, FAKE_PAGE);
		fake_core_put64(f->page[10 + i] + 511 * 8, frame * FAKE_PAGE | 0x67);
		fake_core_put64(f->page[10 + i], 0x1230); /* swapped out: not present */
		f->table[i].pfn = 10 + i;
		f->table[i].level = 4 - i;
	}
	f->tables = 4;
	/* A mapping of the host's, Xen's slot, and the variable that says PV. */
	f->edit[0].paddr = 10 * FAKE_PAGE + 256 * 8;
	f->edit[1].paddr = 13 * FAKE_PAGE + 8;
	f->edit[2].paddr = 30 * FAKE_PAGE + 16;
	for (size_t i = 0; i < 3; i++) {
		f->edit[i].old = NOWHERE | 0x63;
		fake_core_put64(f->page[f->edit[i].paddr / FAKE_PAGE] +
				f->edit[i].paddr % FAKE_PAGE, canonical ? 0 : f->edit[i].old);
	}
	f->edits = 3;
	f->cr3 = (canonical ? 10 : f->mfn[10]) * FAKE_PAGE;
}

static void compare(int status, const char *says, const char *options)
{
	static struct fake_core raw;
	char args[4096];

	make_guest(&raw, false);
	fake_core_write(&core, FAKE_HYBRID, path("ours"));
	fake_core_write(&raw, FAKE_XL_PV, path("theirs"));
	(void)snprintf(args, sizeof(args), "%s %s %s", options, path("ours"), path("theirs"));
	assert_run("core-compare", args, status, says);
}

static void test_compare(void **state)
{
	(void)state;
	make_guest(&core, true);
	compare(0, "63 pages equal, 0 differ, 0 only in ours, 0 more", "");

	core.page[44][100] ^= 1;
	compare(1, "pfn 0x2c: 1 words differ, first at 0x60", "");
	compare(0, "62 pages equal", "--ignore-pfn 0x2c");

	make_guest(&core, true);
	core.hole[44] = true;
	compare(1, "pfn 0x2c: only in theirs", "");
	make_guest(&core, true);
	core.hole[5] = false;
	compare(1, "pfn 0x5: only in ours", "");
	make_guest(&core, true);
	core.mfn[20]++;
	compare(1, "our p2m says", "");
	make_guest(&core, true);
	core.tables = 3; /* one was rewritten and not told */
	compare(1, "pfn 0xd: 1 words differ, first at 0xff8", "");
	make_guest(&core, true);
	core.edits = 2;
	compare(1, "pfn 0x1e: 1 words differ, first at 0x10", "");
	make_guest(&core, true);
	fake_core_put64(core.page[13] + 16, 0x999067);
	compare(1, "leads to no frame of .xldump_p2m", "");

	assert_run("core-compare", path("ours"), 2, "usage");
	assert_run("core-compare", "/dev/null /dev/null", 2, "too short");
}

static void ptes(int status, const char *says)
{
	fake_core_write(&core, FAKE_HYBRID, path("ours"));
	assert_run("pte-check", path("ours"), status, says);
}

static void test_ptes(void **state)
{
	(void)state;
	make_guest(&core, true);
	ptes(0, "4 tables, 4 present entries, 1 of them leaves, 0 lead to device memory, 0 faults");
	fake_core_put64(core.page[13] + 16, 5 * FAKE_PAGE | 0x67);
	ptes(1, "pfn 0xd, level 1, entry 2: 0000000000005067 leads to pfn 0x5");

	/* One that was never rewritten: off the list, and with the host's frames. */
	make_guest(&core, true);
	core.tables = 3;
	ptes(1, "pfn 0xd: a table of level 1 that is not listed");
	make_guest(&core, false);
	ptes(1, "faults");

	/* With virtual hardware a leaf may lead to a device, a table may not. */
	make_guest(&core, true);
	core.pv = false;
	fake_core_put64(core.page[13] + 16, 0xfee00067);
	ptes(0, "1 lead to device memory, 0 faults");
	fake_core_put64(core.page[12] + 16, 0xfee00067);
	ptes(1, "1 faults");
	fake_core_put64(core.page[12] + 16, 0xfee000e7);
	ptes(0, "2 lead to device memory, 0 faults");

	/* Raw: found by the p2m; what leads out of the guest is only counted, a table off the list not. */
	make_guest(&core, false);
	fake_core_write(&core, FAKE_RAW, path("ours"));
	assert_run("pte-check", path("ours"), 0, "4 tables, 5 present entries, 2 of them leaves, 1 lead");
	core.tables = 3;
	fake_core_write(&core, FAKE_RAW, path("ours"));
	assert_run("pte-check", path("ours"), 1, "pfn 0xd: a table of level 1 that is not listed");
	core.cr3 = 0x5000;
	fake_core_write(&core, FAKE_RAW, path("ours"));
	assert_run("pte-check", path("ours"), 1, "leads to no page");
	make_guest(&core, false);
	fake_core_write(&core, FAKE_XL_PV, path("ours"));
	assert_run("pte-check", path("ours"), 0, "4 tables, 5 present entries");

	/* Five levels: page 14 on top; and what is no top page table of five levels is none. */
	make_guest(&core, true);
	core.pv = false;
	core.la57 = true;
	memset(core.page[14], 0, FAKE_PAGE);
	fake_core_put64(core.page[14] + 511 * 8, 10 * FAKE_PAGE | 0x67);
	core.cr3 = 14 * FAKE_PAGE;
	ptes(0, "5 tables, 5 present entries, 1 of them leaves");
	fake_core_put64(core.page[14] + 16, 5 * FAKE_PAGE | 0x67);
	ptes(1, "pfn 0xe, level 5, entry 2");
	core.la57 = false;
	ptes(1, "pfn 0xe, level 4, entry 2");

	core.cr3 = 0;
	ptes(2, "0 tables");
	core.cr3 = 0x5000;
	ptes(1, "leads to no page");
}

/* A guest of 32 bits: page 11 is the root, and page 10 nothing; the root's frame has a number of more than
 * 20 bits. */
static void make_narrow(bool canonical)
{
	make_guest(&core, canonical);
	core.narrow = true;
	memset(core.page[10], 10, FAKE_PAGE);
	for (size_t i = 0; i < 3; i++) {
		core.table[i].pfn = 11 + i;
		core.table[i].level = 3 - i;
	}
	core.tables = 3;
	core.edits = 0;
	core.mfn[11] = 0x123456;
	core.cr3 = (canonical ? 11 : core.mfn[11]) * FAKE_PAGE;
}

static void narrow_ptes(enum fake_kind kind, int status, const char *says)
{
	fake_core_write(&core, kind, path("ours"));
	assert_run("pte-check", path("ours"), status, says);
}

static void test_narrow_ptes(void **state)
{
	(void)state;
	make_narrow(true);
	narrow_ptes(FAKE_SECTIONS, 0, "3 tables, 3 present entries, 1 of them leaves");
	/* A frame of the host that was left in. */
	fake_core_put64(core.page[13] + 16, 0x777067);
	narrow_ptes(FAKE_SECTIONS, 1, "pfn 0xd, level 1, entry 2: 0000000000777067 leads to pfn 0x777");
	make_narrow(true);
	core.tables = 2;
	narrow_ptes(FAKE_SECTIONS, 1, "pfn 0xd: a table of level 1 that is not listed");
	make_narrow(true);
	core.cr3 = 5 * FAKE_PAGE;
	narrow_ptes(FAKE_SECTIONS, 1, "leads to no page");

	make_narrow(false);
	narrow_ptes(FAKE_RAW, 0, "3 tables, 4 present entries, 2 of them leaves, 1 lead");
	narrow_ptes(FAKE_XL_PV, 0, "3 tables, 4 present entries");
	core.cr3 &= ~(1ULL << 32); /* a bit of it that is at the other end of the register */
	narrow_ptes(FAKE_RAW, 1, "leads to no page");
}

/* ---- format-check ---- */

/* 2 MiB and up is mapped where the text of put_kdump_notes() has _stext: physical 0 here. */
static void make_native(struct fake_core *f)
{
	static const struct {
		size_t table, index;
		uint64_t entry;
	} entries[] = {
		{ 10, 511, 11 * FAKE_PAGE | 0x63 },
		{ 11, 510, 12 * FAKE_PAGE | 0x63 },
		{ 12, 8, 0xe3 },
	};

	memset(f, 0, sizeof(*f));
	f->hole[5] = f->hole[6] = true;
	for (size_t i = 0; i < 3; i++)
		fake_core_put64(f->page[entries[i].table] + 8 * entries[i].index,
				entries[i].entry);
	f->cr3 = 10 * FAKE_PAGE;
}

/* A file cut off anywhere is refused or judged, and nothing crashes. */
static void test_cut_off(void **state)
{
	static const char *const programs[] = { "stamp-check", "pte-check", "format-check" };

	(void)state;
	make_native(&core);
	for (long size = 0; size < 300000; size = size * 3 / 2 + 37) {
		fake_core_write(&core, FAKE_HYBRID, path("ours"));
		assert_int_equal(truncate(path("ours"), size), 0);
		for (size_t i = 0; i < 3; i++)
			assert_true(run(programs[i], path("ours")) <= 2);
	}
}

static int setup(void **state)
{
	ssize_t n = readlink("/proc/self/exe", here, sizeof(here) - 1);

	(void)state;
	if (n < 0 || !mkdtemp(dir))
		return -1;
	here[n] = '\0';
	*strrchr(here, '/') = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path("stamp"));
	(void)unlink(path("ours"));
	(void)unlink(path("theirs"));
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stamp_consistent),
		cmocka_unit_test(test_stamp_torn),
		cmocka_unit_test(test_stamp_damage),
		cmocka_unit_test(test_stamp_copies),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_ptes),
		cmocka_unit_test(test_narrow_ptes),
		cmocka_unit_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
