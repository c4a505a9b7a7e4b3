/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much room a dump takes. */
#include "size.h"

/* Notes, bitmaps, digests and the descriptors of pages: 24 bytes of each page of 4096, and more. */
#define OVERHEAD_PART 64

static bool compresses(const struct xd_settings *s)
{
	return s->format == XLDUMP_FORMAT_KDUMP && s->codec != XLDUMP_CODEC_NONE;
}

uint64_t xd_size_of(const struct xd_settings *s, uint64_t memory)
{
	uint64_t n = memory;

	/* Memory of Linux guests halves under every codec, and free memory is rarely less than half of
	 * what is left when processes and page cache are out. */
	if (compresses(s))
		n /= 2;
	if (s->dump_level & XLDUMP_LEVEL_FREE)
		n -= n / 4;
	if (s->dump_level & XLDUMP_LEVEL_USER)
		n /= 2;
	return n + memory / OVERHEAD_PART;
}

bool xd_size_smaller(struct xd_settings *s)
{
	if (!s->shrink)
		return false;
	if (!compresses(s)) {
		s->format = XLDUMP_FORMAT_KDUMP;
		s->codec = XLDUMP_CODEC_DEFAULT;
		s->level = 0;
		return true;
	}
	if (s->dump_level == XLDUMP_LEVEL_MAX)
		return false;
	s->dump_level = XLDUMP_LEVEL_MAX;
	return true;
}
