/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device model of an HVM guest, asked over QMP as libxl asks it. */
#ifndef XL_HV_DM_QMP_H
#define XL_HV_DM_QMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

/* Have QEMU mark the pages that its devices write in the dirty log, or no longer; either may be the
 * case already.
 *
 * Waits up to 10 seconds for libxl's own lock and for QEMU, which is what libxl allows itself for
 * the same command (libxl_dom_save.c).  -ENOENT or -ECONNREFUSED: no device model listens;
 * -ETIMEDOUT; -ECONNRESET: it hangs up; -EPROTO: its answer is none or an error. */
_must_check_ int xl_dm_qmp_logdirty(uint32_t domid, const uint8_t uuid[16], bool on);

/* Its parts that need neither a domain nor the lock.  Deadlines are by this clock. */
int64_t xl_dm_qmp_now_ms(void);

/* A file descriptor, or a negative errno; -ETIMEDOUT when nobody accepts it. */
_must_check_ int xl_dm_qmp_connect(const char *path, int64_t deadline);

/* Give the command over a new connection and hear that it was done.  -ETIMEDOUT, -EPROTO,
 * -ECONNRESET. */
_must_check_ int xl_dm_qmp_talk(int fd, bool on, int64_t deadline);

/* Both, over again when nobody listens or it hangs up. */
_must_check_ int xl_dm_qmp_command(const char *path, bool on, int64_t deadline);

#endif
