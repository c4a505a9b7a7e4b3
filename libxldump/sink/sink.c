/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a dump goes: the call goes to the kind of sink that it is. */
#include "sink/sink_ops.h"

bool xl_sink_seekable(const struct xl_sink *s)
{
	return s->ops->seekable;
}

void xl_sink_set_record(struct xl_sink *s, size_t size)
{
	s->record = size;
}

int xl_sink_pwrite(struct xl_ctx *x, struct xl_sink *s, const void *buf, size_t len,
		   uint64_t offset)
{
	return s->ops->pwrite(x, s, buf, len, offset);
}

int xl_sink_pread(struct xl_ctx *x, struct xl_sink *s, void *buf, size_t len, uint64_t offset)
{
	return s->ops->pread(x, s, buf, len, offset);
}

int xl_sink_punch(struct xl_ctx *x, struct xl_sink *s, uint64_t offset, uint64_t len)
{
	return len ? s->ops->punch(x, s, offset, len) : 0;
}

int xl_sink_truncate(struct xl_ctx *x, struct xl_sink *s, uint64_t size)
{
	return s->ops->truncate(x, s, size);
}

int xl_sink_check_space(struct xl_ctx *x, struct xl_sink *s, uint64_t bytes)
{
	return s->ops->check_space(x, s, bytes);
}

int xl_sink_commit(struct xl_ctx *x, struct xl_sink *s, uint64_t *ret_file_bytes,
		   uint64_t *ret_disk_bytes)
{
	return s->ops->commit(x, s, ret_file_bytes, ret_disk_bytes);
}

void xl_sink_close(struct xl_sink *s)
{
	if (s)
		s->ops->close(s);
}
