/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kexec leaves the old kernel in memory, whole: the one that is described must be the one that the
 * vCPUs run, and where that cannot be told both are named. */
#include "sim_test.h"

#include "guest/panic.h"
#include "two_kernels.h"

static struct xl_ctx ctx;

static int identify(struct two *t, struct xl_kernel *k)
{
	memset(&ctx, 0, sizeof(ctx));
	memset(k, 0, sizeof(*k));
	return xl_kernel_identify(&ctx, &t->cand, two_read, t, k);
}

static void assert_is(struct two *t, int which, bool unsure)
{
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;
	const struct fake *f = &t->k[which].f;

	assert_int_equal(identify(t, &k), 0);
	assert_string_equal(k.release, f->release);
	assert_int_equal(k.kaslr_offset, f->kaslr);
	assert_int_equal(k.phys_base, f->phys_base);
	assert_int_equal(k.image_start, f->base + FAKE_TEXT_PA);
	assert_int_equal(k.all.n, 2);
	assert_int_equal(k.all.chosen, which);
	assert_int_equal(k.all.unsure, unsure);
}

/* ---- what the vCPUs say ---- */

static void test_by_tables(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_init(&t);
	for (int which = OLD; which <= NEW; which++) {
		two_in_kernel(&t, 0, which);
		assert_is(&t, which, false);
		/* By the tables alone, and by five levels where these are four: nothing. */
		t.vcpu[0].rip = 0xffffffffc0001234;
		assert_is(&t, which, false);
		t.vcpu[0].cr4 = 0;
		assert_is(&t, which, false);
		t.vcpu[0].in_kernel = false;
		assert_is(&t, which, false);
		two_in_user(&t, 0, which);
		assert_is(&t, which, false);
		t.vcpu[0].lstar = t.vcpu[0].idt.base;
		t.vcpu[0].idt.base = 0;
		assert_is(&t, which, false);
	}
}

/* Both at the same virtual address. */
static void test_without_kaslr(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_twins(&t);
	for (int which = OLD; which <= NEW; which++) {
		two_in_kernel(&t, 0, which);
		assert_is(&t, which, false);
		two_in_user(&t, 0, which);
		assert_is(&t, which, false);
	}
	/* Addresses alone do not tell. */
	t.vcpu[0].cr3 = 0;
	assert_is(&t, OLD, true);
}

/* Those that a kexec has stopped are still in the old kernel. */
static void test_stopped(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_init(&t);
	for (size_t i = 0; i < 3; i++) {
		two_in_kernel(&t, i, OLD);
		t.vcpu[i].rflags = 2;
	}
	two_in_kernel(&t, 3, NEW);
	assert_is(&t, NEW, false);
	/* The living one may have them off for a moment, too. */
	t.vcpu[3].rflags = 2;
	assert_is(&t, OLD, true);
	/* One that is offline says nothing. */
	for (size_t i = 0; i < 3; i++)
		t.vcpu[i].online = false;
	assert_is(&t, NEW, false);
}

/* A PV guest's tables hold frames of the host. */
static void test_by_addresses(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_init(&t);
	t.vcpus.no_tables = true;
	for (int which = OLD; which <= NEW; which++) {
		two_in_kernel(&t, 0, which);
		assert_is(&t, which, false);
		t.vcpu[0].rip = 0x400000;
		t.vcpu[0].in_kernel = false;
		assert_is(&t, OLD, true);
		xl_put_le64(t.vcpu[0].context + 5128, fake_va(&t.k[which].f, FAKE_TEXT_PA) + 0x40);
		assert_is(&t, which, false);
	}
}

static void test_unknown(void **state)
{
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;
	_cleanup_(two_deinit) struct two t;
	char names[256];

	(void)state;
	two_init(&t);
	assert_is(&t, OLD, true);
	assert_int_equal(identify(&t, &k), 0);
	assert_string_equal(xl_kernels_names(&k.all, names, sizeof(names)),
			    "1: " TWO_OLD ", 2: " TWO_NEW);
	/* Paging off, no tables, tables that are not there. */
	two_in_kernel(&t, 0, NEW);
	t.vcpu[0].rip = 0x1000;
	t.vcpu[0].cr0 = 0x11;
	assert_is(&t, OLD, true);
	t.vcpu[0].cr0 = 0x80050033;
	t.vcpu[0].cr3 = 0;
	assert_is(&t, OLD, true);
	t.vcpu[0].cr3 = 0x100000000;
	assert_is(&t, OLD, true);
	/* A second copy of its text does not make a kernel the living one. */
	memset(t.k[NEW].f.mem + (FAKE_NOTE_PFN << XL_PAGE_SHIFT), 0, XL_PAGE_SIZE);
	two_look(&t);
	assert_is(&t, OLD, true);
	/* After a kdump the one that goes on has not crashed. */
	two_say(&t, OLD, "CRASHTIME=1700000000\n");
	assert_is(&t, NEW, false);
}

/* A kernel that says nothing of itself has taken the place of one that does. */
static void test_other(void **state)
{
	_cleanup_(xl_kernel_deinit) struct xl_kernel k;
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_init(&t);
	memset(t.k[NEW].f.mem + (FAKE_VMCOREINFO_PFN << XL_PAGE_SHIFT), 0, XL_PAGE_SIZE);
	memset(t.k[NEW].f.mem + (FAKE_NOTE_PFN << XL_PAGE_SHIFT), 0, XL_PAGE_SIZE);
	two_look(&t);
	two_in_kernel(&t, 0, NEW);
	assert_int_equal(identify(&t, &k), 0);
	assert_string_equal(k.release, TWO_OLD);
	assert_int_equal(k.all.n, 1);
	assert_true(k.all.unsure);
	xl_kernel_deinit(&k);
	/* In user mode it need not be mapped. */
	two_in_user(&t, 0, NEW);
	assert_int_equal(identify(&t, &k), 0);
	assert_false(k.all.unsure);
}

/* ---- what the user and the notes say ---- */

static void test_wish(void **state)
{
	static const char *const wrong[] = { "0", "3", "6.1", "", "1x", "99999999999999999999" };
	_cleanup_(two_deinit) struct two t;
	struct xl_kernel k;

	(void)state;
	two_init(&t);
	two_in_kernel(&t, 0, NEW);
	t.cand.wish = "1";
	assert_is(&t, OLD, false);
	t.cand.wish = TWO_OLD;
	assert_is(&t, OLD, false);
	t.cand.wish = "2";
	assert_is(&t, NEW, false);
	t.cand.wish = TWO_NEW;
	assert_is(&t, NEW, false);
	for (size_t i = 0; i < XL_ARRAY_SIZE(wrong); i++) {
		t.cand.wish = wrong[i];
		assert_int_equal(identify(&t, &k), -ENXIO);
		assert_int_equal(ctx.cause, XLDUMP_CAUSE_USAGE);
		assert_non_null(strstr(ctx.err, "1: " TWO_OLD ", 2: " TWO_NEW " (runs)"));
	}
}

/* The same release once more: only a number tells. */
static void test_wish_of_twins(void **state)
{
	_cleanup_(two_deinit) struct two t;
	struct xl_kernel k;

	(void)state;
	two_twins(&t);
	t.cand.wish = TWO_OLD;
	assert_int_equal(identify(&t, &k), -ENXIO);
	assert_non_null(strstr(ctx.err, "several"));
	t.cand.wish = "2";
	assert_is(&t, NEW, false);
}

static void test_noted(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_init(&t);
	/* Nothing else tells. */
	t.cand.noted = t.k[NEW].f.text;
	assert_is(&t, NEW, false);
	t.cand.noted = t.k[OLD].f.text;
	assert_is(&t, OLD, false);
	/* It is known to be wrong. */
	two_in_kernel(&t, 0, NEW);
	assert_is(&t, NEW, false);
	/* One that has crashed is what a file under a kdump kernel is about. */
	two_say(&t, OLD, "CRASHTIME=1700000000\n");
	t.cand.noted = t.k[OLD].f.text;
	assert_is(&t, OLD, false);
	/* A text that is in memory no more. */
	t.cand.noted = "OSRELEASE=1\n";
	assert_is(&t, NEW, false);
}

/* ---- dumps ---- */

#define LEFT_OUT 0x30 /* pages that are free by what the new kernel says, from this on */
#define LEFT_OUT_ORDER 4

static struct sim *guest(struct two *t, int runs)
{
	static const uint8_t zeros[XL_PAGE_SIZE];
	const struct sim_params p = { .seed = 4, .type = XLDUMP_GUEST_HVM, .pages = TWO_PAGES + 200,
				      .compact = true };
	struct sim *s = new_sim(&p);

	for (xl_pfn_t pfn = 0; pfn < TWO_PAGES; pfn++) {
		const unsigned char *page = two_page(t, pfn);

		if (memcmp(page, zeros, sizeof(zeros)) == 0)
			continue;
		assert_true(s->p2m[pfn]);
		memcpy(sim_page(s, s->p2m[pfn]), page, XL_PAGE_SIZE);
	}
	s->kernel_cr3 = runs < 0 ? 0 : two_cr3(t, runs);
	return s;
}

static const char *scratch_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir ? dir : "/tmp";
}

static const enum xldump_strategy strategies[] = {
	XLDUMP_STRATEGY_PRECOPY, XLDUMP_STRATEGY_RESCAN, XLDUMP_STRATEGY_STOP
};

/* As `guest', but the first looks meet a process that ends: its page tables are zeros by then. */
#define ENDED_PFN (TWO_PAGES + 7)

static struct sim *guest_with_ends(struct two *t, int runs, unsigned looks)
{
	struct sim *s = guest(t, runs);

	assert_true(s->p2m[ENDED_PFN]);
	memset(sim_page(s, s->p2m[ENDED_PFN]), 0, XL_PAGE_SIZE);
	s->stale_cr3 = (uint64_t)ENDED_PFN << XL_PAGE_SHIFT;
	s->stale_looks = looks;
	return s;
}

static void dump(struct two *t, int runs, unsigned level, enum xldump_strategy strategy,
		 struct sim_dump *d)
{
	const struct xl_capture_params cp = { .strategy = strategy, .max_rounds = 3,
					      .dump_level = level, .scratch = scratch_dir() };
	_cleanup_(sim_destroyp) struct sim *s = guest(t, runs);

	assert_int_equal(judge(s, &cp, d), 0);
	if (d->r < 0)
		fail_msg("%s", d->x.err);
}

static void test_dump(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_init(&t);
	for (int runs = OLD; runs <= NEW; runs++) {
		for (size_t i = 0; i < XL_ARRAY_SIZE(strategies); i++) {
			struct sim_dump d;

			dump(&t, runs, 0, strategies[i], &d);
			assert_int_equal(d.warnings, 0);
			assert_string_equal(d.cut.kernel.release, runs == NEW ? TWO_NEW : TWO_OLD);
			assert_int_equal(d.cut.kernel.all.n, 2);
			sim_dump_deinit(&d);
		}
	}
}

/* Registers and page tables are not of one instant while the guest runs. */
static void test_process_that_ends(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_init(&t);
	for (size_t i = 0; i < 2; i++) {
		const struct xl_capture_params cp = { .strategy = strategies[i], .max_rounds = 3 };
		_cleanup_(sim_destroyp) struct sim *s = guest_with_ends(&t, NEW, 2);
		struct sim_dump d;

		assert_int_equal(judge(s, &cp, &d), 0);
		assert_int_equal(d.r, 0);
		assert_int_equal(d.warnings, 0);
		assert_string_equal(d.cut.kernel.release, TWO_NEW);
		sim_dump_deinit(&d);
	}
}

/* Pages are left out by what the living kernel says, though the dead one is found first. */
static void test_left_out(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_init(&t);
	fake_mm_free(&t.k[NEW], LEFT_OUT, LEFT_OUT_ORDER);
	for (size_t i = 0; i < XL_ARRAY_SIZE(strategies); i++) {
		struct sim_dump d;

		dump(&t, NEW, XLDUMP_LEVEL_FREE, strategies[i], &d);
		assert_string_equal(d.cut.kernel.release, TWO_NEW);
		assert_int_equal(d.warnings, 0);
		assert_int_equal(xl_bitmap_count(&d.cut.excluded), 1 << LEFT_OUT_ORDER);
		assert_true(xl_bitmap_test(&d.cut.excluded, LEFT_OUT));
		sim_dump_deinit(&d);
	}
}

/* Nobody knows which kernel's struct pages to believe: nothing is left out, and nothing is lost. */
static void test_not_left_out(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_init(&t);
	fake_mm_free(&t.k[NEW], LEFT_OUT, LEFT_OUT_ORDER);
	for (size_t i = 0; i < XL_ARRAY_SIZE(strategies); i++) {
		struct sim_dump d;

		dump(&t, -1, XLDUMP_LEVEL_FREE, strategies[i], &d);
		assert_int_equal(d.warnings, 1);
		assert_true(d.cut.kernel.all.unsure);
		assert_int_equal(d.cut.excluded.nbits, 0);
		assert_int_equal(d.cut.dump_level, 0);
		sim_dump_deinit(&d);
	}
}

/* ---- the mark of a panic ---- */

static int learn(struct sim *s, struct xldump_panic_mark *mark)
{
	_cleanup_(xl_physmap_deinit) struct xl_physmap map = { 0 };
	struct xl_domain dom;

	memset(&ctx, 0, sizeof(ctx));
	assert_int_equal(s->hv.ops->domain_info(&s->hv, SIM_DOMID, &dom), 0);
	assert_int_equal(xl_physmap_build(&ctx, &s->hv, &dom, s->nr_frames, &map), 0);
	return xl_panic_learn(&ctx, &s->hv, SIM_DOMID, &map, mark);
}

static void test_panic_mark(void **state)
{
	_cleanup_(two_deinit) struct two t;

	(void)state;
	two_twins(&t);
	for (int runs = OLD; runs <= NEW; runs++) {
		_cleanup_(sim_destroyp) struct sim *s = guest(&t, runs);
		struct xldump_panic_mark mark;

		assert_int_equal(learn(s, &mark), 0);
		assert_int_equal(mark.panic_paddr, t.k[runs].f.base + FAKE_PANIC_CPU_PA);
		s->kernel_cr3 = 0;
		assert_int_equal(learn(s, &mark), -ENOENT);
		assert_non_null(strstr(ctx.err, "cannot be told"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_tables),
		cmocka_unit_test(test_without_kaslr),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_by_addresses),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_wish),
		cmocka_unit_test(test_wish_of_twins),
		cmocka_unit_test(test_noted),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_process_that_ends),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_not_left_out),
		cmocka_unit_test(test_panic_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
