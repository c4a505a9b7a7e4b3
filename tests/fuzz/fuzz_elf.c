/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages as they come, a cut with a hostile guest in it, and the file that is made of them.
 *
 *	b:flags (1 PV, 2 sections only, 4 kdump) w:nr_pfns b:vcpus
 *	layout: b:n, n x (w:first w:count b:step)
 *	puts: b:n, n x (w:first w:count b:step b:type b:contents); contents 0 is a page of zeros
 *	present at T: the same
 *	q:image_start q:image_end q:page_offset q:phys_base q:xen_start_info_pa
 *	name[256] reason[256] release[65] (b:length and bytes, each)
 *	w:edits q:paddr q:step
 *	w:vmcoreinfo bytes and the text
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../readers/kdump.h"
#include "look_elf.h"
#include "format/formats.h"
#include "guest/vmcoreinfo.h"
#include "page/pipeline.h"

#define NR_MAX 8192

struct model {
	struct xl_cut cut;
	struct xl_bitmap layout, known;
	uint8_t type[NR_MAX], contents[NR_MAX];
	xl_mfn_t p2m[NR_MAX];
	bool pv;
	struct xl_pipeline *pipe;
};

/* Page tables are those of a guest that points anywhere. */
static void make_page(xl_pfn_t pfn, uint8_t contents, uint64_t page[XL_PTES_PER_PAGE])
{
	for (unsigned i = 0; i < XL_PTES_PER_PAGE; i++)
		page[i] = contents ? (pfn * 512 + i * contents) << XL_PAGE_SHIFT | contents : 0;
}

static void take_ranges(struct fuzz_in *in, struct xl_bitmap *b)
{
	for (unsigned n = fuzz_u8(in); n; n--) {
		uint64_t first = fuzz_u16(in), count = fuzz_u16(in), step = fuzz_u8(in) + 1;

		for (uint64_t pfn = first; pfn < first + count && pfn < b->nbits; pfn += step)
			xl_bitmap_set(b, pfn);
	}
}

static void take_text(struct fuzz_in *in, char *ret, size_t size)
{
	size_t n = fuzz_u8(in);

	n = n < size ? n : size - 1;
	fuzz_bytes(in, ret, n);
	ret[n] = '\0';
}

static void take_kernel(struct fuzz_in *in, struct xl_cut *cut)
{
	struct xl_kernel *k = &cut->kernel;
	uint16_t edits;
	uint64_t paddr, step;

	k->image_start = fuzz_u64(in) & ~XL_PAGE_MASK;
	k->image_end = fuzz_u64(in) & ~XL_PAGE_MASK;
	k->page_offset = fuzz_u64(in);
	k->phys_base = (int64_t)fuzz_u64(in);
	k->xen_start_info_pa = fuzz_u64(in) & ~7ULL;
	take_text(in, cut->name, sizeof(cut->name));
	take_text(in, cut->reason, sizeof(cut->reason));
	take_text(in, k->release, sizeof(k->release));
	edits = fuzz_u16(in);
	paddr = fuzz_u64(in);
	step = fuzz_u64(in);
	for (; edits; edits--, paddr += step) {
		if (xl_edits_add(&cut->edits, paddr, edits) < 0)
			abort();
	}
	k->vmcoreinfo_len = fuzz_u16(in) % (XL_VMCOREINFO_MAX + 1);
	k->vmcoreinfo = calloc(1, k->vmcoreinfo_len + 1);
	if (!k->vmcoreinfo)
		abort();
	fuzz_bytes(in, k->vmcoreinfo, k->vmcoreinfo_len);
}

static int put_pages(struct model *m, struct fuzz_in *in)
{
	uint64_t page[XL_PTES_PER_PAGE];

	for (unsigned n = fuzz_u8(in); n; n--) {
		uint64_t first = fuzz_u16(in), count = fuzz_u16(in), step = fuzz_u8(in) + 1;
		uint8_t type = fuzz_u8(in), contents = fuzz_u8(in);

		type = m->pv ? type % (XL_PAGE_L4TAB + 1) : XL_PAGE_NOTAB;
		for (xl_pfn_t pfn = first; pfn < first + count && pfn < m->cut.nr_pfns;
		     pfn += step) {
			int r;

			make_page(pfn, contents, page);
			r = xl_pipeline_put(m->pipe, pfn, type, page);
			if (r < 0)
				return r;
			xl_bitmap_set(&m->known, pfn);
			m->type[pfn] = type;
			m->contents[pfn] = contents;
		}
	}
	return 0;
}

/* What the file has of a page that was put. */
static void check_page(void *data, xl_pfn_t pfn, const uint8_t *page)
{
	struct model *m = data;
	uint64_t want[XL_PTES_PER_PAGE];

	make_page(pfn, m->contents[pfn], want);
	if (m->type[pfn] == XL_PAGE_NOTAB) {
		/* The one that was patched differs in 8 bytes. */
		if (m->pv && pfn == m->cut.kernel.xen_start_info_pa >> XL_PAGE_SHIFT)
			want[(m->cut.kernel.xen_start_info_pa & XL_PAGE_MASK) / 8] = 0;
		FUZZ_CHECK(memcmp(page, want, sizeof(want)) == 0);
		return;
	}
	for (unsigned i = 0; i < XL_PTES_PER_PAGE; i++) {
		uint64_t pte = xl_get_le64(page + 8 * i);
		uint64_t to = (pte & 0x000ffffffffff000ULL) >> XL_PAGE_SHIFT;

		FUZZ_CHECK(!(pte & 1) || (to < m->cut.nr_pfns &&
					  m->p2m[to] != XL_INVALID_FRAME));
	}
}

/* The same of a kdump file, with the reader that knows all rules. */
static void look_kdump(int fd, struct model *m)
{
	uint8_t page[XL_PAGE_SIZE];
	struct kdump k;
	struct stat st;
	void *file;

	FUZZ_CHECK(fstat(fd, &st) == 0);
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	FUZZ_CHECK(file != MAP_FAILED);
	FUZZ_CHECK(kdump_open(&k, file, (uint64_t)st.st_size) == 0);
	for (xl_pfn_t pfn = 0; pfn < m->cut.nr_pfns; pfn++) {
		FUZZ_CHECK(kdump_has(&k, pfn) == xl_bitmap_test(&m->cut.present, pfn));
		if (!kdump_has(&k, pfn))
			continue;
		FUZZ_CHECK(kdump_page(&k, pfn, page) == 0);
		check_page(m, pfn, page);
	}
	kdump_close(&k);
	munmap(file, (size_t)st.st_size);
}

static int run(struct xl_ctx *x, struct model *m, struct fuzz_in *in,
	       struct xl_format *format)
{
	int r = xl_pipeline_create(x, &(struct xl_pipeline_params){
		.format = format, .nr_pfns = m->cut.nr_pfns, .max_tables = 512,
	}, &m->pipe);

	if (r == 0)
		r = put_pages(m, in);
	if (r < 0)
		return r;
	take_ranges(in, &m->cut.present);
	for (size_t i = 0; i < xl_bitmap_words(m->cut.nr_pfns); i++)
		m->cut.present.word[i] &= m->known.word[i];
	take_kernel(in, &m->cut);
	/* As the engine does: once the kernel is known that page is read again. */
	if (m->pv) {
		xl_pfn_t pfn = m->cut.kernel.xen_start_info_pa >> XL_PAGE_SHIFT;
		uint64_t page[XL_PTES_PER_PAGE];

		xl_pipeline_hold(m->pipe, pfn);
		if (pfn < m->cut.nr_pfns && xl_bitmap_test(&m->known, pfn)) {
			make_page(pfn, m->contents[pfn], page);
			r = xl_pipeline_put(m->pipe, pfn, m->type[pfn], page);
		}
	}
	return r < 0 ? r : xl_pipeline_seal(m->pipe, &m->cut);
}

static void model_init(struct model *m, struct fuzz_in *in)
{
	struct xl_cut *cut = &m->cut;

	cut->nr_pfns = fuzz_u16(in) % NR_MAX + 1;
	cut->dom.pv = m->pv;
	cut->vcpus = fuzz_u8(in) % 16;
	cut->vcpu = calloc(cut->vcpus + 1, sizeof(*cut->vcpu));
	if (!cut->vcpu || xl_bitmap_init(&m->layout, cut->nr_pfns) < 0 ||
	    xl_bitmap_init(&m->known, cut->nr_pfns) < 0 ||
	    xl_bitmap_init(&cut->present, cut->nr_pfns) < 0)
		abort();
	for (uint32_t i = 0; i < cut->vcpus; i++) {
		cut->vcpu[i].online = i % 3 != 2;
		cut->vcpu[i].in_kernel = i % 2;
		cut->vcpu[i].cr3 = i << XL_PAGE_SHIFT;
	}
	for (xl_pfn_t pfn = 0; pfn < cut->nr_pfns; pfn++)
		m->p2m[pfn] = pfn % 7 == 6 ? XL_INVALID_FRAME : pfn * 3 + 1;
	cut->p2m = m->pv ? m->p2m : NULL;
	take_ranges(in, &m->layout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct model *m = calloc(1, sizeof(*m));
	struct xl_format *format = NULL;
	struct xl_ctx x = { 0 };
	uint8_t flags = fuzz_u8(&in);
	const struct xl_format_params params = {
		.format = flags & 4 ? XLDUMP_FORMAT_KDUMP :
			  flags & 2 ? XLDUMP_FORMAT_XENCORE :
				      XLDUMP_FORMAT_ELF,
		.codec = XLDUMP_CODEC_LZO,
		.threads = 1,
	};
	struct xl_layout layout;
	struct xl_sink *sink;
	int fd, r;

	if (!m)
		abort();
	m->pv = flags & 1;
	model_init(m, &in);
	sink = look_sink(&fd);
	layout = (struct xl_layout){ .nr_pfns = m->cut.nr_pfns,
				     .present = &m->layout,
				     .vcpus = m->cut.vcpus };
	r = xl_format_open(&x, &layout, sink, &params, &format);
	FUZZ_CHECK(r == 0);
	r = run(&x, m, &in, format);
	/* More page tables than are believed; all else must give a file. */
	FUZZ_CHECK(r == 0 || r == -E2BIG);
	if (r == 0 && params.format == XLDUMP_FORMAT_KDUMP)
		look_kdump(fd, m);
	else if (r == 0)
		look_elf(fd, &m->cut, check_page, m);
	xl_format_close(format);
	xl_sink_close(sink);
	xl_pipeline_destroy(m->pipe);
	xl_bitmap_deinit(&m->layout);
	xl_bitmap_deinit(&m->known);
	xl_cut_deinit(&m->cut);
	free(m);
	return 0;
}
