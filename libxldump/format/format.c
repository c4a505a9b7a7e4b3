/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The formats that there are. */
#include "format/format.h"

static const struct xl_format_ops *const xl_formats[_XLDUMP_FORMAT_MAX] = {
	[XLDUMP_FORMAT_ELF] = &xl_format_elf,
	[XLDUMP_FORMAT_XENCORE] = &xl_format_elf,
	[XLDUMP_FORMAT_KDUMP] = &xl_format_kdump,
	[XLDUMP_FORMAT_XENCORE_RAW] = &xl_format_elf,
};

bool xl_format_fits_narrow(enum xldump_format format)
{
	return format == XLDUMP_FORMAT_XENCORE || format == XLDUMP_FORMAT_XENCORE_RAW;
}

int xl_format_check_narrow(struct xl_ctx *x, enum xldump_format format)
{
	if (xl_format_fits_narrow(format))
		return 0;
	return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
		       "a 32-bit PV guest: no reader knows such a file in the format %s; use "
		       "xencore-raw for crash of 32 bits, or xencore", xldump_format_name(format));
}

const struct xl_format_ops *xl_format_ops_of(enum xldump_format format)
{
	return (unsigned)format < _XLDUMP_FORMAT_MAX ? xl_formats[format] : NULL;
}
