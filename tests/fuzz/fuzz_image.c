/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dump files of any kind: opened, looked at, verified, asked for the kernel's log.
 *
 *	b:flags, then the file.  Flag 1: its kernel is looked for in all pages. */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "image/image_cut.h"
#include "image/image_klog.h"
#include "image/image_verify.h"
#include "image/recast.h"

/* A segment of zeros can have more pages than there is time for. */
#define PAGES_MAX 2000

static void on_finding(void *data, enum xl_verify_level level, const char *line)
{
	(void)data;
	FUZZ_CHECK(level <= XL_VERIFY_DONE && line[0]);
}

static void on_record(void *data, uint64_t ns, const char *text, size_t len)
{
	uint64_t *sum = data;

	*sum += ns;
	for (size_t i = 0; i < len; i++)
		*sum += (unsigned char)text[i];
}

static void look_at_pages(struct xl_ctx *x, struct xl_image *img)
{
	uint8_t page[XL_PAGE_SIZE];
	xl_pfn_t pfn = xl_image_next(img, 0);
	uint64_t n = 0;

	for (; pfn < img->nr_pfns && n < PAGES_MAX; pfn = xl_image_next(img, pfn + 1), n++) {
		int r = xl_image_page(x, img, pfn, page);

		FUZZ_CHECK(xl_image_has(img, pfn));
		FUZZ_CHECK(r == 0 || x->err[0]);
		x->err[0] = '\0';
		(void)xl_image_pfn_to_mfn(img, pfn);
	}
	FUZZ_CHECK(n <= img->pages);
	(void)xl_image_mfn_to_pfn(img, 77);
	FUZZ_CHECK(img->pages <= XL_MAX_PFNS && img->nr_pfns <= XL_MAX_PFNS);
}

static volatile unsigned char seen; /* so that no look is left out */

static void look_at_notes(const struct xl_image *img)
{
	unsigned char sum = 0;

	for (size_t i = 0; i < img->notes; i++) {
		FUZZ_CHECK(img->note[i].name);
		for (size_t j = 0; j < img->note[i].size; j++)
			sum ^= img->note[i].desc[j];
	}
	for (const char *p = img->json; p && *p; p++)
		sum ^= (unsigned char)*p;
	for (const char *p = img->vmcoreinfo; p && *p; p++)
		sum ^= (unsigned char)*p;
	seen = sum;
}

static void look_at_kernel(struct xl_ctx *x, struct xl_image *img, bool scan)
{
	struct xl_image_vm vm;
	uint64_t sum = 0, broken;
	uint8_t byte;

	if (img->pages > PAGES_MAX || xl_image_vm_init(x, img, scan, &vm) < 0)
		return;
	x->err[0] = '\0';
	FUZZ_CHECK(xl_image_klog(x, &vm, on_record, &sum, &broken) == 0 || x->err[0]);
	FUZZ_CHECK(xl_image_vm_read(&vm, 0xffff888000000000, &byte, 1) <= 0);
	xl_image_vm_deinit(&vm);
}

/* To the other form, page by page. */
static void look_at_recast(struct xl_ctx *x, struct xl_image *img, struct xl_cut *cut)
{
	struct xl_recast recast;
	uint8_t page[XL_PAGE_SIZE];
	int r = xl_recast_init(x, img, cut, !cut->raw, &recast);

	for (xl_pfn_t pfn = xl_image_next(img, 0); r == 0 && pfn < img->nr_pfns;
	     pfn = xl_image_next(img, pfn + 1)) {
		r = xl_image_page(x, img, pfn, page);
		if (r == 0)
			r = xl_recast_page(x, &recast, pfn, page);
	}
	if (r == 0) {
		_cleanup_json_ struct json_object *note = json_object_new_object();

		FUZZ_CHECK(xl_recast_note(&recast, note));
	}
	FUZZ_CHECK(r == 0 || x->err[0]);
	xl_recast_deinit(&recast);
}

/* As for writing it again; memory goes by the highest pfn there. */
static void look_at_cut(struct xl_ctx *x, struct xl_image *img)
{
	const struct xl_image_p2m_run *last = img->p2ms ? &img->p2m[img->p2ms - 1] : NULL;
	struct xl_cut *cut;

	if (img->nr_pfns > 1 << 20 || img->pages > PAGES_MAX ||
	    (last && last->pfn + last->count > 1 << 20))
		return;
	cut = calloc(1, sizeof(*cut));
	FUZZ_CHECK(cut);
	if (xl_image_cut_init(x, img, cut) < 0)
		FUZZ_CHECK(x->err[0]);
	else
		look_at_recast(x, img, cut);
	xl_image_cut_deinit(cut);
	free(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct xl_verify v = { .fn = on_finding };
	struct xl_image *img = NULL;
	struct xl_ctx x = { 0 };
	uint8_t flags = fuzz_u8(&in);
	int fd = memfd_create("dump", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && write(fd, in.p, in.left) == (ssize_t)in.left);
	if (xl_image_fdopen(&x, fd, &img) < 0) {
		FUZZ_CHECK(x.err[0]);
		return 0;
	}
	look_at_pages(&x, img);
	look_at_notes(img);
	look_at_kernel(&x, img, flags & 1);
	x.err[0] = '\0';
	look_at_cut(&x, img);
	x.err[0] = '\0';
	v.x = &x;
	v.img = img;
	if (img->pages <= PAGES_MAX)
		FUZZ_CHECK(xl_image_verify(&v) == 0 || x.err[0]);
	xl_image_close(img);
	return 0;
}
