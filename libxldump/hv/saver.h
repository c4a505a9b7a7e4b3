/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who else uses the dirty log of a guest: libxl's helper that saves or migrates it. */
#ifndef XL_HV_SAVER_H
#define XL_HV_SAVER_H

#include <sys/types.h>

#include "base/types.h"

/* The process that saves or migrates the domain on this host, 0 if there is none.
 *
 * Log-dirty mode has no owner in Xen, and libxl takes it from whoever has it (xg_sr_save.c,
 * enable_logdirty).  But it does so from a process of its own that lives until the mode is off
 * again: xl, libvirt and everything else on libxl.  Other toolstacks (XAPI) are not known here.
 * Reads /proc: not inside a pause.
 *
 * @param proc  "/proc", or another folder in tests */
pid_t xl_saver_find(const char *proc, uint32_t domid);

#endif
