/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One guest of 12 MiB with a Linux kernel and its log, in files of each kind. */
#ifndef XLDUMP_TESTS_IMAGE_FILES_H
#define XLDUMP_TESTS_IMAGE_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "fake_kernel.h"
#include "format/format.h"

#define IMAGE_PAGES (FAKE_MEMORY >> XL_PAGE_SHIFT)
#define IMAGE_HOLE_FIRST 0xa0  /* pages that the guest does not have */
#define IMAGE_HOLE_END 0x100
#define IMAGE_TABLE_PFN 5      /* of .xldump_tables, besides the kernel's */
#define IMAGE_EDIT_PA 0x5c80     /* an entry of it that led out of the guest */
#define IMAGE_EXCLUDED_PFN 0x20 /* in kdump files: is memory, but left out */
#define IMAGE_LOG_PA 0x300000  /* what the log needs, up to 0x320000 */

#define IMAGE_DUMP_LEVEL 17     /* of those, too */
#define IMAGE_TIME 1700000000
#define IMAGE_ERASED "erased a.b 8\n"

enum image_log { IMAGE_LOG_NONE, IMAGE_LOG_RING, IMAGE_LOG_RECORDS };

/* The memory, made anew with a log of that kind. */
void image_guest(struct fake *f, enum image_log log);

/* One whose page tables have five levels. */
void image_guest_five_levels(struct fake *f);

/* By our own writers. */
void image_write(struct fake *f, const struct xl_format_params *params, const char *path);
void image_write_elf(struct fake *f, bool sections_only, const char *path);

/* A kdump file that is not ours.  flag: of page_desc, 0 for bytes as they are. */
void image_write_kdump(struct fake *f, uint32_t flag, const char *path);

/* An ELF file that is not ours, with segments as other tools make them: in any order, over the same
 * memory, of any length. */
struct image_segment {
	uint64_t paddr, memsz, filesz;
};

void image_write_segments(struct fake *f, const struct image_segment *seg, size_t n,
			  const char *path);

/* A file in makedumpfile's flattened form: pieces in no order, some written twice. */
void image_flatten(const char *in, const char *out);

/* Records of the log, of either kind: text and time in ns; NULL behind the last. */
extern const struct image_record {
	const char *text;
	uint64_t ns;
} image_record[];

#endif
