/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxl's files about a domain, without libxl: its lock, and what its configuration says of the end.
 *
 * libxl destroys a domain only while it holds the lock of its userdata (libxl_internal.c), so whoever
 * has it keeps the memory of a domain that xl is about to destroy.  Everything else that changes the
 * domain's configuration waits too, so it is taken after a crash alone, and given back as soon as the
 * memory is read; or when nobody has its descriptor any more, hold.h.
 */
#ifndef XLDUMP_DAEMON_LIBXL_LOCK_H
#define XLDUMP_DAEMON_LIBXL_LOCK_H

#include "common/job.h"

#define XD_LIBXL_DIR "/var/lib/xen"

/* Reasons of Xen that libxl has an action for, and those between them. */
#define XD_LIBXL_REASONS 6

/* Without waiting.  0 with a descriptor; -EAGAIN: libxl has it; -ENOENT: this is no domain of libxl,
 * or no longer one. */
int xd_libxl_lock(const char *dir, uint32_t domid, const uint8_t uuid[16], int *ret_fd);

/* Whether a descriptor that was handed to us is still this lock. */
bool xd_libxl_locked(const char *dir, uint32_t domid, const uint8_t uuid[16], int fd);

/* Give it back, whoever else has the descriptor; *fd becomes -1. */
void xd_libxl_unlock(const char *dir, uint32_t domid, const uint8_t uuid[16], int *fd);

/* What libxl's configuration of a domain says that is of interest to us. */
struct xd_libxl_config {
	bool there;
	char name[XLDUMP_NAME_MAX];
	enum xd_action action[XD_LIBXL_REASONS]; /* by Xen's SHUTDOWN_* */

	/* Of the file, to tell whether it has changed. */
	uint64_t inode, ctime_ns;
};

/* Read it, if it has changed since *c was read.  When it is not there, or broken, *c stays what it was. */
void xd_libxl_look(const char *dir, uint32_t domid, const uint8_t uuid[16], struct xd_libxl_config *c);

/* What xl will do to the domain when it goes down with that reason of Xen.  XD_ACTION_UNKNOWN without a
 * configuration. */
enum xd_action xd_libxl_action(const struct xd_libxl_config *c, unsigned shutdown_reason);

#endif
