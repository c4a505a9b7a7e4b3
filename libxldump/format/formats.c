/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The formats that there are. */
#include "format/formats.h"

#include "format/elf.h"
#include "format/kdump.h"

typedef int (*open_fn)(struct xl_ctx *x, const struct xl_layout *layout, struct xl_sink *sink,
		       const struct xl_format_params *params, struct xl_format **ret);

static const open_fn formats[_XLDUMP_FORMAT_MAX] = {
	[XLDUMP_FORMAT_ELF] = xl_elf_open,
	[XLDUMP_FORMAT_XENCORE] = xl_elf_open,
	[XLDUMP_FORMAT_KDUMP] = xl_kdump_open,
	[XLDUMP_FORMAT_XENCORE_RAW] = xl_elf_open,
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
		       "a 32-bit PV guest: no debugger reads the format %s of such a guest; use "
		       "xencore-raw, which the 32-bit crash opens, or xencore",
		       xldump_format_name(format));
}

int xl_format_open(struct xl_ctx *x, const struct xl_layout *layout, struct xl_sink *sink,
		   const struct xl_format_params *params, struct xl_format **ret)
{
	if ((unsigned)params->format >= _XLDUMP_FORMAT_MAX)
		return xl_err(x, -EINVAL, "format %d", (int)params->format);
	return formats[params->format](x, layout, sink, params, ret);
}
