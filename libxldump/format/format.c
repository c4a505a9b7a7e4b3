/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The formats that there are. */
#include "format/format.h"

static const struct xl_format_ops *const xl_formats[_XLDUMP_FORMAT_MAX] = {
	[XLDUMP_FORMAT_ELF] = &xl_format_elf,
	[XLDUMP_FORMAT_XENCORE] = &xl_format_elf,
	[XLDUMP_FORMAT_KDUMP] = &xl_format_kdump,
	[XLDUMP_FORMAT_XENCORE_RAW] = &xl_format_elf,
};

const struct xl_format_ops *xl_format_ops_of(enum xldump_format format)
{
	return (unsigned)format < _XLDUMP_FORMAT_MAX ? xl_formats[format] : NULL;
}
