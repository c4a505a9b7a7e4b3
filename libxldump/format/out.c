/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes a stretch of a file from front to back. */
#include "format/out.h"

#include "base/bytes.h"

int xl_out_flush(struct xl_out *o)
{
	if (o->r == 0)
		o->r = xl_check_cancel(o->x);
	if (o->r == 0)
		o->r = xl_sink_pwrite(o->x, o->sink, o->buf, o->len, o->offset);
	o->offset += o->len;
	o->len = 0;
	return o->r;
}

int xl_out_seek(struct xl_out *o, uint64_t offset)
{
	int r = xl_out_flush(o);

	o->offset = offset;
	return r;
}

uint64_t xl_out_tell(const struct xl_out *o)
{
	return o->offset + o->len;
}

void xl_out_bytes(struct xl_out *o, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		size_t n = sizeof(o->buf) - o->len;

		n = n < len ? n : len;
		memcpy(o->buf + o->len, p, n);
		o->len += n;
		p += n;
		len -= n;
		if (o->len == sizeof(o->buf))
			(void)xl_out_flush(o);
	}
}

void xl_out_u64(struct xl_out *o, uint64_t v)
{
	uint8_t b[8];

	xl_put_le64(b, v);
	xl_out_bytes(o, b, sizeof(b));
}
