/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a file format does.  To add one: a file format/NAME.c with a const table of this shape, a
 * row in formats[] (formats.c), a name in xldump.h, a reader in tests/readers.
 *
 * Order of calls: open, put any number of times, seal once, close.  Nothing here runs while a guest
 * is paused by `precopy`.
 */
#ifndef XL_FORMAT_FORMAT_H
#define XL_FORMAT_FORMAT_H

#include "base/bitmap.h"
#include "base/ctx.h"
#include "cut/cut.h"
#include "sink/sink.h"

/* What is known before the first page is read; the cut may differ when the guest balloons. */
struct xl_layout {
	uint64_t nr_pfns;
	const struct xl_bitmap *present; /* borrowed until close */
	uint32_t vcpus;
	uint64_t more_notes; /* bytes that notes may need beyond xl_notes_max() */
};

/* What the user chose, after it was checked: a codec that the format has, a level that the codec has. */
struct xl_format_params {
	enum xldump_format format; /* the formats of one family share their operations */
	enum xldump_codec codec;
	int level;
	unsigned threads;
};

struct xl_format_ops;

/* Each format has this first in a structure of its own. */
struct xl_format {
	const struct xl_format_ops *ops;
};

struct xl_format_ops {
	int (*put)(struct xl_ctx *x, struct xl_format *f, xl_pfn_t pfn, const void *page);
	int (*seal)(struct xl_ctx *x, struct xl_format *f, const struct xl_cut *cut);
	void (*close)(struct xl_format *f); /* not NULL */
};

/* One page of a pfn below nr_pfns, in any order; the last one put wins.  A pfn that was not in the
 * layout is accepted (the guest ballooned up). */
_must_check_ int xl_format_put(struct xl_ctx *x, struct xl_format *f, xl_pfn_t pfn,
			       const void *page);

/* Write all else and make the file whole: exactly the pages of cut->present.  One that was put but is
 * not there at T is dropped; one that is there at T and was never put is an error of the caller
 * (-EINVAL). */
_must_check_ int xl_format_seal(struct xl_ctx *x, struct xl_format *f, const struct xl_cut *cut);

/* Accepts NULL.  Does not close the sink. */
void xl_format_close(struct xl_format *f);

static inline void xl_format_closep(struct xl_format **f)
{
	xl_format_close(*f);
}

#endif
