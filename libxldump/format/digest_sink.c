/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sink that keeps of what is written to it only the digest.  A file that is written twice, here
 * first, knows its own digest without being read back, which a pipe could not be. */
#include "format/digest.h"

#include <stdlib.h>
#include <xxhash.h>

#include "sink/sink_ops.h"

struct digest_sink {
	struct xl_sink sink;
	XXH3_state_t *state;
	uint64_t at;        /* what is before it is in the digest */
	uint64_t data, end; /* left out */
};

static int add(struct digest_sink *d, const void *buf, size_t len)
{
	return XXH3_64bits_update(d->state, buf, len) == XXH_OK ? 0 : -EINVAL;
}

static int add_zeros(struct digest_sink *d, uint64_t len)
{
	static const uint8_t zeros[XL_PAGE_SIZE];
	int r = 0;

	while (len > 0 && r == 0) {
		size_t n = len < sizeof(zeros) ? len : sizeof(zeros);

		r = add(d, zeros, n);
		len -= n;
	}
	return r;
}

/* Up to offset nothing was written. */
static int skip(struct digest_sink *d, uint64_t offset)
{
	uint64_t from = d->at, to = offset;
	int r;

	d->at = offset;
	if (from >= d->end || to <= d->data)
		return add_zeros(d, to - from);
	r = from < d->data ? add_zeros(d, d->data - from) : 0;
	return r == 0 && to > d->end ? add_zeros(d, to - d->end) : r;
}

static int digest_pwrite(struct xl_ctx *x, struct xl_sink *s, const void *buf, size_t len,
			 uint64_t offset)
{
	struct digest_sink *d = (struct digest_sink *)s;
	int r;

	if (!len)
		return 0;
	if (offset < d->at || (offset < d->end && offset + len > d->data))
		return xl_err(x, -EINVAL, "digest of bytes at %#" PRIx64 ", out of their order", offset);
	r = skip(d, offset);
	if (r == 0)
		r = add(d, buf, len);
	d->at += len;
	return r < 0 ? xl_err(x, r, "digest of the file's headers") : 0;
}

static void digest_close(struct xl_sink *s)
{
	struct digest_sink *d = (struct digest_sink *)s;

	(void)XXH3_freeState(d->state);
	free(d);
}

/* Nothing else is called: it is for xl_out. */
static const struct xl_sink_ops digest_ops = { .pwrite = digest_pwrite, .close = digest_close };

int xl_digest_sink_open(struct xl_ctx *x, const struct xl_digest_gaps *gaps, struct xl_sink **ret)
{
	struct digest_sink *d = calloc(1, sizeof(*d));

	if (d) {
		d->sink.ops = &digest_ops;
		d->data = gaps->data;
		d->end = gaps->data + gaps->data_size;
		d->state = XXH3_createState();
	}
	if (!d || !d->state || XXH3_64bits_reset(d->state) != XXH_OK) {
		if (d)
			digest_close(&d->sink);
		return xl_err(x, -ENOMEM, "digest of the file's headers");
	}
	*ret = &d->sink;
	return 0;
}

uint64_t xl_digest_sink_get(const struct xl_sink *s)
{
	return XXH3_64bits_digest(((const struct digest_sink *)s)->state);
}
