/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the readers of dump files share.
 *
 *   image.c         opening, pages by pfn
 *   imgfile.c       bytes of the file, with the records of a flattened one put in order
 *   image_elf.c     ELF: headers, segments, sections
 *   image_xen.c     Xen's sections and ours
 *   image_kdump.c   kdump-compressed
 *   image_codec.c   decompression of one page
 *   image_notes.c   ELF notes, of all of them
 *   image_kernel.c  the kernel in it: VMCOREINFO, virtual addresses
 *   image_klog.c    and its log
 *   image_cut.c     what it was made from, to write it again
 *   image_tables.c  page tables of a PV guest in a file that does not name them
 *   recast.c        from frames of the host to the guest's own, and back
 *   convert.c       all of it in another format
 *   image_verify.c  whether the file keeps the rules
 */
#ifndef XL_IMAGE_IMAGE_PRIVATE_H
#define XL_IMAGE_IMAGE_PRIVATE_H

#include "image/image.h"

/* What a broken file is answered with: the cause is not the caller's to act on. */
#define xl_image_bad(x, ...) xl_fail(x, XLDUMP_CAUSE_OTHER, -EINVAL, __VA_ARGS__)

/* Notes are read into memory.  Those of 8192 vCPUs are 6.5 MiB. */
#define XL_IMAGE_NOTES_MAX ((uint64_t)64 << 20)

/* ---- bytes ---- */

struct xl_imgfile {
	int fd;
	uint64_t size;     /* of the file */
	uint64_t end;      /* of what is in it: size, or the end of the last record */
	struct xl_flat_piece *piece; /* flattened: disjoint, ascending by offset; else NULL */
	size_t pieces;
};

/* Bytes [offset, offset + len) of the dump lie at `at` of the file. */
struct xl_flat_piece {
	uint64_t offset, len, at;
};

/* Looks whether it is flattened, and makes the list of pieces. */
_must_check_ int xl_imgfile_init(struct xl_ctx *x, struct xl_imgfile *f, int fd);
void xl_imgfile_deinit(struct xl_imgfile *f);

/* -EINVAL beyond the end, without words.  What no record has written reads as zero. */
_must_check_ int xl_imgfile_read(const struct xl_imgfile *f, uint64_t offset, void *buf,
				 size_t len);

/* Whether the range is in the dump. */
bool xl_imgfile_inside(const struct xl_imgfile *f, uint64_t offset, uint64_t len);

/* Malloced bytes, with a NUL behind them; `what` is for the words. */
_must_check_ int xl_imgfile_load(struct xl_ctx *x, const struct xl_imgfile *f, uint64_t offset,
				 uint64_t len, uint64_t max, const char *what, uint8_t **ret);

/* ---- formats; each fills img, whose file is open ---- */

_must_check_ int xl_image_open_elf(struct xl_ctx *x, struct xl_image *img);
_must_check_ int xl_image_open_kdump(struct xl_ctx *x, struct xl_image *img);

/* Xen's sections: pages if there are no program headers, notes, records of ours. */
_must_check_ int xl_image_open_xen(struct xl_ctx *x, struct xl_image *img);
_must_check_ int xl_image_open_records(struct xl_ctx *x, struct xl_image *img);

/* Add a run behind the others.  -EINVAL when it does not ascend; `what` names its origin. */
_must_check_ int xl_image_add_run(struct xl_ctx *x, struct xl_image *img,
				  const struct xl_image_run *run, const char *what);

/* Read the notes in a range of the file, which `what` names. */
_must_check_ int xl_image_read_notes(struct xl_ctx *x, struct xl_image *img, uint64_t offset,
				     uint64_t size, const char *what);

/* Look at what has been read, and set the members made from it. */
_must_check_ int xl_image_take_notes(struct xl_ctx *x, struct xl_image *img);

_must_check_ int xl_image_kdump_where(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn,
				      uint64_t *ret_offset, uint64_t *ret_size,
				      uint32_t *ret_flags);
_must_check_ int xl_image_kdump_page(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn,
				     uint8_t ret[XL_PAGE_SIZE]);

/* One page out of `size` bytes compressed as `flags` say.  -EINVAL: it is not that;
 * -EOPNOTSUPP: compressed in a way that is not known. */
_must_check_ int xl_codec_expand(uint32_t flags, const uint8_t *data, size_t size,
				 uint8_t ret[XL_PAGE_SIZE]);

#endif
