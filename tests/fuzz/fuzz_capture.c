/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole dump of a guest that is hostile in every way at once, by each strategy.
 *
 *	b:strategy b:flags (1 auto-translated, 2 paused by somebody, 4 limit of the pause,
 *	8 extend it, 16 device model, 32 PV of 32 bits)
 *	PV: q:max_pfn q:list_list q:cr3 q:vaddr q:generation.  Else: q:nr_gfns, 4 unused q
 *	types: b:n, n x (w:first w:count b:type), of frames or of gfns
 *	special frames and grants: b:n, n x w, twice
 *	the records of the memory, 00; then records for each time the guest has run on, and the log:
 *	b:n, n x w:pfn
 */
#include <errno.h>

#include "format/formats.h"
#include "capture/capture.h"
#include "fuzz_hv.h"
#include "look_elf.h"

struct job {
	struct fuzz_hv f;
	struct xl_ctx x;
	struct xl_capture_params params;
	struct xl_physmap map;
	struct xl_pipeline *pipe;
	struct xl_cut cut;
	struct xl_bitmap layout;
	struct xl_format *format;
};

static void take_root(struct fuzz_hv *f, struct fuzz_in *in)
{
	/* In shared_info, of 64 and of 32 bits. */
	static const unsigned at[] = { 3088, 3096, 3112, 3120, 3128 };
	static const unsigned at32[] = { 2316, 2320, 2328, 2332, 2336 };
	uint64_t v[XL_ARRAY_SIZE(at)];

	for (size_t i = 0; i < XL_ARRAY_SIZE(at); i++) {
		v[i] = fuzz_u64(in);
		if (f->width == 32)
			xl_put_le32(f->shared_info + at32[i], (uint32_t)v[i]);
		else
			xl_put_le64(f->shared_info + at[i], v[i]);
	}
	f->nr_gfns = v[0] % (4 * FUZZ_FRAMES);
}

static size_t take_frames(struct fuzz_in *in, xl_frame_t *ret, size_t max)
{
	size_t n = fuzz_u8(in) % (max + 1);

	for (size_t i = 0; i < n; i++)
		ret[i] = fuzz_u16(in);
	return n;
}

static void job_init(struct job *j, struct fuzz_in *in)
{
	struct fuzz_hv *f = &j->f;
	uint8_t strategy = fuzz_u8(in), flags = fuzz_u8(in);

	fuzz_hv_init(f);
	f->dom.pv = !(flags & 1);
	f->width = f->dom.pv && (flags & 32) ? 32 : 64;
	f->dom.paused = flags & 2;
	f->dom.hvm_devices = (flags & 16) && !f->dom.pv;
	f->dom.max_vcpu_id = 1;
	f->dom.tot_pages = f->dom.max_pages = FUZZ_FRAMES;
	for (size_t i = 0; i < XL_ARRAY_SIZE(f->vcpu); i++) {
		f->vcpu[i].online = true;
		f->vcpu[i].cr3 = 0x1000;
		if (f->width == 32)
			xl_put_le32(f->vcpu[i].context + 2728, 0x1000);
	}
	j->params = (struct xl_capture_params){
		.strategy = strategy % _XLDUMP_STRATEGY_MAX,
		.max_pause_ns = flags & 4 ? 100000 : 0,
		.extend_pause = flags & 8,
		.max_rounds = 3,
	};
	take_root(f, in);
	fuzz_hv_take_types(f, f->dom.pv ? FUZZ_FRAMES : f->nr_gfns, in, 2);
	f->specials = take_frames(in, f->special, XL_ARRAY_SIZE(f->special));
	f->grants = take_frames(in, f->grant, XL_ARRAY_SIZE(f->grant));
	fuzz_mem_fill(&f->mem, in);
	f->later = *in;
}

/* The steps of xldump_dump(). */
static int dump(struct job *j, struct xl_sink *sink)
{
	struct xl_hv *hv = &j->f.hv;
	struct xl_layout layout;
	int r;

	j->cut.dom = j->f.dom;
	j->cut.host = j->f.host;
	j->cut.type = j->f.dom.pv ? XLDUMP_GUEST_PV : XLDUMP_GUEST_PVH;
	r = xl_physmap_build(&j->x, hv, &j->cut.dom, j->cut.host.max_mfn, &j->map);
	if (r < 0)
		return r;
	if (xl_bitmap_init(&j->layout, j->map.nr_pfns) < 0)
		abort();
	xl_bitmap_copy(&j->layout, &j->map.present);
	layout = (struct xl_layout){ .nr_pfns = j->map.nr_pfns, .present = &j->layout, .vcpus = 2 };
	r = xl_format_open(&j->x, &layout, sink, &(struct xl_format_params){
		.format = j->map.narrow ? XLDUMP_FORMAT_XENCORE : XLDUMP_FORMAT_ELF }, &j->format);
	if (r == 0)
		r = xl_pipeline_create(&j->x, &(struct xl_pipeline_params){
			.format = j->format, .nr_pfns = j->map.nr_pfns, .max_tables = FUZZ_FRAMES,
		}, &j->pipe);
	if (r == 0)
		r = xl_capture(&j->x, hv, &j->params, &j->map, j->pipe, &j->cut);
	/* Whatever happened, the guest runs. */
	FUZZ_CHECK(j->f.pauses == 0 && !j->f.logging && !j->f.dm_logging);
	return r < 0 ? r : xl_pipeline_seal(j->pipe, &j->cut);
}

/* No page table leads out of the guest. */
static void check_page(void *data, xl_pfn_t pfn, const uint8_t *page)
{
	const struct job *j = data;

	for (size_t i = 0; i < j->cut.tables; i++) {
		if (j->cut.table[i].pfn != pfn)
			continue;
		for (unsigned k = 0; k < XL_PTES_PER_PAGE; k++) {
			uint64_t pte = xl_get_le64(page + 8 * k);
			uint64_t to = (pte & 0x000ffffffffff000ULL) >> XL_PAGE_SHIFT;

			FUZZ_CHECK(!(pte & 1) || (to < j->map.nr_pfns &&
						  j->map.p2m[to] != XL_INVALID_FRAME));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct job *j = calloc(1, sizeof(*j));
	struct xl_sink *sink;
	int fd;

	if (!j)
		abort();
	job_init(j, &in);
	sink = look_sink(&fd);
	if (dump(j, sink) == 0)
		look_elf(fd, &j->cut, check_page, j);
	else
		FUZZ_CHECK(j->x.err[0]);
	xl_format_close(j->format);
	xl_sink_close(sink);
	xl_pipeline_destroy(j->pipe);
	xl_bitmap_deinit(&j->layout);
	xl_cut_deinit(&j->cut);
	xl_physmap_deinit(&j->map);
	fuzz_hv_deinit(&j->f);
	free(j);
	return 0;
}
