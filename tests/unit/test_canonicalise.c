/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables of a PV guest: translated, and back again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "page/canonicalise.h"
#include "hv/context32.h"

#define NR_PFNS 1000
#define FOREIGN_MFN 0x777777ULL
#define P 0x001ULL
#define RW 0x002ULL
#define USER 0x004ULL
#define PSE 0x080ULL
#define NX (1ULL << 63)

struct guest {
	xl_mfn_t p2m[NR_PFNS];
	struct xl_m2p m2p;
	struct xl_edits edits;
};

/* Frames in no order, with holes, one run and one alias. */
static int setup(void **state)
{
	struct guest *g = calloc(1, sizeof(*g));

	for (xl_pfn_t pfn = 0; pfn < NR_PFNS; pfn++)
		g->p2m[pfn] = 0x100000 + pfn * 7919 % 100003;
	for (xl_pfn_t pfn = 300; pfn < 340; pfn++)
		g->p2m[pfn] = XL_INVALID_FRAME;
	for (xl_pfn_t pfn = 500; pfn < 564; pfn++)
		g->p2m[pfn] = 0x9000000 + pfn;
	g->p2m[900] = g->p2m[20];
	assert_int_equal(xl_m2p_init(&g->m2p, g->p2m, NR_PFNS), 0);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct guest *g = *state;

	xl_m2p_deinit(&g->m2p);
	xl_edits_deinit(&g->edits);
	free(g);
	return 0;
}

static uint64_t mfn_pte(const struct guest *g, xl_pfn_t pfn, uint64_t flags)
{
	return g->p2m[pfn] << 12 | flags;
}

static uint64_t pfn_pte(xl_pfn_t pfn, uint64_t flags)
{
	return pfn << 12 | flags;
}

static void test_m2p(void **state)
{
	struct guest *g = *state;

	for (xl_pfn_t pfn = 0; pfn < NR_PFNS; pfn++) {
		if (g->p2m[pfn] == XL_INVALID_FRAME || pfn == 900)
			continue;
		assert_int_equal(xl_m2p_lookup(&g->m2p, g->p2m[pfn]), pfn);
	}
	/* Of two that claim a frame the lower one has it. */
	assert_int_equal(xl_m2p_lookup(&g->m2p, g->p2m[900]), 20);
	assert_true(xl_m2p_lookup(&g->m2p, FOREIGN_MFN) == XL_INVALID_FRAME);
	assert_true(xl_m2p_lookup(&g->m2p, 0) == XL_INVALID_FRAME);
	assert_true(xl_m2p_lookup(&g->m2p, XL_INVALID_FRAME) == XL_INVALID_FRAME);
}

static void test_m2p_odd_sizes(void **state)
{
	const xl_mfn_t holes[3] = { XL_INVALID_FRAME, XL_INVALID_FRAME, XL_INVALID_FRAME };
	xl_mfn_t *same = malloc(100000 * sizeof(*same));
	struct xl_m2p m;

	(void)state;
	assert_int_equal(xl_m2p_init(&m, holes, 0), 0);
	assert_true(xl_m2p_lookup(&m, 1) == XL_INVALID_FRAME);
	xl_m2p_deinit(&m);

	assert_int_equal(xl_m2p_init(&m, holes, 3), 0);
	assert_true(xl_m2p_lookup(&m, 1) == XL_INVALID_FRAME);
	xl_m2p_deinit(&m);

	for (size_t i = 0; i < 100000; i++)
		same[i] = 5;
	assert_int_equal(xl_m2p_init(&m, same, 100000), 0);
	assert_int_equal(xl_m2p_lookup(&m, 5), 0);
	assert_true(xl_m2p_lookup(&m, 6) == XL_INVALID_FRAME);
	xl_m2p_deinit(&m);
	free(same);

	assert_int_equal(xl_m2p_init(&m, holes, (uint64_t)1 << 32), -E2BIG);
}

/* Attributes stay, bit 63 included; entries that are not present stay, whatever they hold. */
static void test_level1(void **state)
{
	struct guest *g = *state;
	uint64_t t[512] = {
		[0] = mfn_pte(g, 0, P | RW),
		[1] = mfn_pte(g, 999, P | RW | USER | NX),
		[2] = 0x123456789abcde0ULL & ~P, /* swap entry */
		[3] = mfn_pte(g, 520, P | PSE),  /* PAT */
		[4] = FOREIGN_MFN << 12 | P | RW,
		[5] = mfn_pte(g, 900, P),
		[256] = mfn_pte(g, 7, P), /* no slot of Xen's in level 1 */
		[511] = mfn_pte(g, 8, P | 0xff0ULL << 52),
	};

	assert_int_equal(xl_canonicalise(&g->m2p, 1, 42, t, &g->edits), 0);
	assert_true(t[0] == pfn_pte(0, P | RW));
	assert_true(t[1] == pfn_pte(999, P | RW | USER | NX));
	assert_true(t[2] == (0x123456789abcde0ULL & ~P));
	assert_true(t[3] == pfn_pte(520, P | PSE));
	assert_true(t[4] == 0);
	assert_true(t[5] == pfn_pte(20, P));
	assert_true(t[256] == pfn_pte(7, P));
	assert_true(t[511] == pfn_pte(8, P | 0xff0ULL << 52));
	assert_int_equal(g->edits.n, 1);
	assert_true(g->edits.edit[0].paddr == 42 * 4096 + 4 * 8);
	assert_true(g->edits.edit[0].old == (FOREIGN_MFN << 12 | P | RW));
}

static void test_superpage(void **state)
{
	struct guest *g = *state;

	for (unsigned level = 2; level <= 4; level++) {
		uint64_t t[512] = { [9] = mfn_pte(g, 9, P | PSE), [10] = mfn_pte(g, 10, P) };

		assert_int_equal(xl_canonicalise(&g->m2p, level, 1, t, &g->edits), 0);
		assert_true(t[9] == 0);
		assert_true(t[10] == pfn_pte(10, P));
	}
	assert_int_equal(g->edits.n, 3);
}

static void test_xen_slots(void **state)
{
	struct guest *g = *state;
	uint64_t t[512];

	for (unsigned i = 0; i < 512; i++)
		t[i] = mfn_pte(g, 10 + i % 100, P | RW);
	t[260] = 0x5550; /* not present, but Xen's */
	t[261] = 0;      /* nothing to record */
	assert_int_equal(xl_canonicalise(&g->m2p, 4, 3, t, &g->edits), 0);
	for (unsigned i = 0; i < 512; i++)
		assert_true(t[i] == (i >= 256 && i <= 271 ? 0
							  : pfn_pte(10 + i % 100, P | RW)));
	assert_int_equal(g->edits.n, 15);
	assert_true(g->edits.edit[0].paddr == 3 * 4096 + 256 * 8);
	assert_true(g->edits.edit[14].paddr == 3 * 4096 + 271 * 8);
}

static void test_level_range(void **state)
{
	struct guest *g = *state;
	uint64_t t[512] = { 0 };

	assert_int_equal(xl_canonicalise(&g->m2p, 0, 0, t, &g->edits), -EINVAL);
	assert_int_equal(xl_canonicalise(&g->m2p, 5, 0, t, &g->edits), -EINVAL);
}

/* What a reader of the file can do: present entries by the p2m, then the old values. */
static void undo(const struct guest *g, xl_pfn_t pfn, uint64_t t[512])
{
	for (unsigned i = 0; i < 512; i++) {
		xl_pfn_t to = (t[i] & 0xffffffffff000ULL) >> 12;

		if (t[i] & P)
			t[i] = (t[i] & ~0xffffffffff000ULL) | g->p2m[to] << 12;
	}
	for (size_t i = 0; i < g->edits.n; i++) {
		if (g->edits.edit[i].paddr >> 12 == pfn)
			t[(g->edits.edit[i].paddr & 4095) / 8] = g->edits.edit[i].old;
	}
}

/* Numbers at random, some of which are entries that lead to pages of the guest. */
static void random_table(const struct guest *g, uint64_t *rnd, uint64_t t[512])
{
	for (unsigned i = 0; i < 512; i++) {
		xl_pfn_t to;

		*rnd = *rnd * 6364136223846793005ULL + 1442695040888963407ULL;
		to = (*rnd >> 40) % NR_PFNS;
		t[i] = *rnd >> 20;
		if (*rnd >> 62)
			t[i] = (t[i] & 0xfff0000000000f7fULL) | (g->p2m[to] & 0xffffffffff) << 12;
	}
}

static void test_undo(void **state)
{
	struct guest *g = *state;
	uint64_t rnd = 1;

	for (unsigned n = 0; n < 400; n++) {
		uint64_t t[512], before[512];

		random_table(g, &rnd, t);
		memcpy(before, t, sizeof(t));
		assert_int_equal(xl_canonicalise(&g->m2p, n % 4 + 1, n, t, &g->edits), 0);
		assert_memory_not_equal(t, before, sizeof(t));
		undo(g, n, t);
		assert_memory_equal(t, before, sizeof(t));
	}
}

static void test_cr3(void **state)
{
	struct guest *g = *state;
	struct xl_vcpu *v = calloc(1, sizeof(*v));

	assert_true(xl_canonicalise_cr3(&g->m2p, g->p2m[77] << 12) == 77 << 12);
	assert_true(xl_canonicalise_cr3(&g->m2p, FOREIGN_MFN << 12) == 0);

	v->cr3 = g->p2m[77] << 12;
	memset(v->context, 0xee, sizeof(v->context));
	xl_put_le64(v->context + 5008, g->p2m[77] << 12);
	xl_put_le64(v->context + 4992, g->p2m[78] << 12);
	xl_canonicalise_vcpu(&g->m2p, v);
	assert_true(v->cr3 == 77 << 12);
	assert_true(xl_get_le64(v->context + 5008) == 77 << 12);
	assert_true(xl_get_le64(v->context + 4992) == 78 << 12);
	for (size_t i = 0; i < sizeof(v->context); i++) {
		if ((i < 4992 || i >= 5000) && (i < 5008 || i >= 5016))
			assert_int_equal(v->context[i], 0xee);
	}

	/* "there is none" stays so, and what is not the guest's becomes so */
	xl_put_le64(v->context + 4992, 0);
	xl_put_le64(v->context + 5008, FOREIGN_MFN << 12);
	xl_canonicalise_vcpu(&g->m2p, v);
	assert_true(xl_get_le64(v->context + 4992) == 0);
	assert_true(xl_get_le64(v->context + 5008) == 0);
	xl_put_le64(v->context + 4992, g->p2m[5] << 12 | 1);
	xl_canonicalise_vcpu(&g->m2p, v);
	assert_true(xl_get_le64(v->context + 4992) == (5 << 12 | 1));
	free(v);
}

/* ---- 32 bits ---- */

/* Of level 3 four entries are the guest's; what is behind them is Xen's, present or not. */
static void test_pae_level3(void **state)
{
	struct guest *g = *state;
	uint64_t t[512];

	for (unsigned i = 0; i < 512; i++)
		t[i] = mfn_pte(g, 10 + i % 100, P);
	t[2] = FOREIGN_MFN << 12 | P;
	t[5] = 0x5550;
	t[6] = 0;
	assert_int_equal(xl_canonicalise_pae(&g->m2p, 3, 3, t, &g->edits), 0);
	for (unsigned i = 0; i < 512; i++)
		assert_true(t[i] == (i < 4 && i != 2 ? pfn_pte(10 + i, P) : 0));
	assert_int_equal(g->edits.n, 1 + 507);
	assert_true(g->edits.edit[0].paddr == 3 * 4096 + 2 * 8);
	assert_true(g->edits.edit[1].paddr == 3 * 4096 + 4 * 8);
	assert_true(g->edits.edit[2].old == 0x5550);
}

/* The L2 of the last GiB: Xen's table of frames in superpages, by which it can be told, whoever claims its
 * frames; a level 2 elsewhere has entries of the guest there. */
static void test_pae_level2(void **state)
{
	struct guest *g = *state;
	uint64_t t[512];

	for (unsigned i = 0; i < 512; i++)
		t[i] = mfn_pte(g, 10 + i % 100, P | RW | USER);
	t[428] = FOREIGN_MFN << 12 | P | PSE;
	t[429] = mfn_pte(g, 8, P | PSE);
	assert_int_equal(xl_canonicalise_pae(&g->m2p, 2, 7, t, &g->edits), 0);
	for (unsigned i = 0; i < 512; i++)
		assert_true(t[i] == (i == 428 || i == 429 ? 0 : pfn_pte(10 + i % 100, P | RW | USER)));
	assert_int_equal(g->edits.n, 2);
	assert_true(g->edits.edit[1].paddr == 7 * 4096 + 429 * 8);
	assert_true(g->edits.edit[1].old == mfn_pte(g, 8, P | PSE));
}

static void test_pae_range(void **state)
{
	struct guest *g = *state;
	uint64_t t[512] = { [0] = mfn_pte(g, 0, P | NX), [1] = 0x7777770, [511] = mfn_pte(g, 9, P) };

	assert_int_equal(xl_canonicalise_pae(&g->m2p, 1, 0, t, &g->edits), 0);
	assert_true(t[0] == pfn_pte(0, P | NX));
	assert_true(t[1] == 0x7777770);
	assert_true(t[511] == pfn_pte(9, P));
	assert_int_equal(g->edits.n, 0);
	assert_int_equal(xl_canonicalise_pae(&g->m2p, 0, 0, t, &g->edits), -EINVAL);
	assert_int_equal(xl_canonicalise_pae(&g->m2p, 4, 0, t, &g->edits), -EINVAL);
}

static void test_pae_undo(void **state)
{
	struct guest *g = *state;
	uint64_t rnd = 7;

	for (unsigned n = 0; n < 300; n++) {
		uint64_t t[512], before[512], again[512];

		random_table(g, &rnd, t);
		memcpy(before, t, sizeof(t));
		assert_int_equal(xl_canonicalise_pae(&g->m2p, n % 3 + 1, n, t, &g->edits), 0);
		assert_memory_not_equal(t, before, sizeof(t));
		memcpy(again, t, sizeof(t));
		undo(g, n, t);
		assert_memory_equal(t, before, sizeof(t));
		/* And what convert does: the same function for all guests. */
		assert_int_equal(xl_restore_table(g->p2m, NR_PFNS, again), 0);
		for (size_t i = 0; i < g->edits.n; i++)
			if (g->edits.edit[i].paddr >> 12 == n)
				again[(g->edits.edit[i].paddr & 4095) / 8] = g->edits.edit[i].old;
		assert_memory_equal(again, before, sizeof(again));
	}
}

/* The upper bits of the frame are where flags would be (xen_pfn_to_cr3_x86_32()). */
static void test_cr3_32(void **state)
{
	static const struct {
		uint64_t frame;
		uint32_t cr3;
	} is[] = {
		{ 0, 0 }, { 1, 0x1000 }, { 0xfffff, 0xfffff000 }, { 0x100000, 1 },
		{ 0x12345678, 0x45678123 }, { 0xffffffff, 0xffffffff },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
		assert_true(xl_cr3_32(is[i].frame) == is[i].cr3);
		assert_true(xl_cr3_32_frame(is[i].cr3) == is[i].frame);
	}
}

static void test_vcpu_32(void **state)
{
	struct guest *g = *state;
	struct xl_vcpu *v = calloc(1, sizeof(*v)), *was = calloc(1, sizeof(*v));

	/* A frame beyond 4 GiB, and one with a number of more than 20 bits. */
	assert_true(g->p2m[520] > 0x100000);
	memset(v->context, 0xee, sizeof(v->context));
	xl_put_le32(v->context + 2728, (uint32_t)(g->p2m[520] << 12 | g->p2m[520] >> 20));
	v->cr3 = g->p2m[520] << 12;
	*was = *v;
	xl_canonicalise_vcpu_32(&g->m2p, v);
	assert_true(v->cr3 == 520 << 12);
	assert_true(xl_get_le32(v->context + 2728) == 520 << 12);
	for (size_t i = 0; i < sizeof(v->context); i++)
		if (i < 2728 || i >= 2732)
			assert_int_equal(v->context[i], 0xee);
	assert_int_equal(xl_restore_vcpu_32(g->p2m, NR_PFNS, v), 0);
	assert_memory_equal(v, was, sizeof(*v));

	/* None of the guest's. */
	xl_put_le32(v->context + 2728, xl_cr3_32(FOREIGN_MFN));
	v->cr3 = FOREIGN_MFN << 12;
	xl_canonicalise_vcpu_32(&g->m2p, v);
	assert_true(v->cr3 == 0);
	assert_true(xl_get_le32(v->context + 2728) == 0);
	xl_put_le32(v->context + 2728, 320 << 12); /* a hole */
	assert_int_equal(xl_restore_vcpu_32(g->p2m, NR_PFNS, v), -EINVAL);
	free(v);
	free(was);
}

/* Xen's structure, by its header: word after word. */
static void test_registers_32(void **state)
{
	struct xl_vcpu *v = calloc(1, sizeof(*v));

	(void)state;
	for (unsigned i = 0; i < sizeof(v->context) / 4; i++)
		xl_put_le32(v->context + 4 * i, 0xabcd0000 + i);
	xl_put_le32(v->context + 512, 4);
	xl_put_le32(v->context + 2728, 0x45678123);
	xl_context32_registers(v);
#define WORD(at) (0xabcd0000 + (at) / 4)
	assert_true(v->rbx == WORD(516) && v->rcx == WORD(520) && v->rdx == WORD(524));
	assert_true(v->rsi == WORD(528) && v->rdi == WORD(532) && v->rbp == WORD(536));
	assert_true(v->rax == WORD(540) && v->rip == WORD(548) && v->rflags == WORD(556));
	assert_true(v->rsp == WORD(560));
	assert_int_equal(v->cs.sel, WORD(552) & 0xffff);
	assert_int_equal(v->ss.sel, WORD(564) & 0xffff);
	assert_int_equal(v->es.sel, WORD(568) & 0xffff);
	assert_int_equal(v->ds.sel, WORD(572) & 0xffff);
	assert_int_equal(v->fs.sel, WORD(576) & 0xffff);
	assert_int_equal(v->gs.sel, WORD(580) & 0xffff);
	assert_true(v->cr0 == WORD(2716) && v->cr2 == WORD(2724) && v->cr4 == WORD(2732));
	assert_true(v->cr3 == 0x12345678000);
	assert_true(v->in_kernel);
	xl_put_le32(v->context + 512, ~4U);
	xl_context32_registers(v);
	assert_false(v->in_kernel);
	free(v);
}

static void test_edits_end(void **state)
{
	struct guest *g = *state;

	for (size_t i = 0; i < XL_MAX_EDITS; i++)
		assert_int_equal(xl_edits_add(&g->edits, i * 8, i), 0);
	assert_true(g->edits.lost == 0);
	assert_int_equal(xl_edits_add(&g->edits, 0, 0), 0);
	assert_true(g->edits.lost == 1);
	assert_true(g->edits.n == XL_MAX_EDITS);
	assert_true(g->edits.edit[XL_MAX_EDITS - 1].old == XL_MAX_EDITS - 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_m2p),        cmocka_unit_test(test_m2p_odd_sizes),
		T(test_level1),     T(test_superpage),
		T(test_xen_slots),  T(test_level_range),
		T(test_undo),       T(test_cr3),
		T(test_edits_end),  T(test_pae_level3),
		T(test_pae_level2), T(test_pae_range),
		T(test_pae_undo),   T(test_vcpu_32),
		cmocka_unit_test(test_cr3_32),
		cmocka_unit_test(test_registers_32),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
