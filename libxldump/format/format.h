/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a file format does.  To add one: a file format/NAME.c with a const table of this shape, a
 * row in xl_formats[] (format.c), a name in xldump.h, a reader in tests/readers.
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
};

/* What the user chose, after it was checked: a codec that the format has, a level that the codec has. */
struct xl_format_params {
	enum xldump_format format; /* the formats of one family share their operations */
	enum xldump_codec codec;
	int level;
	unsigned threads;
};

struct xl_format;

struct xl_format_ops {
	int (*open)(struct xl_ctx *x, const struct xl_layout *layout, struct xl_sink *sink,
		    const struct xl_format_params *params, struct xl_format **ret);

	/* One page of a pfn below nr_pfns, in any order; the last one put wins.  A pfn that was not
	 * in the layout is accepted (the guest ballooned up). */
	int (*put)(struct xl_ctx *x, struct xl_format *f, xl_pfn_t pfn, const void *page);

	/* Write all else and make the file whole: exactly the pages of cut->present.  One that was
	 * put but is not there at T is dropped; one that is there at T and was never put is an error
	 * of the caller (-EINVAL). */
	int (*seal)(struct xl_ctx *x, struct xl_format *f, const struct xl_cut *cut);

	/* Accepts NULL.  Does not close the sink. */
	void (*close)(struct xl_format *f);
};

extern const struct xl_format_ops xl_format_elf, xl_format_kdump;

/* Whether a 32-bit PV guest can have it: whether there is a reader for what would be written. */
bool xl_format_fits_narrow(enum xldump_format format);

/* Refuse in words if not. */
_must_check_ int xl_format_check_narrow(struct xl_ctx *x, enum xldump_format format);

/* The operations of a format; NULL for a value out of range. */
const struct xl_format_ops *xl_format_ops_of(enum xldump_format format);

#endif
