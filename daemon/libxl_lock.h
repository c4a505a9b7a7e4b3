/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxl's files about a domain, without libxl: its lock, and what its configuration says of the end.
 *
 * libxl destroys a domain only while it holds the lock of its userdata (libxl_internal.c), so whoever
 * has it keeps the memory of a domain that xl is about to destroy.  Everything else that changes the
 * domain's configuration waits too, so it is taken after a crash alone, and given back as soon as the
 * memory is read.  A process that dies gives it back.
 */
#ifndef XLDUMP_DAEMON_LIBXL_LOCK_H
#define XLDUMP_DAEMON_LIBXL_LOCK_H

#include "job.h"

#define XD_LIBXL_DIR "/var/lib/xen"

/* Without waiting.  0 with a descriptor; -EAGAIN: libxl has it; -ENOENT: this is no domain of libxl,
 * or no longer one. */
int xd_libxl_lock(const char *dir, uint32_t domid, const uint8_t uuid[16], int *ret_fd);

/* Give it back; *fd becomes -1. */
void xd_libxl_unlock(const char *dir, uint32_t domid, const uint8_t uuid[16], int *fd);

/* What xl will do to a domain that went down with this reason of Xen, and its name, both as libxl's
 * configuration has them.  XD_ACTION_UNKNOWN without a configuration. */
enum xd_action xd_libxl_action(const char *dir, uint32_t domid, const uint8_t uuid[16],
			       unsigned shutdown_reason, char *ret_name, size_t size);

#endif
