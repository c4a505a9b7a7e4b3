/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of the dumps. */
#include "common/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/json.h"

static const char *const suffix[_XLDUMP_FORMAT_MAX] = {
	[XLDUMP_FORMAT_ELF] = ".elf",
	[XLDUMP_FORMAT_XENCORE] = ".xencore",
	[XLDUMP_FORMAT_XENCORE_RAW] = ".xencore-raw",
	[XLDUMP_FORMAT_KDUMP] = ".kdump",
};

int xd_spool_open(struct xl_ctx *x, const char *dir, int *ret_dirfd)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return xl_err(x, -errno, "create %s", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return xl_err(x, -errno, "open %s", dir);
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -EPERM,
			       "%s is accessible to others, but dumps contain the guests' secrets; "
			       "it must belong to root and have mode 0700", dir);
	*ret_dirfd = xl_take_fd(&fd);
	return 0;
}

int xd_spool_look(struct xl_ctx *x, const char *dir, int *ret_dirfd)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return xl_fail(x, XLDUMP_CAUSE_PERMISSION, -EACCES, "only root may use %s", dir);
	if (fd < 0)
		return xl_err(x, -errno, "open %s", dir);
	*ret_dirfd = fd;
	return 0;
}

void xd_spool_escape(const char *name, char ret[65])
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t len = 0;

	if (!name[0])
		name = "unnamed";
	for (; *name; name++) {
		bool plain = strchr(letters, *name) && !(len == 0 && *name == '.');

		if (len + (plain ? 1 : 3) > 64)
			break;
		if (plain)
			ret[len++] = *name;
		else
			len += (size_t)snprintf(ret + len, 65 - len, "%%%02X", (unsigned char)*name);
	}
	ret[len] = '\0';
}

int xd_spool_name(struct xl_ctx *x, int dirfd, const struct xd_job *job, char *ret, size_t size)
{
	time_t now = time(NULL);
	char guest[65], day[32];
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	(void)strftime(day, sizeof(day), "%Y%m%dT%H%M%SZ", &tm);
	xd_spool_escape(job->dom.name, guest);
	for (unsigned i = 0; i < 1000; i++) {
		char more[16] = "";
		int n;

		if (i)
			(void)snprintf(more, sizeof(more), "-%u", i);
		n = snprintf(ret, size, "%s-%s-%06" PRIu64 "%s%s", guest, day, job->seq, more,
			     suffix[job->set.format]);
		if (n < 0 || (size_t)n >= size)
			return xl_err(x, -ENAMETOOLONG, "name the dump of %s", guest);
		if (faccessat(dirfd, ret, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
			return 0;
	}
	return xl_err(x, -EEXIST, "name the dump of %s", guest);
}

int xd_spool_room(int dirfd, uint64_t *ret)
{
	struct statvfs v;

	if (fstatvfs(dirfd, &v) < 0)
		return -errno;
	*ret = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

int xd_spool_describe(struct xl_ctx *x, int dirfd, const char *name, struct json_object *o)
{
	char beside[NAME_MAX + 1];
	int r;

	if (snprintf(beside, sizeof(beside), "%s" XD_SIDECAR, name) >= (int)sizeof(beside))
		return xl_err(x, -ENAMETOOLONG, "describe %s", name);
	r = xl_json_write(dirfd, beside, o);
	return r < 0 ? xl_err(x, r, "write %s", beside) : 0;
}

/* ---- reading it ---- */

static bool is_dump(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < XL_ARRAY_SIZE(suffix); i++) {
		size_t n = strlen(suffix[i]);

		if (name[0] != '.' && len > n && !strcmp(name + len - n, suffix[i]))
			return true;
	}
	return false;
}

/* "...Z-000012.elf", "...Z-000012-1.elf" */
static uint64_t number_of(const char *name)
{
	const char *at = NULL;
	uint64_t n = 0;

	for (const char *p = name; (p = strstr(p, "Z-")); p++)
		at = p + 2;
	for (; at && *at >= '0' && *at <= '9' && n < INT64_MAX / 10; at++)
		n = 10 * n + (uint64_t)(*at - '0');
	return at && (*at == '.' || *at == '-') ? n : 0;
}

static int look(int dirfd, const char *name, struct xd_dump *ret)
{
	char beside[NAME_MAX + 1];
	struct stat st;
	uint64_t t;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	*ret = (struct xd_dump){
		.name = strdup(name),
		.bytes = (uint64_t)st.st_size,
		.disk_bytes = (uint64_t)st.st_blocks * 512,
		.time = st.st_mtime,
	};
	if (!ret->name)
		return -ENOMEM;
	if (snprintf(beside, sizeof(beside), "%s" XD_SIDECAR, name) < (int)sizeof(beside))
		ret->about = xl_json_read(dirfd, beside, XD_SIDECAR_MAX);
	if (!xl_json_u64(ret->about, "seq", &ret->seq))
		ret->seq = number_of(name);
	if (xl_json_u64(ret->about, "time", &t) && t < INT_MAX * 4ULL)
		ret->time = (time_t)t;
	return 1;
}

static int by_number(const void *a, const void *b)
{
	const struct xd_dump *l = a, *r = b;

	if (l->seq != r->seq)
		return l->seq < r->seq ? -1 : 1;
	if (l->time != r->time)
		return l->time < r->time ? -1 : 1;
	return strcmp(l->name, r->name);
}

void xd_dump_deinit(struct xd_dump *d)
{
	free(d->name);
	(void)json_object_put(d->about);
}

void xd_dumps_free(struct xd_dump *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		xd_dump_deinit(&d[i]);
	free(d);
}

int xd_spool_list(struct xl_ctx *x, int dirfd, struct xd_dump **ret, size_t *ret_n)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct xd_dump *all = NULL;
	size_t n = 0, allocated = 0;
	struct dirent *e;

	if (!d) {
		r = -errno;
		xl_closep(&fd);
		return xl_err(x, r, "read the folder of the dumps");
	}
	while (r >= 0 && (e = readdir(d))) {
		if (!is_dump(e->d_name))
			continue;
		if (n == allocated) {
			struct xd_dump *p;

			allocated = allocated ? 2 * allocated : 32;
			p = reallocarray(all, allocated, sizeof(*all));
			if (!p) {
				r = -ENOMEM;
				break;
			}
			all = p;
		}
		r = look(dirfd, e->d_name, &all[n]);
		n += r > 0;
	}
	(void)closedir(d);
	if (r < 0) {
		xd_dumps_free(all, n);
		return xl_err(x, r, "list the dumps");
	}
	if (n)
		qsort(all, n, sizeof(*all), by_number);
	*ret = all;
	*ret_n = n;
	return 0;
}

int xd_spool_remove(int dirfd, const char *name)
{
	char beside[NAME_MAX + 1];

	if (!is_dump(name) || strchr(name, '/'))
		return -ENOENT;
	if (unlinkat(dirfd, name, 0) < 0)
		return -errno;
	if (snprintf(beside, sizeof(beside), "%s" XD_SIDECAR, name) < (int)sizeof(beside))
		(void)unlinkat(dirfd, beside, 0);
	return 0;
}
