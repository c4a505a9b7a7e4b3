/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QMP client for one command, `xen-set-global-dirty-log`: who may talk to the device model.
 *
 * Sources: xen tools/libs/light/libxl_internal.c (the lock), libxl_dm.c (the socket: one client at a
 * time).
 */
#include "hv/dm_qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define QMP_TIMEOUT_MS 10000

struct qmp_lock {
	int fd;
	char path[160];
};

/* Deleted first, as libxl does: whoever waits for the old file notices and opens a new one. */
static void unlock_qmp(struct qmp_lock *l)
{
	if (l->fd >= 0) {
		(void)unlink(l->path);
		(void)close(l->fd);
	}
}

/* libxl serialises its QMP clients by this lock, and deletes the file when it lets go: so the file
 * must still be the one that was opened. */
static int lock_qmp(struct qmp_lock *l, uint32_t domid, const uint8_t u[16], int64_t deadline)
{
	(void)snprintf(l->path, sizeof(l->path),
		       "/var/lib/xen/userdata-l.%u.%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		       "%02x%02x%02x%02x%02x%02x.qmp-socket-lock",
		       domid, u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10],
		       u[11], u[12], u[13], u[14], u[15]);
	for (;;) {
		_cleanup_close_ int fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		struct stat a, b;

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			if (fstat(fd, &a) == 0 && stat(l->path, &b) == 0 && a.st_dev == b.st_dev &&
			    a.st_ino == b.st_ino) {
				l->fd = xl_take_fd(&fd);
				return 0;
			}
			continue; /* deleted by the last holder: once more with the new one */
		}
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (xl_dm_qmp_now_ms() >= deadline)
			return -ETIMEDOUT;
		(void)poll(NULL, 0, 10);
	}
}

int xl_dm_qmp_logdirty(uint32_t domid, const uint8_t uuid[16], bool on)
{
	int64_t deadline = xl_dm_qmp_now_ms() + QMP_TIMEOUT_MS;
	_cleanup_(unlock_qmp) struct qmp_lock lock = { .fd = -1 };
	char path[64];
	int r;

	r = lock_qmp(&lock, domid, uuid, deadline);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/var/run/xen/qmp-libxl-%u", domid);
	return xl_dm_qmp_command(path, on, deadline);
}
