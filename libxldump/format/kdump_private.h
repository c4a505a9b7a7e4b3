/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the kdump format share.
 *
 *   kdump.c         the format's operations: pages as they come, in batches
 *   kdump_pages.c   which place each has
 *   kdump_same.c    pages that are equal
 *   kdump_store.c   where compressed pages lie in the file
 *   kdump_seal.c    completes the file: header, notes, bitmaps, descriptors
 *   kdump_records.c what is behind the pages
 *   kdump_format.h  the bytes
 */
#ifndef XL_FORMAT_KDUMP_PRIVATE_H
#define XL_FORMAT_KDUMP_PRIVATE_H

#include "codec/compress.h"
#include "format/format.h"
#include "format/kdump_same.h"
#include "format/kdump_store.h"

#define XL_KDUMP_BATCH 256

struct xl_kdump_item {
	xl_pfn_t pfn;
	int64_t same; /* the entry that waits for the place; -1: the page itself does */
};

struct xl_kdump {
	struct xl_format format;
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

#endif
