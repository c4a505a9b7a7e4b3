/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contents of our sections, in files of all formats.  elf_format.h and digest_format.h have the bytes. */
#ifndef XL_FORMAT_RECORDS_H
#define XL_FORMAT_RECORDS_H

#include "cut/cut.h"
#include "format/digest.h"
#include "format/out.h"

/* Errors of writing stay in the out. */
void xl_records_p2m(struct xl_out *o, const struct xl_cut *cut);
void xl_records_tables(struct xl_out *o, const struct xl_cut *cut);
_must_check_ int xl_records_edits(struct xl_out *o, const struct xl_cut *cut);

/* Of all present pages, by pfn; gaps->data as in the header. */
void xl_records_digests(struct xl_out *o, const struct xl_bitmap *present, const uint64_t *digest,
			const struct xl_digest_gaps *gaps, uint64_t meta);

#endif
