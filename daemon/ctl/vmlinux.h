/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel with debug symbols that belongs to a dump. */
#ifndef XLDUMP_CLI_VMLINUX_H
#define XLDUMP_CLI_VMLINUX_H

#include "base/ctx.h"

struct vmlinux_wanted {
	char build_id[41]; /* hexadecimal; "" when the kernel does not tell (before 5.14) */
	char release[65];
};

/* From the text of VMCOREINFO, which the guest wrote: both are free of anything but letters, digits
 * and a few marks, so that they can be part of a path. */
void vmlinux_wanted(const char *vmcoreinfo, struct vmlinux_wanted *ret);

/* Look in the places where distributions put it, then ask debuginfod-find(1).  The caller frees
 * *ret.  -ENOENT, with words on how to get it. */
_must_check_ int vmlinux_find(struct xl_ctx *x, const struct vmlinux_wanted *wanted, char **ret);

/* Whether a file has that build-id.  True also when one of the two has none. */
bool vmlinux_fits(const char *path, const struct vmlinux_wanted *wanted);

#endif
