/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compression of single pages.  To add a codec: a file codec/compress_NAME.c with a const table, a
 * row in compress.c, a name in xldump.h; and a format that has a number for it. */
#ifndef XL_CODEC_COMPRESS_H
#define XL_CODEC_COMPRESS_H

#include "base/ctx.h"

/* Room for the worst page of any codec: snappy's is 32 + n + n / 6. */
#define XL_PACKED_MAX (2 * XL_PAGE_SIZE)

struct xl_codec {
	enum xldump_codec id;
	const char *name;
	int min_level, max_level; /* both 0: it has no levels */
	int default_level;

	/* What one thread needs; NULL for want of memory. */
	void *(*open)(int level);
	/* Size of what is in out, of XL_PACKED_MAX bytes; XL_PAGE_SIZE or more, or 0, when the page
	 * does not get smaller.  The same page gives the same bytes. */
	size_t (*compress)(void *state, const void *page, void *out);
	void (*close)(void *state); /* accepts NULL */
};

extern const struct xl_codec xl_codec_zlib, xl_codec_lzo, xl_codec_snappy, xl_codec_zstd;

/* NULL for XLDUMP_CODEC_NONE, and for what is no codec. */
const struct xl_codec *xl_codec_of(enum xldump_codec id);

/* ---- threads ---- */

/* A page to be compressed. */
struct xl_pack {
	const uint8_t *page;
	uint8_t *out; /* XL_PACKED_MAX bytes */
	size_t size;  /* of what is in out; XL_PAGE_SIZE: the page as it is, out is not used */
};

struct xl_packer;

/* Starts threads - 1 threads, all signals blocked, which wait for xl_packer_run(); where they cannot
 * be had it does with those that there are.  codec NULL: every page stays as it is.  -ENOMEM. */
_must_check_ int xl_packer_open(struct xl_ctx *x, const struct xl_codec *codec, int level,
				unsigned threads, struct xl_packer **ret);

/* Compress all of them, in whatever order; returns when it is done. */
void xl_packer_run(struct xl_packer *p, struct xl_pack *pack, size_t n);

/* Ends the threads.  Accepts NULL. */
void xl_packer_close(struct xl_packer *p);

/* The number of threads for what the user said: 0 is half the CPUs that this process may use, but
 * not more than 4, for domain 0 has other things to do; XLDUMP_THREADS_ALL is all of them. */
unsigned xl_packer_threads(unsigned wish);

#endif
