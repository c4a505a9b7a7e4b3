/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump file, whoever wrote it: its pages by pfn, its notes, and what xldump records beside them.
 *
 * A file is hostile input: every offset, length and count is checked against the file before it is
 * used, nothing is allocated that the file does not back with bytes, and an error names what is
 * wrong and the offset.
 */
#ifndef XL_IMAGE_IMAGE_H
#define XL_IMAGE_IMAGE_H

#include "base/bitmap.h"
#include "base/ctx.h"
#include "base/types.h"
#include "image/pieces.h"

enum xl_image_kind {
	XL_IMAGE_ELF,         /* program headers, with or without Xen's sections */
	XL_IMAGE_XENCORE,     /* Xen's sections, .xen_pfn: pages by pfn */
	XL_IMAGE_XENCORE_RAW, /* Xen's sections, .xen_p2m: page tables hold host frames */
	XL_IMAGE_KDUMP,       /* kdump-compressed */
	_XL_IMAGE_KIND_MAX
};

const char *xl_image_kind_name(enum xl_image_kind kind);

struct xl_image_p2m_run {
	xl_pfn_t pfn;
	xl_mfn_t mfn;
	uint64_t count;
};

struct xl_image_table {
	xl_pfn_t pfn;
	uint64_t level;
};

struct xl_image_edit {
	uint64_t paddr, old;
};

/* One note; what it points to lives as long as the image. */
struct xl_image_note {
	const char *name; /* NUL-terminated */
	uint32_t type;
	const uint8_t *desc;
	size_t size;
	uint64_t offset; /* of desc, in the file (reassembled, if that was flattened) */
};

struct xl_image_section {
	char name[32];
	uint32_t type;
	uint64_t offset, size, entsize;
};

/* What the header of a kdump-compressed file says. */
struct xl_image_kdump {
	uint32_t version, status, block_size, nr_cpus, dump_level;
	char uts[6][65];
	uint64_t time;                /* seconds since 1970; 0: not known */
	uint64_t phys_base, excluded; /* pages that are memory but not in the file */
	struct xl_bitmap ram;         /* bitmap 1 */
	uint64_t descs;               /* offset of the first page_desc */
	bool records_lost;            /* a note of ours names records, but in another file */
};

struct xl_image_ops;
struct xl_imgfile;
struct xl_slots;

struct xl_image {
	const struct xl_image_ops *ops;
	enum xl_image_kind kind;
	bool flattened;
	bool narrow;               /* ELF of a 32-bit machine: a 32-bit PV guest's */
	bool sections_lost;        /* ELF: the section headers make no sense, the segments do */
	bool hybrid;               /* ELF with program headers and sections */
	struct xl_imgfile *file;
	uint64_t file_bytes, disk_bytes; /* of the file as it lies there */
	uint64_t size;             /* of the dump: file_bytes unless flattened */

	uint64_t pages;            /* in the dump */
	xl_pfn_t nr_pfns;          /* highest pfn in it, plus 1 */

	uint64_t zeros;            /* of pages, those of which the file has no byte */
	struct xl_pieces mem; /* ELF: memory by physical address */

	struct xl_slots *slots;    /* kdump */
	struct xl_image_kdump kdump;

	struct xl_image_note *note;
	size_t notes;
	uint8_t *note_data[4];     /* what they point to */
	size_t note_data_n;

	struct xl_image_section *section; /* ELF; of kdump its records */
	size_t sections;
	uint64_t loads;            /* PT_LOAD segments */

	/* Parts of notes, by what they are for. */
	const char *vmcoreinfo;    /* NUL-terminated copy; NULL: none */
	char *vmcoreinfo_copy;
	const char *json;          /* our note, NUL-terminated; NULL: not a file of ours */
	char *json_copy;
	uint32_t prstatus;         /* number of them */
	uint64_t xen_magic;        /* of the HEADER note; 0: none */
	uint64_t xen_nr_vcpus, xen_nr_pages;
	uint64_t xen_major, xen_minor;
	char xen_extra[17];
	const struct xl_image_note *xen_version;

	struct xl_image_p2m_run *p2m;
	size_t p2ms;
	struct xl_image_table *table;
	size_t tables;
	struct xl_image_edit *edit;
	size_t edits;

	/* Which kernel the user wants, of several in memory: its release or number, borrowed; NULL. */
	const char *kernel;

	/* The last page that was decompressed or read in pieces. */
	uint8_t *cache;
	xl_pfn_t cached;
};

/* Open a file and read all that describes it, its pages not.  EINVAL: it is not a dump, or a broken
 * one; the chain says what is wrong. */
_must_check_ int xl_image_open(struct xl_ctx *x, const char *path, struct xl_image **ret);

/* The same of an open file, which the image owns from then on, also when this fails. */
_must_check_ int xl_image_fdopen(struct xl_ctx *x, int fd, struct xl_image **ret);

/* Accepts NULL. */
void xl_image_close(struct xl_image *img);

static inline void xl_image_closep(struct xl_image **img)
{
	xl_image_close(*img);
}

/* The first page at or after pfn that is in the dump, or img->nr_pfns. */
xl_pfn_t xl_image_next(const struct xl_image *img, xl_pfn_t pfn);
bool xl_image_has(const struct xl_image *img, xl_pfn_t pfn);

/* The same of pages of which the file has bytes: neither zeros that are not there nor holes. */
xl_pfn_t xl_image_next_stored(struct xl_image *img, xl_pfn_t pfn);

/* Whether the file says of a page that it was memory and was left out. */
bool xl_image_left_out(const struct xl_image *img, xl_pfn_t pfn);

/* Where a page lies in the file, and how many bytes of it follow there; 0 bytes for one that is
 * zeros without being there.  -ENOENT. */
_must_check_ int xl_image_where(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn,
				uint64_t *ret_offset, uint64_t *ret_size);

/* A page.  -ENOENT: it is not in the dump (the chain says so, and whether it was left out);
 * -EINVAL: the file is broken there; -EIO and others: it cannot be read. */
_must_check_ int xl_image_page(struct xl_ctx *x, struct xl_image *img, xl_pfn_t pfn,
			       uint8_t ret[XL_PAGE_SIZE]);

/* Memory by physical address, across pages.  Like xl_read_fn, without words: -EFAULT when a page is
 * not there or cannot be read. */
int xl_image_read(void *img, uint64_t paddr, void *buf, size_t len);

/* The section of that name, or NULL. */
const struct xl_image_section *xl_image_section(const struct xl_image *img, const char *name);

/* Whether the file has digests of its pages. */
bool xl_image_has_digests(const struct xl_image *img);

/* Bytes of the dump (reassembled, if flattened).  -EINVAL: beyond its end. */
_must_check_ int xl_image_bytes(struct xl_ctx *x, struct xl_image *img, uint64_t offset,
				void *buf, size_t len);

/* By the recorded p2m; XL_INVALID_FRAME.  The second is linear in the number of runs unless they
 * ascend by mfn. */
xl_mfn_t xl_image_pfn_to_mfn(const struct xl_image *img, xl_pfn_t pfn);
xl_pfn_t xl_image_mfn_to_pfn(const struct xl_image *img, xl_mfn_t mfn);

#endif
