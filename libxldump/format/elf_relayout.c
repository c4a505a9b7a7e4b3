/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moves pages inside the file to their final slots: the guest ballooned while it was copied, or the
 * headers need more room than was left.
 *
 * Both old and new slots ascend with the pfn.  So among the pages that the layout had, those that
 * move towards the front, taken in ascending order, never land on one that still waits; then the
 * others, in descending order, do not either.  The pages that the layout did not have wait far
 * behind (overflow_start) and come last.  A page of zeros moves by punching its destination.
 */
#include "format/elf_relayout.h"

#include "format/elf_place.h"

struct relayout {
	struct xl_ctx *x;
	struct xl_elf *f;
	const struct xl_slots *final;
	uint64_t data_start;
};

/* Pages [pfn, pfn + n) that are all stored or all zero, and move by the same distance. */
struct run {
	xl_pfn_t pfn;
	uint64_t n;
	uint64_t from, to;
	bool stored;
};

#define RUN_MAX (XL_ELF_BUF_SIZE / XL_PAGE_SIZE)

static uint64_t destination(const struct relayout *m, xl_pfn_t pfn)
{
	return m->data_start + (xl_slots_rank(m->final, pfn) << XL_PAGE_SHIFT);
}

static bool kept(const struct relayout *m, xl_pfn_t pfn)
{
	return xl_bitmap_test(&m->final->present, pfn);
}

static bool in_layout(const struct relayout *m, xl_pfn_t pfn)
{
	return xl_bitmap_test(&m->f->slots.present, pfn);
}

static void run_start(const struct relayout *m, xl_pfn_t pfn, struct run *run)
{
	run->pfn = pfn;
	run->n = 1;
	run->from = xl_elf_page_offset(m->f, pfn);
	run->to = destination(m, pfn);
	run->stored = xl_bitmap_test(&m->f->stored, pfn);
}

/* Whether a neighbour of the run, directly above or below it, moves with it. */
static bool joins(const struct relayout *m, const struct run *run, xl_pfn_t pfn)
{
	return run->n < RUN_MAX && kept(m, pfn) && in_layout(m, pfn) == in_layout(m, run->pfn) &&
	       xl_bitmap_test(&m->f->stored, pfn) == run->stored;
}

static int run_move(const struct relayout *m, const struct run *run)
{
	size_t len = run->n << XL_PAGE_SHIFT;
	int r;

	r = xl_check_cancel(m->x);
	if (r < 0 || run->from == run->to)
		return r;
	if (!run->stored)
		return xl_sink_punch(m->x, m->f->sink, run->to, len);
	r = xl_sink_pread(m->x, m->f->sink, m->f->buf, len, run->from);
	if (r < 0)
		return r;
	return xl_sink_pwrite(m->x, m->f->sink, m->f->buf, len, run->to);
}

/* Pages of the layout (or, with overflow, those that it did not have), ascending; of the former
 * only those that move towards the front. */
static int move_ascending(const struct relayout *m, bool overflow)
{
	const struct xl_bitmap *keep = &m->final->present;
	xl_pfn_t pfn = xl_bitmap_next(keep, 0);

	while (pfn < keep->nbits) {
		struct run run;
		int r;

		run_start(m, pfn, &run);
		if (in_layout(m, pfn) == overflow || (!overflow && run.to >= run.from)) {
			pfn = xl_bitmap_next(keep, pfn + 1);
			continue;
		}
		while (joins(m, &run, run.pfn + run.n))
			run.n++;
		r = run_move(m, &run);
		if (r < 0)
			return r;
		pfn = xl_bitmap_next(keep, run.pfn + run.n);
	}
	return 0;
}

/* Pages of the layout that move towards the end, descending. */
static int move_descending(const struct relayout *m)
{
	xl_pfn_t pfn = m->final->present.nbits;

	while (pfn > 0) {
		struct run run;
		int r;

		if (!kept(m, --pfn) || !in_layout(m, pfn))
			continue;
		run_start(m, pfn, &run);
		if (run.to <= run.from)
			continue;
		while (run.pfn > 0 && joins(m, &run, run.pfn - 1)) {
			run.pfn--;
			run.n++;
			run.from -= XL_PAGE_SIZE;
			run.to -= XL_PAGE_SIZE;
		}
		r = run_move(m, &run);
		if (r < 0)
			return r;
		pfn = run.pfn;
	}
	return 0;
}

int xl_elf_relayout(struct xl_ctx *x, struct xl_elf *f, const struct xl_slots *final,
		    uint64_t data_start)
{
	const struct relayout m = { .x = x, .f = f, .final = final, .data_start = data_start };
	int r;

	r = move_ascending(&m, false);
	if (r == 0)
		r = move_descending(&m);
	if (r == 0)
		r = move_ascending(&m, true);
	/* What lay where the headers will be now. */
	if (r == 0)
		r = xl_sink_punch(x, f->sink, f->data_start, data_start - f->data_start);
	return r < 0 ? xl_err(x, r, "move pages within the file") : 0;
}
