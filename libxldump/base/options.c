/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which options of a dump go together. */
#include "base/options.h"

const char *xl_options_conflict(enum xldump_format format, enum xldump_codec codec,
				unsigned dump_level)
{
	if (codec > XLDUMP_CODEC_NONE && format != XLDUMP_FORMAT_KDUMP)
		return "this format cannot be compressed; use kdump, or omit the codec";
	if (dump_level && format == XLDUMP_FORMAT_XENCORE_RAW)
		return "pages cannot be left out of the format xencore-raw, which has a place for "
		       "every page; use elf or kdump";
	return NULL;
}
