/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxl's files about a domain. */
#include "libxl_lock.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <uuid.h>

#include "base/json.h"

/* Larger than any configuration of a domain with hundreds of devices. */
#define CONFIG_MAX (4 << 20)

/* "userdata-KIND.DOMID.UUID.NAME": l is for locks, d for data. */
static void path_of(const char *dir, char kind, uint32_t domid, const uint8_t uuid[16],
		    const char *name, char *ret, size_t size)
{
	char text[XD_UUID_MAX];

	uuid_unparse_lower(uuid, text);
	(void)snprintf(ret, size, "%s/userdata-%c.%u.%s.%s", dir, kind, domid, text, name);
}

static void lock_path(const char *dir, uint32_t domid, const uint8_t uuid[16], char *ret, size_t size)
{
	path_of(dir, 'l', domid, uuid, "domain-userdata-lock", ret, size);
}

static void config_path(const char *dir, uint32_t domid, const uint8_t uuid[16], char *ret,
			size_t size)
{
	path_of(dir, 'd', domid, uuid, "libxl-json", ret, size);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* Who gives it back unlinks the file first: what we have locked must be what has the name. */
static bool is_named(int fd, const char *lock)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && lstat(lock, &named) == 0 && ours.st_dev == named.st_dev &&
	       ours.st_ino == named.st_ino;
}

int xd_libxl_lock(const char *dir, uint32_t domid, const uint8_t uuid[16], int *ret_fd)
{
	char lock[XD_PATH_MAX], config[XD_PATH_MAX];

	lock_path(dir, domid, uuid, lock, sizeof(lock));
	config_path(dir, domid, uuid, config, sizeof(config));
	if (!exists(config))
		return -ENOENT;
	for (unsigned i = 0; i < 8; i++) {
		_cleanup_close_ int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
		if (!is_named(fd, lock))
			continue;
		/* Its configuration goes with the domain, under this lock: are we in time? */
		if (!exists(config)) {
			(void)unlink(lock);
			return -ENOENT;
		}
		*ret_fd = xl_take_fd(&fd);
		return 0;
	}
	return -EAGAIN;
}

bool xd_libxl_locked(const char *dir, uint32_t domid, const uint8_t uuid[16], int fd)
{
	char lock[XD_PATH_MAX];

	lock_path(dir, domid, uuid, lock, sizeof(lock));
	return flock(fd, LOCK_EX | LOCK_NB) == 0 && is_named(fd, lock);
}

void xd_libxl_unlock(const char *dir, uint32_t domid, const uint8_t uuid[16], int *fd)
{
	char lock[XD_PATH_MAX];

	if (*fd < 0)
		return;
	lock_path(dir, domid, uuid, lock, sizeof(lock));
	if (xd_libxl_locked(dir, domid, uuid, *fd))
		(void)unlink(lock);
	/* For all who have this descriptor, too: hold.c. */
	(void)flock(*fd, LOCK_UN);
	xl_closep(fd);
	*fd = -1;
}

/* By Xen's SHUTDOWN_*. */
static const char *const action_key[XD_LIBXL_REASONS] = {
	[0] = "on_poweroff", [1] = "on_reboot",	  [3] = "on_crash",
	[4] = "on_watchdog", [5] = "on_soft_reset",
};

void xd_libxl_look(const char *dir, uint32_t domid, const uint8_t uuid[16], struct xd_libxl_config *c)
{
	struct xd_libxl_config now = { .there = true };
	_cleanup_json_ struct json_object *o = NULL;
	char path[XD_PATH_MAX], text[64];
	struct stat st;

	config_path(dir, domid, uuid, path, sizeof(path));
	if (lstat(path, &st) < 0)
		return;
	/* libxl replaces the file when it changes it. */
	now.inode = st.st_ino;
	now.ctime_ns = (uint64_t)st.st_ctim.tv_sec * 1000000000 + (uint64_t)st.st_ctim.tv_nsec;
	if (c->there && c->inode == now.inode && c->ctime_ns == now.ctime_ns)
		return;
	o = xl_json_read(AT_FDCWD, path, CONFIG_MAX);
	if (!o)
		return;
	(void)xl_json_text(xl_json_get(o, "c_info"), "name", now.name, sizeof(now.name));
	for (size_t i = 0; i < XD_LIBXL_REASONS; i++) {
		/* libxl leaves out what has its default, and destroying is that. */
		now.action[i] = XD_ACTION_DESTROY;
		if (action_key[i] && xl_json_text(o, action_key[i], text, sizeof(text)))
			now.action[i] = xd_action_parse(text);
	}
	*c = now;
}

enum xd_action xd_libxl_action(const struct xd_libxl_config *c, unsigned shutdown_reason)
{
	if (!c->there)
		return XD_ACTION_UNKNOWN;
	return shutdown_reason < XD_LIBXL_REASONS ? c->action[shutdown_reason] : XD_ACTION_DESTROY;
}
