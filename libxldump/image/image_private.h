/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the readers of dump files share.
 *
 *   image_open.c    opening: which kind of file it is
 *   image.c         pages by pfn, of any kind
 *   imgfile.c       bytes of the file, with the records of a flattened one put in order
 *   pieces.c        which of several ranges holds where they overlap
 *   image_elf.c     ELF: headers, segments, sections
 *   image_memory.c  and its pages
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
#include "image/imgfile.h"

/* What a broken file is answered with: the cause is not the caller's to act on. */
#define xl_image_bad(x, ...) xl_fail(x, XLDUMP_CAUSE_OTHER, -EINVAL, __VA_ARGS__)

/* Notes are read into memory.  Those of 8192 vCPUs are 6.5 MiB. */
#define XL_IMAGE_NOTES_MAX ((uint64_t)64 << 20)

/* ---- kinds of files ---- */

struct xl_image_ops {
	const char *signature; /* what the file begins with */
	size_t signature_size;

	/* Fill img, whose file is open. */
	int (*open)(struct xl_ctx *x, struct xl_image *img);

	/* As the functions of image.h, of a pfn below nr_pfns; the last two of one that is there. */
	xl_pfn_t (*next)(const struct xl_image *img, xl_pfn_t pfn);
	xl_pfn_t (*next_stored)(struct xl_image *img, xl_pfn_t pfn);
	int (*where)(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn, uint64_t *ret_offset,
		     uint64_t *ret_size);
	int (*page)(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn,
		    uint8_t ret[XL_PAGE_SIZE]);
};

extern const struct xl_image_ops xl_image_elf, xl_image_kdump;

/* Xen's sections: pages if there are no program headers, notes, records of ours. */
_must_check_ int xl_image_open_xen(struct xl_ctx *x, struct xl_image *img);
_must_check_ int xl_image_open_records(struct xl_ctx *x, struct xl_image *img);

/* Add `len` bytes of memory from paddr on, which lie at `at` in the file.  -EINVAL beyond what a
 * guest can have; `what` names their origin.  Of what is added several times the first holds, and
 * what is in the file goes before zeros. */
_must_check_ int xl_image_add_memory(struct xl_ctx *x, struct xl_ranges *all, uint64_t paddr,
				     uint64_t len, uint64_t at, const char *what);

/* Set img->mem, img->pages and img->nr_pfns. */
_must_check_ int xl_image_set_memory(struct xl_ctx *x, struct xl_image *img, struct xl_ranges *all);

/* What a file that has memory as it is does, ELF of any kind. */
xl_pfn_t xl_memory_next(const struct xl_image *img, xl_pfn_t pfn);
xl_pfn_t xl_memory_next_stored(struct xl_image *img, xl_pfn_t pfn);
_must_check_ int xl_memory_where(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn,
				 uint64_t *ret_offset, uint64_t *ret_size);
_must_check_ int xl_memory_page(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn,
				uint8_t ret[XL_PAGE_SIZE]);

/* Read the notes in a range of the file, which `what` names. */
_must_check_ int xl_image_read_notes(struct xl_ctx *x, struct xl_image *img, uint64_t offset,
				     uint64_t size, const char *what);

/* A text that stands alone in the file, as if it were a note of that name, which is a constant. */
_must_check_ int xl_image_text_note(struct xl_ctx *x, struct xl_image *img, const char *name,
				    uint64_t offset, uint64_t size);

/* Look at what has been read, and set the members made from it. */
_must_check_ int xl_image_take_notes(struct xl_ctx *x, struct xl_image *img);

/* One page out of `size` bytes compressed as `flags` say.  -EINVAL: it is not that;
 * -EOPNOTSUPP: compressed in a way that is not known. */
_must_check_ int xl_codec_expand(uint32_t flags, const uint8_t *data, size_t size,
				 uint8_t ret[XL_PAGE_SIZE]);

#endif
