/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The copy inside the pause. */
#include "capture/last_copy.h"

#include <assert.h>

/* Room made before the rounds begin: making it takes time in which the guest dirties more, so that
 * between the last look at the log and the pause there should be little to make.  16 MiB. */
#define STASH_FIRST 4096

/* For pages dirtied between that look and the pause. */
#define STASH_SLACK 1024

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How often T may move because something was written before it.  Each time is a re-read of the pages
 * that are written unseen, all of it inside the pause. */
#define MAX_LOOKS 5

int xl_last_copy_init(struct xl_last_copy *l, struct xl_engine *e)
{
	uint64_t nr = e->map->nr_pfns;
	int r;

	l->e = e;
	l->grant = malloc(XL_MAX_GRANTS * sizeof(*l->grant));
	l->index = calloc(nr, sizeof(*l->index));
	if (!l->grant || !l->index)
		return xl_err(e->x, -ENOMEM, "allocate an index of the pages of the pause");
	if (e->map->p2m) {
		l->m2p = calloc(1, sizeof(*l->m2p));
		if (!l->m2p)
			return xl_err(e->x, -ENOMEM, "inverse of the p2m");
	}
	r = xl_bitmap_init(&l->unseen, nr);
	if (r == 0)
		r = xl_bitmap_init(&l->suspect, nr);
	if (r == 0)
		r = xl_bitmap_init(&l->left, nr);
	if (r == 0)
		r = xl_stash_reserve(&l->stash, at_most(STASH_FIRST, e->dom.tot_pages));
	return r < 0 ? xl_err(e->x, r, "allocate memory for the pages of the pause") : 0;
}

void xl_last_copy_deinit(struct xl_last_copy *l)
{
	if (l->m2p)
		xl_m2p_deinit(l->m2p);
	free(l->m2p);
	free(l->grant);
	free(l->index);
	xl_stash_deinit(&l->stash);
	xl_bitmap_deinit(&l->unseen);
	xl_bitmap_deinit(&l->suspect);
	xl_bitmap_deinit(&l->left);
}

/* The page behind a frame that the hypervisor or the guest named. */
static void add_frame(struct xl_last_copy *l, xl_frame_t frame)
{
	xl_pfn_t pfn = l->m2p ? xl_m2p_lookup(l->m2p, frame) : frame;

	if (pfn < l->unseen.nbits)
		xl_bitmap_set(&l->unseen, pfn);
}

/* Rings that others write: they stay where they are while the guest runs. */
static int add_special(struct xl_last_copy *l)
{
	struct xl_engine *e = l->e;
	xl_frame_t frame[XL_MAX_SPECIAL];
	size_t n;
	int r = e->hv->ops->special_frames(e->hv, e->dom.domid, frame, &n);

	if (r < 0)
		return xl_engine_err(e, r, "ask for the rings of the guest");
	for (size_t i = 0; i < n; i++)
		add_frame(l, frame[i]);
	/* Xen writes its own pages without asking its log. */
	for (xl_pfn_t pfn = 0; e->map->xen.nbits &&
	     (pfn = xl_bitmap_next(&e->map->xen, pfn)) < e->map->xen.nbits; pfn++)
		xl_bitmap_set(&l->unseen, pfn);
	return 0;
}

/* Also inside the pause. */
static int add_grants(struct xl_last_copy *l)
{
	struct xl_hv *hv = l->e->hv;
	size_t n;
	int r;

	hv->doing = "read the grant table";
	r = hv->ops->grants_read(hv, !l->logged, l->grant, XL_MAX_GRANTS, &n);
	if (r < 0)
		return r;
	if (n > XL_MAX_GRANTS)
		return -ERANGE;
	for (size_t i = 0; i < n; i++)
		add_frame(l, l->grant[i]);
	return 0;
}

static void forget(struct xl_last_copy *l)
{
	for (size_t i = 0; i < l->stash.n; i++)
		l->index[l->stash.pfn[i]] = 0;
	l->stash.n = 0;
}

int xl_last_copy_prepare(struct xl_last_copy *l, uint64_t pages)
{
	struct xl_engine *e = l->e;
	int r;

	if (l->m2p) {
		xl_m2p_deinit(l->m2p);
		r = xl_m2p_init(l->m2p, e->map->p2m, e->map->nr_pfns);
		if (r < 0)
			return xl_err(e->x, r, "invert the p2m");
	}
	xl_bitmap_zero(&l->unseen);
	r = add_special(l);
	if (r < 0)
		return r;
	r = e->hv->ops->grants_prepare(e->hv, e->dom.domid);
	if (r == 0)
		r = add_grants(l);
	if (r < 0)
		return xl_engine_err(e, r, "look at the guest's grant table");
	forget(l);
	pages += pages / 4 + at_most(STASH_SLACK, e->dom.tot_pages) + xl_bitmap_count(&l->unseen);
	r = xl_stash_reserve(&l->stash, pages);
	return r < 0 ? xl_err(e->x, r, "allocate memory for %" PRIu64 " pages", pages) : 0;
}

/* ---- inside the pause ---- */

int xl_last_copy_begin(struct xl_last_copy *l, struct xl_bitmap *which, uint64_t deadline)
{
	int r;

	forget(l);
	l->e->copier.passing = 0;
	l->deadline = deadline;
	xl_bitmap_zero(&l->suspect);
	r = add_grants(l);
	if (r < 0)
		return r;
	xl_bitmap_or(which, &l->unseen);
	xl_bitmap_or(which, &l->e->must_read);
	return 0;
}

/* The batch that would pass the deadline is not begun. */
static int in_time(const struct xl_last_copy *l, size_t n)
{
	return xl_copier_in_time(&l->e->copier, n, l->deadline) ? 0 : -ETIME;
}

int xl_last_copy_add(struct xl_last_copy *l, const struct xl_bitmap *which)
{
	struct xl_copier *c = &l->e->copier;
	struct xl_stash *st = &l->stash;
	uint64_t pos = 0;

	for (;;) {
		size_t room = st->cap - st->n, n;
		int r;

		n = xl_copier_gather(c, which, &pos, st->pfn + st->n,
				     room < XL_COPY_BATCH ? room : XL_COPY_BATCH);
		if (n == 0)
			break;
		r = in_time(l, n);
		if (r == 0)
			r = xl_copier_read(c, st->pfn + st->n, n, st->page + st->n * XL_PAGE_SIZE,
					   st->type + st->n);
		if (r < 0)
			return r;
		for (size_t i = 0; i < n; i++)
			l->index[st->pfn[st->n + i]] = (uint32_t)(st->n + i + 1);
		st->n += n;
	}
	return xl_bitmap_next(which, pos) < which->nbits && st->n == st->cap ? -E2BIG : 0;
}

int xl_last_copy_take(struct xl_last_copy *l, xl_pfn_t pfn, uint8_t type, const uint8_t *page)
{
	struct xl_stash *st = &l->stash;

	if (st->n == st->cap)
		return -E2BIG;
	st->pfn[st->n] = pfn;
	st->type[st->n] = type;
	memcpy(st->page + st->n * XL_PAGE_SIZE, page, XL_PAGE_SIZE);
	l->index[pfn] = (uint32_t)++st->n;
	return 0;
}

/* Whether a page is as it was taken last. */
static bool unchanged(const struct xl_last_copy *l, xl_pfn_t pfn, uint8_t type, const uint8_t *page)
{
	const struct xl_hashes *put = &l->e->hashes;
	uint32_t at = l->index[pfn];

	if (!at)
		return put->hash && xl_hashes_same(put, pfn, type, page);
	return type == l->stash.type[at - 1] &&
	       (type == XL_PAGE_XTAB ||
		memcmp(l->stash.page + (size_t)(at - 1) * XL_PAGE_SIZE, page, XL_PAGE_SIZE) == 0);
}

/* In the place of what was taken of it before. */
static int take_again(struct xl_last_copy *l, xl_pfn_t pfn, uint8_t type, const uint8_t *page)
{
	uint32_t at = l->index[pfn];
	int r = 0;

	if (!at)
		r = xl_last_copy_take(l, pfn, type, page);
	else {
		l->stash.type[at - 1] = type;
		memcpy(l->stash.page + (size_t)(at - 1) * XL_PAGE_SIZE, page, XL_PAGE_SIZE);
	}
	/* What was put of it stays in the dump, as a suspect. */
	return r == -E2BIG && l->patient && xl_bitmap_test(xl_pipeline_seen(l->e->pipe), pfn) ? 0 : r;
}

/* One look under way. */
struct look {
	struct xl_last_copy *l;
	uint64_t total;
};

static int show_progress(void *data, uint64_t done)
{
	struct look *k = data;

	if (k->l->patient)
		xl_engine_progress(k->l->e, XLDUMP_PHASE_FINISH, done, k->total);
	return 0;
}

static int compare(void *data, xl_pfn_t pfn, uint8_t type, const uint8_t *page)
{
	struct xl_last_copy *l = ((struct look *)data)->l;

	if (unchanged(l, pfn, type, page))
		return 0;
	xl_bitmap_set(&l->suspect, pfn);
	return take_again(l, pfn, type, page);
}

/* One look at the pages of `which`: those that changed are suspects, and taken anew. */
static int look_again(struct xl_last_copy *l, const struct xl_bitmap *which)
{
	struct look k = { l, l->patient ? xl_bitmap_count(which) : 0 };

	return xl_copier_each(&l->e->copier, &(struct xl_each){
		.which = which, .deadline = l->deadline, .before = show_progress, .page = compare,
		.data = &k,
	});
}

/* Somebody may write to any page, and no log tells of it. */
static bool all_unseen(const struct xl_last_copy *l)
{
	return !l->logged && l->e->dom.hvm_devices;
}

static bool none(const struct xl_bitmap *b)
{
	return xl_bitmap_next(b, 0) >= b->nbits;
}

/* Pages that do not exist, or will not be in the dump, are no suspects. */
static void drop_foreign(struct xl_last_copy *l)
{
	xl_bitmap_and(&l->suspect, &l->e->map->present);
	xl_bitmap_andnot(&l->suspect, &l->e->cut->skipped);
}

void xl_last_copy_suspect(struct xl_last_copy *l, const struct xl_bitmap *which)
{
	xl_bitmap_or(&l->suspect, which);
	drop_foreign(l);
}

/* T is now: whether anything was written between the look before it and the one after. */
static int try_instant(struct xl_last_copy *l, xl_late_fn late, void *data)
{
	struct xl_engine *e = l->e;
	const struct xl_bitmap *logged = NULL;
	int r;

	e->hv->ops->realtime(e->hv, &e->cut->instant);
	xl_bitmap_zero(&l->suspect);
	xl_bitmap_copy(&l->left, all_unseen(l) ? &e->map->present : &l->unseen);
	/* What is not in the dump need not be of T. */
	xl_bitmap_andnot(&l->left, &e->cut->skipped);
	r = look_again(l, &l->left);
	/* A grant that was mapped meanwhile has been looked at once at most. */
	if (r == 0)
		r = add_grants(l);
	if (r == 0 && late)
		r = late(data, &logged);
	if (r < 0)
		return r;
	xl_bitmap_or_andnot(&l->suspect, &l->unseen, &l->left);
	drop_foreign(l);
	if (!logged)
		return 0;
	xl_last_copy_suspect(l, logged);
	return xl_last_copy_add(l, logged);
}

int xl_last_copy_verify(struct xl_last_copy *l, xl_late_fn late, void *data)
{
	for (unsigned i = 0; i < MAX_LOOKS; i++) {
		int r = try_instant(l, late, data);

		if (r < 0)
			return r;
		if (none(&l->suspect))
			break;
	}
	if (l->e->copier.passing)
		l->e->hv->doing = "map pages";
	return l->e->copier.passing;
}

/* ---- outside again ---- */

int xl_last_copy_put(struct xl_last_copy *l)
{
	struct xl_engine *e = l->e;
	struct xl_stash *st = &l->stash;
	struct xl_cut *cut = e->cut;
	struct xl_round *round;

	assert(cut->rounds < XL_MAX_ROUNDS);
	round = &cut->round[cut->rounds++];
	*round = (struct xl_round){ .dirty = st->n, .ns = cut->pause_ns.total };
	for (size_t i = 0; i < st->n; i++) {
		int r;

		if (i % XL_COPY_BATCH == 0)
			xl_engine_progress(e, XLDUMP_PHASE_FINISH, i, st->n);
		if (st->type[i] == XL_PAGE_XTAB) {
			xl_bitmap_clear(&e->map->present, st->pfn[i]);
			continue;
		}
		xl_bitmap_set(&e->map->present, st->pfn[i]);
		r = xl_engine_put(e, st->pfn[i], st->type[i], st->page + i * XL_PAGE_SIZE);
		if (r < 0)
			return r;
		round->copied++;
	}
	cut->suspects = xl_bitmap_count(&l->suspect);
	if (cut->suspects) {
		cut->suspect = l->suspect;
		l->suspect = (struct xl_bitmap){ 0 };
	}
	return 0;
}
