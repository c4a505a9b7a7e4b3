/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a dump once more, in another format: sizes and times of codecs side by side, and files for
 * the readers, without a guest.
 *
 * The cut is rebuilt from what the dump says: the registers from its QEMU notes, the kernel by the
 * same search as in a guest.  How the dump was taken is not known any more, and the note says so.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "format/formats.h"
#include "format/notes_format.h"
#include "../readers/core.h"

#define MAX_VCPUS 128

static int read_core(void *data, uint64_t paddr, void *buf, size_t len)
{
	const struct core *c = data;
	uint8_t *p = buf;

	while (len > 0) {
		const unsigned char *page = core_page(c, paddr / PAGE);
		size_t n = PAGE - paddr % PAGE;

		if (!page)
			return -EFAULT;
		n = n < len ? n : len;
		memcpy(p, page + paddr % PAGE, n);
		p += n;
		paddr += n;
		len -= n;
	}
	return 0;
}

static void take_segment(const uint8_t *p, struct xl_segment *seg)
{
	uint32_t attr = xl_get_le32(p + 8);

	seg->sel = (uint16_t)xl_get_le32(p);
	seg->limit = xl_get_le32(p + 4);
	seg->attr = (attr >> 8 & 0xff) | (attr >> 12 & 0xf00);
	seg->base = xl_get_le64(p + 16);
}

static void take_vcpu(const uint8_t *p, struct xl_vcpu *v)
{
	uint64_t *const reg[] = {
		&v->rax, &v->rbx, &v->rcx, &v->rdx, &v->rsi, &v->rdi, &v->rsp, &v->rbp, &v->r8,
		&v->r9, &v->r10, &v->r11, &v->r12, &v->r13, &v->r14, &v->r15, &v->rip, &v->rflags,
	};
	struct xl_segment *const seg[] = {
		&v->cs, &v->ds, &v->es, &v->fs, &v->gs, &v->ss, &v->ldt, &v->tr, &v->gdt, &v->idt,
	};

	v->online = true;
	for (size_t i = 0; i < XL_ARRAY_SIZE(reg); i++)
		*reg[i] = xl_get_le64(p + QEMU_STATE_REGS + 8 * i);
	for (size_t i = 0; i < XL_ARRAY_SIZE(seg); i++)
		take_segment(p + QEMU_STATE_SEGMENTS + QEMU_SEGMENT_SIZE * i, seg[i]);
	v->fs_base = v->fs.base;
	v->gs_base = v->gs.base;
	v->in_kernel = (v->cs.sel & 3) == 0;
	v->cr0 = xl_get_le64(p + QEMU_STATE_CR);
	v->cr2 = xl_get_le64(p + QEMU_STATE_CR + 16);
	v->cr3 = xl_get_le64(p + QEMU_STATE_CR + 24);
	v->cr4 = xl_get_le64(p + QEMU_STATE_CR + 32);
	v->kernel_gs_base = xl_get_le64(p + QEMU_STATE_KERNEL_GS);
}

/* Registers are in the notes in front of the pages; their names are looked for. */
static void take_vcpus(const struct core *c, struct xl_cut *cut)
{
	static const uint8_t head[] = { 5, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0, 0, 0,
					'Q', 'E', 'M', 'U', 0, 0, 0, 0 };
	const uint8_t *p = c->file, *end = c->file + c->page[0].offset;

	while (cut->vcpus < MAX_VCPUS && (p = memmem(p, (size_t)(end - p), head, sizeof(head)))) {
		struct xl_vcpu *v = &cut->vcpu[cut->vcpus];

		p += sizeof(head);
		v->id = cut->vcpus++;
		take_vcpu(p, v);
		if (v->id < core_vcpus(c))
			memcpy(v->context, c->vcpus.bytes + v->id * CONTEXT_SIZE, CONTEXT_SIZE);
	}
}

static int make_cut(struct xl_ctx *x, struct core *c, struct xl_cut *cut)
{
	struct xl_candidates found = { 0 };

	cut->nr_pfns = c->page[c->pages - 1].pfn + 1;
	cut->vcpu = calloc(MAX_VCPUS, sizeof(*cut->vcpu));
	if (!cut->vcpu || xl_bitmap_init(&cut->present, cut->nr_pfns) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < c->pages; i++) {
		xl_bitmap_set(&cut->present, c->page[i].pfn);
		xl_candidates_look(&found, c->page[i].pfn, c->file + c->page[i].offset);
	}
	take_vcpus(c, cut);
	cut->type = XLDUMP_GUEST_PVH;
	strcpy(cut->reason, "written again from another dump");
	cut->dom.tot_pages = c->pages;
	if (xl_kernel_identify(x, &found, read_core, c, &cut->kernel) < 0) {
		fprintf(stderr, "no kernel found: %s\n", x->err);
		xl_err_clear(x);
	}
	return 0;
}

static int write_again(struct xl_ctx *x, const struct core *c, const struct xl_cut *cut,
		       const struct xl_format_params *params, struct xl_sink *sink)
{
	const struct xl_layout layout = { .nr_pfns = cut->nr_pfns,
					  .present = &cut->present,
					  .vcpus = cut->vcpus };
	struct xl_format *format = NULL;
	uint64_t bytes, disk;
	int r = xl_format_open(x, &layout, sink, params, &format);

	for (size_t i = 0; r == 0 && i < c->pages; i++)
		r = xl_format_put(x, format, c->page[i].pfn, c->file + c->page[i].offset);
	if (r == 0)
		r = xl_format_seal(x, format, cut);
	xl_format_close(format);
	if (r == 0)
		r = xl_sink_commit(x, sink, &bytes, &disk);
	if (r == 0)
		fprintf(stderr, "%zu pages, %" PRIu64 " bytes, %" PRIu64 " on disk", c->pages,
			bytes, disk);
	return r;
}

int main(int argc, char **argv)
{
	struct xl_format_params params = { 0 };
	_cleanup_(xl_sink_closep) struct xl_sink *sink = NULL;
	_cleanup_(xl_cut_deinit) struct xl_cut cut = { 0 };
	struct xl_ctx x = { 0 };
	struct timespec from, to;
	struct core c;
	int r;

	if (argc < 4 || argc > 6 || xldump_format_parse(argv[3], &params.format) < 0 ||
	    (argc > 4 && xldump_codec_parse(argv[4], &params.codec, &params.level) < 0)) {
		fprintf(stderr, "usage: redump IN OUT|- FORMAT [CODEC[:LEVEL] [THREADS]]\n");
		return 2;
	}
	params.threads = argc > 5 ? (unsigned)atoi(argv[5]) : 0;
	if (core_open(&c, argv[1]) < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], c.error);
		return 1;
	}
	r = make_cut(&x, &c, &cut);
	if (r == 0)
		r = strcmp(argv[2], "-") == 0 ? xl_sink_fd_open(&x, STDOUT_FILENO, &sink) :
						xl_sink_file_open(&x, argv[2], true, &sink);
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	if (r == 0)
		r = write_again(&x, &c, &cut, &params, sink);
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	core_close(&c);
	if (r < 0) {
		fprintf(stderr, "%s\n", x.err);
		return 1;
	}
	fprintf(stderr, ", %.2f s\n", (double)(to.tv_sec - from.tv_sec) +
					      (double)(to.tv_nsec - from.tv_nsec) / 1e9);
	return 0;
}
