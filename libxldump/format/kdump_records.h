/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is behind the pages of a kdump file. */
#ifndef XL_FORMAT_KDUMP_RECORDS_H
#define XL_FORMAT_KDUMP_RECORDS_H

#include "format/blob.h"
#include "format/digest.h"
#include "format/kdump_private.h"
#include "format/out.h"

#define XL_KDUMP_RECORDS 7 /* kinds of them */

struct xl_kdump_records {
	const struct xl_kdump *f;
	const struct xl_cut *cut;
	struct xl_digest_gaps pages; /* the part of the file that is pages */
	uint64_t meta;               /* digest of all others */
	struct xl_blob xen_notes, contexts;
	uint64_t offset[XL_KDUMP_RECORDS], size[XL_KDUMP_RECORDS]; /* of each kind; 0 bytes: none */
	uint64_t end;
};

/* When all pages are stored.  -ENOMEM. */
_must_check_ int xl_kdump_records_init(struct xl_kdump_records *r, const struct xl_kdump *f,
				       const struct xl_cut *cut);
void xl_kdump_records_deinit(struct xl_kdump_records *r);

/* Writes them all, and sets where they are: the same each time. */
_must_check_ int xl_kdump_records_write(struct xl_kdump_records *r, struct xl_out *o);

/* The note that says where they are, and the bytes that it needs at most.  In it, at the offset of b
 * that is returned, the size of the file is still to be set. */
size_t xl_kdump_records_note(const struct xl_kdump_records *r, struct xl_blob *b);
uint64_t xl_kdump_records_note_max(void);

#endif
