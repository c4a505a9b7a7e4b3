/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated host: frames, writes and the dirty log's marks, time, the truth at T. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/bytes.h"

const char *const sim_op_name[SIM_NR_OPS] = {
#define _(op) #op,
	SIM_OPS(_)
#undef _
};

/* splitmix64 */
uint64_t sim_random(struct sim *s)
{
	uint64_t z = (s->rng += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t sim_below(struct sim *s, uint64_t n)
{
	return n ? sim_random(s) % n : 0;
}

void sim_broken(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (s->broken[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(s->broken, sizeof(s->broken), fmt, ap);
	va_end(ap);
}

/* ---- frames ---- */

xl_mfn_t sim_alloc(struct sim *s, enum sim_owner owner, xl_pfn_t pfn)
{
	xl_mfn_t mfn;

	if (s->nr_free == 0)
		return 0;
	mfn = s->free_ring[s->free_head++ % s->nr_frames];
	s->nr_free--;
	s->frame[mfn] = (struct sim_frame){ .owner = owner, .m2p = pfn };
	/* Xen scrubs what it gives away. */
	memset(sim_page(s, mfn), 0, XL_PAGE_SIZE);
	if (owner == SIM_GUEST)
		s->tot_pages++;
	return mfn;
}

void sim_free(struct sim *s, xl_mfn_t mfn)
{
	if (s->frame[mfn].owner == SIM_GUEST)
		s->tot_pages--;
	s->frame[mfn] = (struct sim_frame){ .owner = SIM_FREE, .m2p = XL_INVALID_FRAME };
	memset(sim_page(s, mfn), 0xc2, XL_PAGE_SIZE);
	s->free_ring[(s->free_head + s->nr_free++) % s->nr_frames] = mfn;
}

/* ---- writes ---- */

void sim_mark(struct sim *s, xl_pfn_t pfn)
{
	if (!s->log_on || pfn >= s->log.nbits || xl_bitmap_test(&s->log, pfn))
		return;
	xl_bitmap_set(&s->log, pfn);
	s->log_count++;
}

void sim_write_unlogged(struct sim *s, xl_pfn_t pfn, size_t off, const void *data, size_t len)
{
	xl_mfn_t mfn = s->p2m[pfn];

	if (!mfn)
		return;
	memcpy(sim_page(s, mfn) + off, data, len);
	s->frame[mfn].gen++;
}

void sim_write(struct sim *s, xl_pfn_t pfn, size_t off, const void *data, size_t len)
{
	xl_mfn_t mfn = s->p2m[pfn];

	sim_write_unlogged(s, pfn, off, data, len);
	if (mfn && !s->frame[mfn].unarmed)
		sim_mark(s, pfn);
}

void sim_write64(struct sim *s, xl_pfn_t pfn, size_t index, uint64_t value)
{
	uint8_t le[8];

	xl_put_le64(le, value);
	sim_write(s, pfn, index * 8, le, sizeof(le));
}

uint64_t sim_read64(struct sim *s, xl_pfn_t pfn, size_t index)
{
	return xl_get_le64(sim_page(s, s->p2m[pfn]) + index * 8);
}

void sim_scribble(struct sim *s, xl_pfn_t pfn, bool logged)
{
	void (*put)(struct sim *, xl_pfn_t, size_t, const void *, size_t) =
		logged ? sim_write : sim_write_unlogged;
	uint8_t head[24];

	if (!s->p2m[pfn])
		return;
	xl_put_le64(head, 0x50414745ULL << 32 | pfn);
	xl_put_le64(head + 8, s->frame[s->p2m[pfn]].gen + 1);
	xl_put_le64(head + 16, s->clock);
	put(s, pfn, 0, head, sizeof(head));
	put(s, pfn, 24 + 8 * sim_below(s, 500), head + 8, 8);
	put(s, pfn, XL_PAGE_SIZE - 8, head + 16, 8);
}

/* ---- time ---- */

void sim_advance(struct sim *s, uint64_t ns)
{
	uint64_t end = s->clock + ns;

	for (;;) {
		struct sim_program *first = NULL;

		for (size_t i = 0; i < SIM_NR_PROGRAMS; i++) {
			struct sim_program *p = &s->program[i];

			if (p->interval && p->next <= end && (!first || p->next < first->next))
				first = p;
		}
		if (!first)
			break;
		if (first->next > s->clock)
			s->clock = first->next;
		/* Half to one and a half of the average. */
		first->next = s->clock + 1 + first->interval / 2 + sim_below(s, first->interval);
		/* With less CPU time a guest does less. */
		if (s->cap && !first->always)
			first->next += first->interval * 100 * s->dom.online_vcpus / s->cap;
		if (s->dom.dying || (!first->always && !sim_running(s)))
			continue;
		s->vcpu_gen += sim_running(s);
		first->act(s);
	}
	s->clock = end;
}

void sim_die(struct sim *s)
{
	s->dom.dying = true;
	s->log_on = false;
	s->dm_on = false;
}

/* ---- state that a dump must show ---- */

/* The first 2800 bytes are struct vcpu_guest_context of 32 bits: flags, eip, ctrlreg[3]. */
static void narrow_context(const struct sim *s, struct xl_vcpu *v)
{
	memset(v->context + 2800, 0, sizeof(v->context) - 2800);
	xl_put_le32(v->context + 512, 0x24);
	xl_put_le32(v->context + 548, (uint32_t)v->rip);
	xl_put_le32(v->context + 2728, (uint32_t)sim_pv_cr3(s, s->top));
	v->in_kernel = true;
}

void sim_vcpu(const struct sim *s, uint32_t id, struct xl_vcpu *ret)
{
	uint64_t v = s->vcpu_gen * XL_MAX_VCPUS + id;
	uint64_t top = s->dom.pv ? (uint64_t)s->p2m[s->top] << 12 : 0x1000;

	*ret = (struct xl_vcpu){ .id = id, .online = id < s->params.vcpus - 1 && id != 100 };
	if (!ret->online)
		return;
	ret->rip = s->params.narrow ? (uint32_t)(0xc1000000 + v) : 0xffffffff81000000ULL + v;
	ret->rsp = v << 8;
	ret->rax = ~v;
	ret->rflags = 0x202;
	ret->cr0 = 0x80050033;
	ret->cr3 = top;
	if (s->kernel_cr3) {
		ret->in_kernel = true;
		ret->cr3 = s->kernel_cr3;
	}
	for (size_t i = 0; i < sizeof(ret->context); i++)
		ret->context[i] = (uint8_t)(v + i);
	if (s->params.narrow) {
		narrow_context(s, ret);
		return;
	}
	/* rip, ctrlreg[1], the user's tables, and ctrlreg[3] of vcpu_guest_context. */
	xl_put_le64(ret->context + 648, ret->rip);
	xl_put_le64(ret->context + 4992, s->dom.pv ? top | 1 : 0);
	xl_put_le64(ret->context + 5008, top);
}

static void add_page(struct sim *s, xl_pfn_t pfn)
{
	struct sim_truth *t = &s->truth;
	xl_mfn_t mfn = s->p2m[pfn];

	t->pfn[t->n] = pfn;
	t->mfn[t->n] = mfn;
	t->gen[t->n] = s->frame[mfn].gen;
	t->type[t->n] = s->frame[mfn].type;
	memcpy(t->page + t->n * XL_PAGE_SIZE, sim_page(s, mfn), XL_PAGE_SIZE);
	t->n++;
}

void sim_take_truth(struct sim *s)
{
	struct sim_truth *t = &s->truth;

	t->taken = true;
	t->at = s->clock;
	t->n = 0;
	for (xl_pfn_t pfn = 0; pfn < s->nr_pfns; pfn++) {
		xl_mfn_t mfn = s->p2m[pfn];

		if (mfn && (s->frame[mfn].owner == SIM_GUEST || pfn == s->xen_page) &&
		    s->frame[mfn].type <= XL_PAGE_L4TAB)
			add_page(s, pfn);
	}
	for (uint32_t i = 0; i < s->params.vcpus; i++)
		sim_vcpu(s, i, &t->vcpu[i]);
	memcpy(t->shared_info, s->shared_info, sizeof(t->shared_info));
}

/* ---- life of the host ---- */

/* Memory that a child shares, so that what it has done to the host outlives it.  The size is kept in
 * front. */
#define SHARED_HEAD 64

void *sim_calloc(size_t n, size_t size)
{
	size_t bytes = n * size + SHARED_HEAD;
	uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	memcpy(p, &bytes, sizeof(bytes));
	return p + SHARED_HEAD;
}

void sim_mfree(void *mem)
{
	uint8_t *p = mem;
	size_t bytes;

	if (!p)
		return;
	memcpy(&bytes, p - SHARED_HEAD, sizeof(bytes));
	(void)munmap(p - SHARED_HEAD, bytes);
}

/* A host's frames and the copy of them at T, in memory that is used again by the next host: to have the
 * kernel give it anew, page by page, took half of the time of a dump. */
static struct sim_kept kept_ram = { .fd = -1 }, kept_truth = { .fd = -1 };

static void kept_free(struct sim_kept *k)
{
	if (k->mem)
		(void)munmap(k->mem, k->pages * XL_PAGE_SIZE);
	xl_closep(&k->fd);
	*k = (struct sim_kept){ .fd = -1 };
}

/* Take what is kept, if it is enough, or something new.  What the pages hold is not known. */
static int kept_take(struct sim_kept *from, size_t pages, struct sim_kept *ret)
{
	if (from->pages >= pages) {
		*ret = *from;
		*from = (struct sim_kept){ .fd = -1 };
		return 0;
	}
	*ret = (struct sim_kept){ .fd = memfd_create("sim", MFD_CLOEXEC), .pages = pages };
	if (ret->fd >= 0 && ftruncate(ret->fd, (off_t)(pages * XL_PAGE_SIZE)) == 0)
		ret->mem = mmap(NULL, pages * XL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				ret->fd, 0);
	if (!ret->mem || ret->mem == MAP_FAILED) {
		int r = -errno;

		ret->mem = NULL;
		kept_free(ret);
		return r;
	}
	return 0;
}

static void kept_give(struct sim_kept *to, struct sim_kept *k)
{
	struct sim_kept more = k->pages > to->pages ? *k : *to, less = k->pages > to->pages ? *to : *k;

	*to = more;
	kept_free(&less);
}

/* Frame 0 is never given away; the others come in runs, as Xen's allocator gives them, and the order
 * of the runs is no order.  A run is mapped at once. */
#define FRAMES_IN_RUN 8

static int fill_free_ring(struct sim *s)
{
	size_t n = s->nr_frames - 1;
	_cleanup_free_ xl_mfn_t *order = calloc(n, sizeof(*order));
	_cleanup_free_ bool *given = calloc(s->nr_frames / FRAMES_IN_RUN + 1, sizeof(*given));

	if (!order || !given)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		order[i] = i + 1;
	for (size_t i = n - 1; i > 0; i--) {
		size_t j = sim_below(s, i + 1);
		xl_mfn_t m = order[i];

		order[i] = order[j];
		order[j] = m;
	}
	for (size_t i = 0; i < n; i++) {
		xl_mfn_t run = order[i] / FRAMES_IN_RUN;

		for (xl_mfn_t m = run * FRAMES_IN_RUN; !given[run] && m < (run + 1) * FRAMES_IN_RUN; m++) {
			if (m > 0 && m < s->nr_frames)
				s->free_ring[s->nr_free++] = m;
		}
		given[run] = true;
	}
	return 0;
}

static int create_memory(struct sim *s)
{
	size_t n = s->nr_frames;
	int r = kept_take(&kept_ram, n, &s->ram_kept);

	if (r == 0)
		r = kept_take(&kept_truth, n, &s->truth_kept);
	if (r < 0)
		return r;
	s->memfd = s->ram_kept.fd;
	s->ram = s->ram_kept.mem;
	memset(s->ram, 0, n * XL_PAGE_SIZE);
	s->truth.page = s->truth_kept.mem;
	s->frame = sim_calloc(n, sizeof(*s->frame));
	s->free_ring = sim_calloc(n, sizeof(*s->free_ring));
	s->truth.cap = n;
	s->truth.pfn = sim_calloc(n, sizeof(*s->truth.pfn));
	s->truth.mfn = sim_calloc(n, sizeof(*s->truth.mfn));
	s->truth.gen = sim_calloc(n, sizeof(*s->truth.gen));
	s->truth.type = sim_calloc(n, sizeof(*s->truth.type));
	s->truth.vcpu = sim_calloc(s->params.vcpus, sizeof(*s->truth.vcpu));
	s->data = sim_calloc(n, sizeof(*s->data));
	s->out = sim_calloc(n, sizeof(*s->out));
	if (!s->frame || !s->free_ring || !s->truth.pfn || !s->truth.mfn || !s->truth.gen ||
	    !s->truth.type || !s->truth.vcpu || !s->data || !s->out)
		return -ENOMEM;
	return fill_free_ring(s);
}

int sim_create(const struct sim_params *params, struct sim **ret)
{
	_cleanup_(sim_destroyp) struct sim *s = sim_calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->hv.ops = &sim_hv_ops;
	s->ram_kept.fd = s->truth_kept.fd = -1;
	s->params = *params;
	s->rng = params->seed * 0xd1342543de82ef95ULL + 1;
	s->clock = 1000000000;
	if (!s->params.xen_minor)
		s->params.xen_minor = 20;
	if (!s->params.vcpus)
		s->params.vcpus = SIM_USUAL_VCPUS;
	if (!s->params.pages)
		s->params.pages = 500 + sim_below(s, 900);
	s->nr_frames = s->params.pages + s->params.pages / 4 + 400;
	s->dom = (struct xl_domain){
		.domid = SIM_DOMID,
		.pv = params->type == XLDUMP_GUEST_PV,
		.hvm_devices = params->type == XLDUMP_GUEST_HVM,
		.max_vcpu_id = s->params.vcpus - 1,
		.online_vcpus = s->params.vcpus - 1 - (s->params.vcpus > 101),
	};
	memset(s->dom.uuid, 0x5a, sizeof(s->dom.uuid));
	r = create_memory(s);
	if (r == 0)
		r = s->dom.pv ? sim_pv_create(s) : sim_auto_create(s);
	if (r < 0)
		return r;
	s->log.word = sim_calloc(xl_bitmap_words(s->nr_pfns) + 1, sizeof(*s->log.word));
	if (!s->log.word)
		return -ENOMEM;
	sim_programs_init(s);
	*ret = XL_TAKE_PTR(s);
	return 0;
}

void sim_destroy(struct sim *s)
{
	if (!s)
		return;
	kept_give(&kept_ram, &s->ram_kept);
	kept_give(&kept_truth, &s->truth_kept);
	sim_mfree(s->log.word);
	sim_mfree(s->frame);
	sim_mfree(s->free_ring);
	sim_mfree(s->p2m);
	sim_mfree(s->seen_absent);
	sim_mfree(s->data);
	sim_mfree(s->out);
	sim_mfree(s->p2m_page);
	sim_mfree(s->truth.pfn);
	sim_mfree(s->truth.mfn);
	sim_mfree(s->truth.gen);
	sim_mfree(s->truth.type);
	sim_mfree(s->truth.vcpu);
	sim_mfree(s);
}
