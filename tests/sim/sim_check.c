/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The oracle: is the dump the guest at T, and have we left nothing behind? */
#include "sim_dump.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/bytes.h"

struct report {
	char *why;
	size_t size;
};

_printf_(2, 3) static int wrong(struct report *rp, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(rp->why, rp->size, fmt, ap);
	va_end(ap);
	return -1;
}

/* ---- what has been changed in the dump, undone ---- */

static bool old_value(const struct xl_edits *e, uint64_t paddr, uint64_t *ret)
{
	for (size_t i = 0; i < e->n; i++) {
		if (e->edit[i].paddr == paddr) {
			*ret = e->edit[i].old;
			return true;
		}
	}
	return false;
}

static const struct xl_table *find_table(const struct xl_cut *cut, xl_pfn_t pfn)
{
	size_t lo = 0, hi = cut->tables;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (cut->table[mid].pfn < pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < cut->tables && cut->table[lo].pfn == pfn ? &cut->table[lo] : NULL;
}

static int undo(struct report *rp, const struct xl_cut *cut, xl_pfn_t pfn, bool table,
		uint8_t page[XL_PAGE_SIZE])
{
	for (size_t i = 0; i < XL_PTES_PER_PAGE; i++) {
		uint64_t v = xl_get_le64(page + i * 8), old;

		if (v == 0) {
			if (old_value(&cut->edits, (pfn << XL_PAGE_SHIFT) + i * 8, &old))
				xl_put_le64(page + i * 8, old);
			continue;
		}
		if (!table || !(v & 1))
			continue;
		old = v >> 12 & 0xffffffffffULL;
		if (old >= cut->nr_pfns || cut->p2m[old] == XL_INVALID_FRAME)
			return wrong(rp, "entry %zu of table %#" PRIx64 " leads to pfn %#" PRIx64
				     ", which is none", i, pfn, old);
		xl_put_le64(page + i * 8,
			    (v & ~0x000ffffffffff000ULL) | cut->p2m[old] << XL_PAGE_SHIFT);
	}
	return 0;
}

/* ---- the dump ---- */

static int check_page(struct report *rp, const struct sim *s, const struct sim_dump *d, size_t i)
{
	const struct sim_truth *t = &s->truth;
	xl_pfn_t pfn = t->pfn[i];
	const struct xl_table *table = find_table(&d->cut, pfn);
	const uint8_t *page = sim_dump_page(d, pfn), *is = t->page + i * XL_PAGE_SIZE;
	uint8_t copy[XL_PAGE_SIZE];

	if (!page && xl_bitmap_test(&d->cut.excluded, pfn))
		return 0;
	if (!page)
		return wrong(rp, "pfn %#" PRIx64 " is missing", pfn);
	if (d->cut.p2m && d->cut.p2m[pfn] != t->mfn[i])
		return wrong(rp, "pfn %#" PRIx64 " is frame %#" PRIx64 ", the dump has %#" PRIx64,
			     pfn, t->mfn[i], d->cut.p2m[pfn]);
	if ((table ? table->level : 0) != t->type[i])
		return wrong(rp, "pfn %#" PRIx64 " is a table of level %u, the dump says %u", pfn,
			     t->type[i], table ? table->level : 0);
	memcpy(copy, page, sizeof(copy));
	if (!d->cut.raw && (table || d->cut.kernel.xen_start_info_pa >> XL_PAGE_SHIFT == pfn)) {
		if (undo(rp, &d->cut, pfn, table, copy) < 0)
			return -1;
	}
	/* Named as one that may not be as at T. */
	if (memcmp(copy, is, sizeof(copy)) == 0 || xl_bitmap_test(&d->cut.suspect, pfn))
		return 0;
	return wrong(rp,
		     "pfn %#" PRIx64 " is not of T: write %u then, %" PRIu64 "/%" PRIu64
		     " (head/tail) in the dump",
		     pfn, t->gen[i], xl_get_le64(copy + 8), xl_get_le64(copy + 16));
}

/* Pages that were left out are pages of the guest all the same. */
static xl_pfn_t next_page(const struct xl_cut *cut, xl_pfn_t pfn)
{
	xl_pfn_t in = xl_bitmap_next(&cut->present, pfn);
	xl_pfn_t out = cut->excluded.nbits ? xl_bitmap_next(&cut->excluded, pfn) : cut->nr_pfns;

	return in < out ? in : out;
}

static int check_set(struct report *rp, const struct sim *s, const struct sim_dump *d)
{
	const struct sim_truth *t = &s->truth;
	uint64_t out = d->cut.excluded.nbits ? xl_bitmap_count(&d->cut.excluded) : 0;
	xl_pfn_t pfn = next_page(&d->cut, 0);

	for (size_t i = 0; i < t->n && pfn == t->pfn[i]; i++)
		pfn = next_page(&d->cut, pfn + 1);
	if (pfn < d->cut.nr_pfns) {
		for (size_t i = 0; i < t->n; i++) {
			if (!sim_dump_page(d, t->pfn[i]) &&
			    !xl_bitmap_test(&d->cut.excluded, t->pfn[i]))
				return wrong(rp, "pfn %#" PRIx64 " is missing", t->pfn[i]);
			if (t->pfn[i] > pfn)
				break;
		}
		return wrong(rp, "pfn %#" PRIx64 " is in the dump and was not there at T", pfn);
	}
	if (xl_bitmap_count(&d->cut.present) + out != t->n)
		return wrong(rp, "%" PRIu64 " pages in the dump, %zu in the guest",
			     xl_bitmap_count(&d->cut.present), t->n);
	return 0;
}

/* CR3s hold pfns in the dump. */
static uint64_t cr3_of(const struct xl_cut *cut, uint64_t canonical)
{
	xl_pfn_t pfn = canonical >> XL_PAGE_SHIFT;

	if (!cut->p2m || pfn >= cut->nr_pfns)
		return canonical;
	return cut->p2m[pfn] << XL_PAGE_SHIFT | (canonical & XL_PAGE_MASK);
}

/* Those of the raw structure. */
static void undo_context(const struct xl_cut *cut, uint8_t *context)
{
	static const size_t place[] = { 4992, 5008 };
	uint32_t cr3 = xl_get_le32(context + 2728), frame = cr3 >> 12 | cr3 << 20;

	if (!cut->narrow) {
		for (size_t i = 0; i < XL_ARRAY_SIZE(place); i++)
			xl_put_le64(context + place[i],
				    cr3_of(cut, xl_get_le64(context + place[i])));
		return;
	}
	frame = (uint32_t)(cr3_of(cut, (uint64_t)frame << 12) >> 12);
	xl_put_le32(context + 2728, frame << 12 | frame >> 20);
}

static int check_vcpus(struct report *rp, const struct sim *s, const struct sim_dump *d)
{
	if (d->cut.narrow != s->params.narrow)
		return wrong(rp, "the width of the guest is another one");
	if (d->cut.vcpus != s->params.vcpus)
		return wrong(rp, "%u vCPUs", d->cut.vcpus);
	for (size_t i = 0; i < s->params.vcpus; i++) {
		struct xl_vcpu v = d->cut.vcpu[i];

		if (d->cut.p2m && !d->cut.raw && v.online) {
			v.cr3 = cr3_of(&d->cut, v.cr3);
			undo_context(&d->cut, v.context);
		}
		if (memcmp(&v, &s->truth.vcpu[i], sizeof(v)) != 0)
			return wrong(rp, "vCPU %zu is not of T (rip %#" PRIx64 ", %#" PRIx64 " then)",
				     i, v.rip, s->truth.vcpu[i].rip);
	}
	/* The dump does without if it cannot be had. */
	if (!d->cut.has_shared_info && s->fault.hit && s->fault.op == SIM_shared_info)
		return 0;
	if (!d->cut.has_shared_info ||
	    memcmp(d->cut.shared_info, s->truth.shared_info, XL_PAGE_SIZE) != 0)
		return wrong(rp, "shared_info is not of T");
	return 0;
}

static int check_dump(struct report *rp, const struct sim *s, const struct sim_dump *d)
{
	int r;

	if (!s->truth.taken)
		return wrong(rp, "there is no T: the guest was never paused");
	if (d->x.err[0] || d->x.cause != XLDUMP_CAUSE_NONE)
		return wrong(rp, "success with an error: %s", d->x.err);
	r = check_set(rp, s, d);
	for (size_t i = 0; r == 0 && i < s->truth.n; i++)
		r = check_page(rp, s, d, i);
	return r < 0 ? r : check_vcpus(rp, s, d);
}

/* ---- us ---- */

int sim_check_left_alone(const struct sim *s, const struct sim_dump *d, char *why, size_t size)
{
	struct report rp = { why, size };

	if (s->broken[0])
		return wrong(&rp, "%s", s->broken);
	if (s->mapped)
		return wrong(&rp, "%zu pages are still mapped", s->mapped);
	if (d->r < 0 && !d->x.err[0])
		return wrong(&rp, "error %d without a text", d->r);
	if (d->r < 0 && sim_dump_published(d))
		return wrong(&rp, "a dump that failed was finished all the same");
	if (s->dom.dying)
		return 0;
	if (s->pauses_ours)
		return wrong(&rp, "the guest is still paused by us, %d times", s->pauses_ours);
	if (s->log_on)
		return wrong(&rp, "log-dirty mode is still on");
	if (s->cap)
		return wrong(&rp, "the guest is still capped at %u %%", s->cap);
	if (s->dm_on)
		return wrong(&rp, "the device model still reports its writes");
	return 0;
}

int sim_check(const struct sim *s, const struct sim_dump *d, char *why, size_t size)
{
	struct report rp = { why, size };
	int r = sim_check_left_alone(s, d, why, size);

	if (r < 0 || d->r < 0)
		return r;
	return check_dump(&rp, s, d);
}
