/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps of simulated guests with a Linux kernel in them: the one variable of a PV guest that is
 * patched is patched although nobody writes to its page, and the rest is as it was. */
#include "sim_test.h"

#include <unistd.h>

#include "fake_kernel.h"
#include "guest/panic.h"
#include "guest/symbols.h"

#define START_INFO 0xffffffff8badcafeULL

/* The kernel must be where it says, so that there are no holes. */
static void install(struct sim *s, const struct fake *f)
{
	for (xl_pfn_t pfn = 0; pfn < FAKE_MEMORY >> XL_PAGE_SHIFT; pfn++) {
		if (!s->p2m[pfn])
			sim_pv_set_p2m(s, pfn, sim_alloc(s, SIM_GUEST, pfn));
		assert_true(s->p2m[pfn] != 0);
		if (pfn >= FAKE_TEXT_PA >> XL_PAGE_SHIFT)
			sim_write_unlogged(s, pfn, 0, f->mem + (pfn << XL_PAGE_SHIFT), XL_PAGE_SIZE);
	}
}

static void dump(const struct xl_capture_params *cp, bool no_shadow)
{
	struct sim_params p = { .seed = 5, .type = XLDUMP_GUEST_PV, .pages = 3100,
				.programs = SIM_RUN(SIM_STAMPER), .no_shadow = no_shadow };
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	_cleanup_(fake_deinit) struct fake f;
	const uint8_t *page;
	struct sim_dump d;

	fake_defaults(&f);
	fake_build(&f);
	xl_put_le64(f.mem + FAKE_XEN_START_INFO_PA, START_INFO);
	install(s, &f);
	assert_int_equal(judge(s, cp, &d), 0);
	assert_int_equal(d.r, 0);
	assert_int_equal(d.warnings, no_shadow && cp->strategy == XLDUMP_STRATEGY_AUTO);
	assert_int_equal(d.cut.kernel.xen_start_info_pa, FAKE_XEN_START_INFO_PA);
	page = sim_dump_page(&d, FAKE_XEN_START_INFO_PA >> XL_PAGE_SHIFT);
	assert_non_null(page);
	assert_int_equal(xl_get_le64(page + (FAKE_XEN_START_INFO_PA & XL_PAGE_MASK)), 0);
	/* The first of all edits. */
	assert_true(d.cut.edits.n > 0);
	assert_true(d.cut.edits.edit[0].paddr == FAKE_XEN_START_INFO_PA);
	assert_true(d.cut.edits.edit[0].old == START_INFO);
	sim_dump_deinit(&d);
}

static void test_precopy(void **state)
{
	const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_AUTO, .max_rounds = 8 };

	(void)state;
	dump(&cp, false);
}

static void test_rescan(void **state)
{
	const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_AUTO };

	(void)state;
	dump(&cp, true);
}

static void test_stop(void **state)
{
	const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_STOP };

	(void)state;
	dump(&cp, false);
}

/* ---- other guests, and kernels that are not all there ---- */

static const enum xldump_strategy running[] = {
	XLDUMP_STRATEGY_PRECOPY, XLDUMP_STRATEGY_RESCAN, XLDUMP_STRATEGY_STOP
};

/* The pages of a kernel into a guest that has not written there yet. */
static void load(struct sim *s, struct fake *f)
{
	static const uint8_t zeros[XL_PAGE_SIZE];

	for (xl_pfn_t pfn = 0; pfn < FAKE_MEMORY >> XL_PAGE_SHIFT; pfn++) {
		const unsigned char *page = f->mem + (pfn << XL_PAGE_SHIFT);

		if (memcmp(page, zeros, sizeof(zeros)) == 0)
			continue;
		if (s->dom.pv && !s->p2m[pfn])
			sim_pv_set_p2m(s, pfn, sim_alloc(s, SIM_GUEST, pfn));
		assert_true(s->p2m[pfn]);
		assert_int_equal(s->frame[s->p2m[pfn]].type, XL_PAGE_NOTAB);
		memcpy(sim_page(s, s->p2m[pfn]), page, XL_PAGE_SIZE);
	}
}

static void kernel_of(enum xldump_guest_type type, bool symbols, struct fake *f)
{
	fake_defaults(f);
	f->only_text_symbols = !symbols;
	if (type == XLDUMP_GUEST_PV) {
		f->pv = true;
		f->kaslr = 0;
		f->phys_base = FAKE_TEXT_PA - 0x1000000;
		f->page_offset = 0xffff888000000000;
		xl_put_le64(f->mem + FAKE_XEN_START_INFO_PA, 0xffff888003e00000);
	}
	fake_build(f);
}

static const struct xl_symbols *named; /* by the user; none but in test_symbols() */

static struct sim *guest_with(struct fake *f, enum xldump_guest_type type)
{
	const struct sim_params p = { .seed = 4, .type = type, .pages = 2300, .compact = true,
				      .symbols = named };
	struct sim *s = new_sim(&p);

	load(s, f);
	return s;
}

static void test_auto_translated(void **state)
{
	(void)state;
	for (int type = XLDUMP_GUEST_PVH; type <= XLDUMP_GUEST_HVM; type++) {
		_cleanup_(fake_deinit) struct fake f;

		kernel_of((enum xldump_guest_type)type, true, &f);
		for (size_t i = 0; i < XL_ARRAY_SIZE(running); i++) {
			const struct xl_capture_params cp = { .strategy = running[i],
							      .max_rounds = 3 };
			_cleanup_(sim_destroyp) struct sim *s =
				guest_with(&f, (enum xldump_guest_type)type);
			struct sim_dump d;

			assert_int_equal(judge(s, &cp, &d), 0);
			assert_int_equal(d.r, 0);
			assert_int_equal(d.warnings, 0);
			assert_string_equal(d.cut.kernel.release, f.release);
			assert_int_equal(d.cut.edits.n, 0);
			sim_dump_deinit(&d);
		}
	}
}

/* ---- whether it has panicked ---- */

static int learn(struct sim *s, struct xldump_panic_mark *mark)
{
	_cleanup_(xl_physmap_deinit) struct xl_physmap map = { 0 };
	struct xl_ctx x = { 0 };
	struct xl_domain dom;

	assert_int_equal(s->hv.ops->domain_info(&s->hv, SIM_DOMID, &dom), 0);
	assert_int_equal(xl_physmap_build(&x, &s->hv, &dom, s->nr_frames, &map), 0);
	return xl_panic_learn(&x, &s->hv, SIM_DOMID, &map, mark);
}

/* -1: an error; else what is said. */
static int look(struct sim *s, const struct xldump_panic_mark *mark)
{
	struct xl_ctx x = { 0 };
	bool panicked;
	int r = xl_panic_look(&x, &s->hv, SIM_DOMID, mark, &panicked);

	assert_true(r == 0 || r == -ESTALE);
	return r < 0 ? -1 : panicked;
}

static uint8_t *guest_mem(struct sim *s, uint64_t pa)
{
	return sim_page(s, s->p2m[pa >> XL_PAGE_SHIFT]) + (pa & XL_PAGE_MASK);
}

static void test_panic(void **state)
{
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(sim_destroyp) struct sim *s = NULL;
	struct xldump_panic_mark mark;

	(void)state;
	kernel_of(XLDUMP_GUEST_HVM, true, &f);
	s = guest_with(&f, XLDUMP_GUEST_HVM);
	assert_int_equal(learn(s, &mark), 0);
	assert_int_equal(mark.panic_paddr, FAKE_PANIC_CPU_PA);
	assert_int_equal(mark.info_paddr, (uint64_t)FAKE_VMCOREINFO_PFN << XL_PAGE_SHIFT);
	assert_int_equal(look(s, &mark), 0);
	for (uint32_t cpu = 0; cpu < 8192; cpu += 4095) {
		xl_put_le32(guest_mem(s, FAKE_PANIC_CPU_PA), cpu);
		assert_int_equal(look(s, &mark), 1);
	}
	/* What no kernel writes there, or another kernel. */
	xl_put_le32(guest_mem(s, FAKE_PANIC_CPU_PA), 8192);
	assert_int_equal(look(s, &mark), -1);
	xl_put_le32(guest_mem(s, FAKE_PANIC_CPU_PA), 0);
	guest_mem(s, mark.info_paddr)[100] ^= 1;
	assert_int_equal(look(s, &mark), -1);
	guest_mem(s, mark.info_paddr)[100] ^= 1;
	assert_int_equal(look(s, &mark), 1);
	/* It cannot be learned any more. */
	assert_int_equal(learn(s, &mark), -ENOENT);
	assert_int_equal(s->pauses_ours, 0);
}

static void test_panic_unknown(void **state)
{
	struct xldump_panic_mark mark;

	(void)state;
	for (int i = 0; i < 3; i++) {
		enum xldump_guest_type type = i == 0 ? XLDUMP_GUEST_PV : XLDUMP_GUEST_HVM;
		_cleanup_(fake_deinit) struct fake f;
		_cleanup_(sim_destroyp) struct sim *s = NULL;

		kernel_of(type, i != 1, &f);
		s = guest_with(&f, type);
		if (i == 2)
			guest_mem(s, (uint64_t)FAKE_VMCOREINFO_PFN << XL_PAGE_SHIFT)[0] = 'X';
		assert_int_equal(learn(s, &mark), i == 0 ? -EOPNOTSUPP : -ENOENT);
	}
}

static void test_no_variable(void **state)
{
	const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_PRECOPY };
	_cleanup_(fake_deinit) struct fake f;
	_cleanup_(sim_destroyp) struct sim *s = NULL;
	struct sim_dump d;

	(void)state;
	kernel_of(XLDUMP_GUEST_PV, false, &f);
	s = guest_with(&f, XLDUMP_GUEST_PV);
	assert_int_equal(judge(s, &cp, &d), 0);
	assert_int_equal(d.r, 0);
	assert_int_equal(d.warnings, 1);
	assert_string_equal(d.cut.kernel.release, f.release);
	sim_dump_deinit(&d);
}

/* The variable is where the user's file says; a file of another kernel fails the dump. */
static void test_symbols(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * XL_ARRAY_SIZE(running); i++) {
		const struct xl_capture_params cp = { .strategy = running[i / 2], .max_rounds = 3 };
		bool right = i % 2 == 0;
		_cleanup_(fake_deinit) struct fake f;
		_cleanup_(sim_destroyp) struct sim *s = NULL;
		char path[] = "/tmp/test_capture_kernel.XXXXXX";
		struct xl_symbols *symbols = NULL;
		struct xl_ctx x = { 0 };
		struct sim_dump d;
		int fd = mkstemp(path);

		kernel_of(XLDUMP_GUEST_PV, false, &f);
		(void)dprintf(fd, "%016" PRIx64 " T _stext\n%016" PRIx64 " D xen_start_info\n",
			      fake_va(&f, FAKE_TEXT_PA) + !right,
			      fake_va(&f, FAKE_XEN_START_INFO_PA));
		(void)close(fd);
		assert_int_equal(xl_symbols_open(&x, path, &symbols), 0);
		(void)unlink(path);
		named = symbols;
		s = guest_with(&f, XLDUMP_GUEST_PV);
		named = NULL;
		assert_int_equal(judge(s, &cp, &d), 0);
		assert_int_equal(d.r, right ? 0 : -ENOEXEC);
		assert_int_equal(d.x.cause, right ? XLDUMP_CAUSE_NONE : XLDUMP_CAUSE_USAGE);
		assert_int_equal(d.warnings, 0);
		assert_int_equal(d.cut.kernel.xen_start_info_pa, right ? FAKE_XEN_START_INFO_PA : 0);
		if (!right)
			assert_non_null(strstr(d.x.err, "is of another kernel"));
		sim_dump_deinit(&d);
		xl_symbols_close(symbols);
	}
}

/* A page table of the kernel's leads to a page that there is not. */
static void test_holes(void **state)
{
	const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_STOP };

	(void)state;
	for (xl_pfn_t pfn = 0x210; pfn <= 0x500; pfn += 0x30) {
		_cleanup_(fake_deinit) struct fake f;
		_cleanup_(sim_destroyp) struct sim *s = NULL;
		struct sim_dump d;

		kernel_of(XLDUMP_GUEST_PVH, true, &f);
		s = guest_with(&f, XLDUMP_GUEST_PVH);
		for (size_t i = 0; i < s->nr_data; i++) {
			if (s->data[i] == pfn) {
				assert_true(sim_balloon_out(s, i));
				break;
			}
		}
		assert_int_equal(judge(s, &cp, &d), 0);
		assert_int_equal(d.r, 0);
		sim_dump_deinit(&d);
	}
}

/* Reads fail from some moment on, also while the kernel is looked at. */
static void test_unreadable(void **state)
{
	static const int err[] = { -ENOMEM, -EFAULT };
	const struct xl_capture_params cp = { .strategy = XLDUMP_STRATEGY_STOP };
	_cleanup_(fake_deinit) struct fake f;

	(void)state;
	kernel_of(XLDUMP_GUEST_PV, true, &f);
	for (uint64_t n = 10; n < 60; n += 3) {
		_cleanup_(sim_destroyp) struct sim *s = guest_with(&f, XLDUMP_GUEST_PV);
		struct sim_dump d;

		s->fault = (struct sim_fault){ .op = n % 2 ? SIM_map : SIM_page_types, .nth = n,
					       .err = err[n / 3 % 2], .sticks = true };
		assert_int_equal(judge(s, &cp, &d), 0);
		assert_true(!s->fault.hit || d.r < 0);
		sim_dump_deinit(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precopy),
		cmocka_unit_test(test_rescan),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_auto_translated),
		cmocka_unit_test(test_panic),
		cmocka_unit_test(test_panic_unknown),
		cmocka_unit_test(test_no_variable),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
