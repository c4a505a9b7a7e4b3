/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the kdump format share.
 *
 *   kdump.c         the format's operations: pages as they come, in batches
 *   kdump_same.c    pages that are equal
 *   kdump_store.c   where compressed pages lie in the file
 *   kdump_seal.c    completes the file: header, notes, bitmaps, descriptors
 *   kdump_records.c what is behind the pages
 *   kdump_format.h  the bytes
 */
#ifndef XL_FORMAT_KDUMP_PRIVATE_H
#define XL_FORMAT_KDUMP_PRIVATE_H

#include <inttypes.h>

#include "format/blob.h"
#include "format/digest.h"
#include "format/format.h"
#include "format/notes.h"
#include "format/notes_format.h"
#include "format/out.h"
#include "codec/compress.h"

/* ---- places: where a page's bytes are in the file and how many, in one number ---- */

typedef uint64_t xl_place_t;

#define XL_PLACE_NONE 0  /* not put yet */
#define XL_PLACE_ZERO 1  /* a page of zeros; it is stored once */
#define XL_PLACE_BATCH 2 /* in the batch that is not compressed yet */
#define XL_PLACE_SAME ((uint64_t)1 << 63) /* or'ed with a number of the table of equal pages */

/* Other values: offset << 12 | size - 1.  No page lies at 0, so they are above the ones above. */
static inline xl_place_t xl_place(uint64_t offset, size_t size)
{
	return offset << XL_PAGE_SHIFT | (size - 1);
}

static inline uint64_t xl_place_offset(xl_place_t at)
{
	return at >> XL_PAGE_SHIFT;
}

static inline size_t xl_place_size(xl_place_t at)
{
	return (size_t)(at & XL_PAGE_MASK) + 1;
}

/* ---- the store: pages are appended; the room of those that are dropped is used again ---- */

/* The unit of room.  A reader does not mind; without one the free pieces would be of 4096 sizes. */
#define XL_STORE_UNIT 16
#define XL_STORE_CLASSES (XL_PAGE_SIZE / XL_STORE_UNIT)
#define XL_STORE_BUF ((size_t)4 << 20)

struct xl_pieces {
	uint64_t *offset;
	size_t n, allocated;
};

struct xl_store {
	struct xl_sink *sink;
	uint64_t buf_offset; /* what is before it is in the file, what is behind in the buffer */
	size_t buf_len;
	uint8_t *buf;
	struct xl_pieces free[XL_STORE_CLASSES + 1]; /* by number of units */
};

_must_check_ int xl_store_init(struct xl_store *s, struct xl_sink *sink, uint64_t start);
void xl_store_deinit(struct xl_store *s);

/* Write size bytes, 1 to 4096, somewhere. */
_must_check_ int xl_store_put(struct xl_ctx *x, struct xl_store *s, const void *data, size_t size,
			      xl_place_t *ret);

/* The bytes at this place are not needed any more. */
void xl_store_drop(struct xl_store *s, xl_place_t at);

/* Everything into the file; then give back to the file system what is free in it. */
_must_check_ int xl_store_finish(struct xl_ctx *x, struct xl_store *s);

/* End of what is stored. */
uint64_t xl_store_end(const struct xl_store *s);

/* ---- equal pages ---- */

/* Contents that were seen.  The table owns the place of each, and counts who uses it. */
struct xl_same {
	uint64_t hash[2];
	xl_place_t at;  /* XL_PLACE_NONE while it is in the batch */
	uint32_t users; /* 0: free */
	bool owned;     /* by the one page that has it for the first time, so long as it has it */
	xl_pfn_t owner;
};

struct xl_same_table {
	struct xl_same *entry;
	size_t n; /* a power of two */
	uint64_t seed;
};

_must_check_ int xl_same_init(struct xl_same_table *t, uint64_t nr_pfns);
void xl_same_deinit(struct xl_same_table *t);

/* The entry of this content for a page that has it now.  *ret_new: it was not there, its place is
 * to be set.  An entry that only its owner uses may have to make room for it: then *ret_moved is
 * the owner and *ret_place what is its own place from now on; else *ret_moved is XL_INVALID_FRAME.
 * -ENOENT: there is no room. */
int xl_same_take(struct xl_same_table *t, xl_pfn_t pfn, const void *page, uint32_t *ret_entry,
		 bool *ret_new, xl_pfn_t *ret_moved, xl_place_t *ret_place);

/* pfn has it no longer.  True: nobody has, and the place is for the caller to drop. */
bool xl_same_release(struct xl_same_table *t, uint32_t entry, xl_pfn_t pfn, xl_place_t *ret);

/* ---- the format ---- */

#define XL_KDUMP_BATCH 256

struct xl_kdump_item {
	xl_pfn_t pfn;
	int64_t same; /* the entry that waits for the place; -1: the page itself does */
};

struct xl_format {
	struct xl_sink *sink;
	uint32_t page_flag; /* of a compressed page */
	uint64_t nr_pfns;
	xl_place_t *place; /* by pfn */
	uint64_t *digest;  /* by pfn; 8 bytes of memory for a page, untouched for holes */
	struct xl_same_table same;
	struct xl_store store;

	uint64_t start; /* of the pages; what is in front of them is written last */

	struct xl_packer *packer;
	struct xl_pack pack[XL_KDUMP_BATCH];
	struct xl_kdump_item item[XL_KDUMP_BATCH];
	size_t batch;
	uint8_t *pages, *packed; /* room of the batch */
};

/* Blocks of the file that hold so many bytes. */
static inline uint64_t xl_kdump_blocks(uint64_t bytes)
{
	return (bytes + XL_PAGE_MASK) / XL_PAGE_SIZE;
}

/* The place of a page that is in the file, as a reader has to find it. */
xl_place_t xl_kdump_place(const struct xl_format *f, xl_pfn_t pfn);

/* Forget a page. */
void xl_kdump_forget(struct xl_format *f, xl_pfn_t pfn);

/* ---- records: what is behind the pages ---- */

#define XL_KDUMP_RECORDS 7 /* kinds of them */

struct xl_kdump_records {
	const struct xl_format *f;
	const struct xl_cut *cut;
	struct xl_digest_gaps pages; /* the part of the file that is pages */
	uint64_t meta;               /* digest of all others */
	struct xl_blob xen_notes, contexts;
	uint64_t offset[XL_KDUMP_RECORDS], size[XL_KDUMP_RECORDS]; /* of each kind; 0 bytes: none */
	uint64_t end;
};

/* When all pages are stored.  -ENOMEM. */
_must_check_ int xl_kdump_records_init(struct xl_kdump_records *r, const struct xl_format *f,
				       const struct xl_cut *cut);
void xl_kdump_records_deinit(struct xl_kdump_records *r);

/* Writes them all, and sets where they are: the same each time. */
_must_check_ int xl_kdump_records_write(struct xl_kdump_records *r, struct xl_out *o);

/* The note that says where they are, and the bytes that it needs at most.  In it, at the offset of b
 * that is returned, the size of the file is still to be set. */
size_t xl_kdump_records_note(const struct xl_kdump_records *r, struct xl_blob *b);
uint64_t xl_kdump_records_note_max(void);

_must_check_ int xl_kdump_seal(struct xl_ctx *x, struct xl_format *f, const struct xl_cut *cut);

#endif
