/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which options of a dump go together. */
#ifndef XL_BASE_OPTIONS_H
#define XL_BASE_OPTIONS_H

#include "xldump.h"

/* NULL if a file of this format can be had with this codec and dump level; else words, static. */
const char *xl_options_conflict(enum xldump_format format, enum xldump_codec codec,
				unsigned dump_level);

#endif
