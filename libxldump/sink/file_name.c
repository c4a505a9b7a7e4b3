/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump file: its name, which it has not before it is complete and on disk. */
#include "sink/file_name.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "hv/undo.h"
#include "sink/file_bytes.h"

/* Tries to find a free temporary name: 36^6 of them exist. */
#define NAME_TRIES 100
#define SUFFIX_LEN 6
#define PARTIAL_MARK ".partial-"

static int set_path(struct xl_ctx *x, struct xl_file *f)
{
	const char *slash = strrchr(f->path, '/');
	f->name = slash ? slash + 1 : f->path;
	if (!slash)
		f->dir = strdup(".");
	else if (slash == f->path)
		f->dir = strdup("/");
	else
		f->dir = strndup(f->path, (size_t)(slash - f->path));
	if (!f->dir)
		return xl_err(x, -ENOMEM, "remember the directory of the output");

	if (!f->path[0])
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -EINVAL,
			       "the path of the output is empty");
	if (!f->name[0] || !strcmp(f->name, ".") || !strcmp(f->name, ".."))
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -EISDIR,
			       "%s is a directory; name a file in it", f->path);
	return 0;
}

static int open_dir(struct xl_ctx *x, struct xl_file *f)
{
	f->dirfd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dirfd >= 0)
		return 0;
	switch (errno) {
	case ENOENT:
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -ENOENT, "%s: no such directory", f->dir);
	case ENOTDIR:
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -ENOTDIR, "%s is not a directory",
			       f->dir);
	case EACCES:
	case EPERM:
		return xl_fail(x, XLDUMP_CAUSE_PERMISSION, -errno, "%s: %s", f->dir,
			       strerror(errno));
	default:
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -errno, "%s: %s", f->dir,
			       strerror(errno));
	}
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFIFO:
		return "a pipe";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	case S_IFLNK:
		return "a symbolic link";
	default:
		return "not a regular file";
	}
}

/* What is there under the name now. */
static int check_target(struct xl_ctx *x, const struct xl_file *f)
{
	struct stat st;

	if (fstatat(f->dirfd, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : xl_file_fail(x, f, errno, "look at it");
	if (S_ISDIR(st.st_mode))
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -EISDIR,
			       "%s is a directory; name a file in it", f->path);
	if (!S_ISREG(st.st_mode))
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -EINVAL,
			       "%s is %s; a dump is written into a regular file", f->path,
			       kind_of(st.st_mode));
	return f->overwrite ? 0 : xl_file_fail(x, f, EEXIST, "");
}

/* A name for the file while it grows; hidden, and short enough whatever the target's length. */
static int make_partial(struct xl_file *f, char ret[NAME_MAX + 1])
{
	static const char digits[36] = "0123456789abcdefghijklmnopqrstuvwxyz";
	const int room = NAME_MAX - 1 - (int)strlen(PARTIAL_MARK) - SUFFIX_LEN;
	unsigned char raw[SUFFIX_LEN];
	int n;

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return -errno;
	n = snprintf(ret, NAME_MAX + 1, ".%.*s" PARTIAL_MARK, room, f->name);
	for (int i = 0; i < SUFFIX_LEN; i++)
		ret[n++] = digits[raw[i] % sizeof(digits)];
	ret[n] = '\0';
	return 0;
}

/* Why a file could not be created in a directory that can be opened and, as access(2) says,
 * written: then it is the file system itself that does not want files (proc, sysfs). */
static int fail_create(struct xl_ctx *x, const struct xl_file *f, int e)
{
	bool allowed = faccessat(f->dirfd, ".", W_OK | X_OK, AT_EACCESS) == 0;

	switch (e) {
	case EACCES:
	case EPERM:
		if (!allowed)
			return xl_fail(x, XLDUMP_CAUSE_PERMISSION, -e,
				       "%s: no permission to create files in %s", f->path,
				       f->dir);
		/* fall through */
	case ENOENT:
	case EINVAL:
	case EOPNOTSUPP:
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -e,
			       "%s: file system cannot hold a dump", f->path);
	default:
		return xl_file_fail(x, f, e, "create");
	}
}

static int create_partial(struct xl_ctx *x, struct xl_file *f)
{
	char name[NAME_MAX + 1];

	for (int i = 0; i < NAME_TRIES; i++) {
		int r = make_partial(f, name);

		if (r < 0)
			return xl_file_fail(x, f, -r, "make a temporary name");
		xl_undo_partial(f->undo, f->dirfd, name);
		f->fd = openat(f->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       0600);
		if (f->fd >= 0) {
			f->partial = strdup(name);
			if (f->partial)
				return 0;
			(void)unlinkat(f->dirfd, name, 0);
			return xl_err(x, -ENOMEM, "remember the temporary name");
		}
		if (errno != EEXIST)
			return fail_create(x, f, errno);
	}
	return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -EBUSY, "%s: no free temporary name beside it",
		       f->path);
}

/* ---- how the file will get its name: found out by the same steps on an empty one ---- */

/* A temporary name, and an empty file that has it. */
static int make_empty(struct xl_file *f, char ret[NAME_MAX + 1])
{
	for (int i = 0; i < NAME_TRIES; i++) {
		int fd, r = make_partial(f, ret);

		if (r < 0)
			return r;
		xl_undo_partial(f->undo, f->dirfd, ret);
		fd = openat(f->dirfd, ret, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0) {
			(void)close(fd);
			return 0;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EBUSY;
}

/* Whoever looks in this moment sees an empty file; what is whole replaces it. */
static int rename_over_new(struct xl_file *f, const char *from, const char *to)
{
	int r, fd = openat(f->dirfd, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	(void)close(fd);
	if (renameat(f->dirfd, from, f->dirfd, to) == 0)
		return 0;
	r = -errno;
	(void)unlinkat(f->dirfd, to, 0);
	return r;
}

/* Give a file another name, which nothing has: -EEXIST if something has. */
static int name_by(struct xl_file *f, enum xl_file_way way, const char *from, const char *to)
{
	switch (way) {
	case XL_FILE_RENAME:
		return renameat2(f->dirfd, from, f->dirfd, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
	case XL_FILE_LINK:
		if (linkat(f->dirfd, from, f->dirfd, to, 0) < 0)
			return -errno;
		(void)unlinkat(f->dirfd, from, 0);
		return 0;
	default:
		return rename_over_new(f, from, to);
	}
}

/* The first way that works; to replace a file takes a plain rename, as the last one does. */
static int find_way(struct xl_ctx *x, struct xl_file *f)
{
	enum xl_file_way first = f->overwrite || f->naming == XL_SINK_NAMING_PLAIN ? XL_FILE_EXCLUSIVE :
				 f->naming == XL_SINK_NAMING_LINK		   ? XL_FILE_LINK :
										     XL_FILE_RENAME;
	char from[NAME_MAX + 1], to[NAME_MAX + 1];
	int r = 0;

	for (f->way = first; f->way < _XL_FILE_WAYS; f->way++) {
		r = make_empty(f, from);
		if (r < 0)
			return fail_create(x, f, -r);
		r = make_partial(f, to);
		if (r == 0)
			r = name_by(f, f->way, from, to);
		(void)unlinkat(f->dirfd, r == 0 ? to : from, 0);
		if (r == 0)
			return 0;
	}
	return xl_file_fail(x, f, -r, "give a file in this directory its name");
}

/* Whether a file without a name can get one later: that goes by its entry in /proc, as only
 * CAP_DAC_READ_SEARCH allows linkat(AT_EMPTY_PATH). */
static bool nameless_can_be_linked(struct xl_file *f)
{
	_cleanup_close_ int fd = openat(f->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char proc[64], name[NAME_MAX + 1];

	if (fd < 0 || make_partial(f, name) < 0)
		return false;
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	xl_undo_partial(f->undo, f->dirfd, name);
	if (linkat(AT_FDCWD, proc, f->dirfd, name, AT_SYMLINK_FOLLOW) < 0)
		return false;
	(void)unlinkat(f->dirfd, name, 0);
	return true;
}

static int create_named(struct xl_ctx *x, struct xl_file *f)
{
	int r = find_way(x, f);

	return r < 0 ? r : create_partial(x, f);
}

static int create(struct xl_ctx *x, struct xl_file *f)
{
	if (f->naming != XL_SINK_NAMING_BEST)
		return create_named(x, f);

	f->fd = openat(f->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (f->fd >= 0 && nameless_can_be_linked(f))
		return 0;
	if (f->fd >= 0) {
		(void)close(f->fd);
		f->fd = -1;
	} else if (errno == ENOSPC || errno == EDQUOT || errno == EROFS || errno == EMFILE ||
		   errno == ENFILE || errno == ENOMEM) {
		return fail_create(x, f, errno);
	}
	return create_named(x, f);
}

/* The file holds every secret of the guest, and open(2) lets the umask take bits away only from
 * what it was asked for: the owner's own bits are restored here. */
static int make_private(struct xl_ctx *x, struct xl_file *f)
{
	struct stat st;

	if (fchmod(f->fd, 0600) < 0 && errno != EPERM && errno != EOPNOTSUPP)
		return xl_file_fail(x, f, errno, "set its permissions");
	if (fstat(f->fd, &st) < 0)
		return xl_file_fail(x, f, errno, "look at it");
	if (st.st_mode & 077)
		xl_log(x, XLDUMP_LOG_WARNING,
		       "%s: this file system lets others read it (mode %03o)", f->path,
		       (unsigned)st.st_mode & 0777);
	return 0;
}

int xl_file_create(struct xl_ctx *x, struct xl_file *f)
{
	int r = set_path(x, f);

	if (r == 0)
		r = open_dir(x, f);
	if (r == 0)
		r = check_target(x, f);
	if (r == 0)
		r = create(x, f);
	return r < 0 ? r : make_private(x, f);
}

void xl_file_discard(struct xl_file *f)
{
	if (f->partial)
		(void)unlinkat(f->dirfd, f->partial, 0);
	xl_closep(&f->fd);
	xl_closep(&f->dirfd);
	free(f->partial);
	free(f->dir);
	free(f->path);
}

/* Rename our temporary name to the target's, which must not exist unless overwriting. */
static int rename_partial(struct xl_file *f)
{
	if (f->overwrite)
		return renameat(f->dirfd, f->partial, f->dirfd, f->name) < 0 ? -errno : 0;
	return name_by(f, f->way, f->partial, f->name);
}

/* Give the nameless file a name: the target's, or a temporary one first when an old file is to be
 * replaced, for linkat(2) replaces nothing. */
static int link_nameless(struct xl_file *f)
{
	char proc[64], name[NAME_MAX + 1];
	int r;

	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", f->fd);
	if (!f->overwrite)
		return linkat(AT_FDCWD, proc, f->dirfd, f->name, AT_SYMLINK_FOLLOW) < 0 ? -errno
											 : 0;
	for (int i = 0; i < NAME_TRIES; i++) {
		r = make_partial(f, name);
		if (r < 0)
			return r;
		xl_undo_partial(f->undo, f->dirfd, name);
		if (linkat(AT_FDCWD, proc, f->dirfd, name, AT_SYMLINK_FOLLOW) == 0)
			break;
		if (errno != EEXIST || i == NAME_TRIES - 1)
			return -errno;
	}
	r = renameat(f->dirfd, name, f->dirfd, f->name) < 0 ? -errno : 0;
	if (r < 0)
		(void)unlinkat(f->dirfd, name, 0);
	return r;
}

int xl_file_commit(struct xl_ctx *x, struct xl_sink *s, uint64_t *ret_file_bytes,
		   uint64_t *ret_disk_bytes)
{
	struct xl_file *f = xl_file_of(s);
	struct stat st;
	int r;

	if (fsync(f->fd) < 0)
		return xl_file_fail(x, f, errno, "flush it to disk");
	if (fstat(f->fd, &st) < 0)
		return xl_file_fail(x, f, errno, "look at it");

	r = f->partial ? rename_partial(f) : link_nameless(f);
	if (r < 0)
		return xl_file_fail(x, f, -r, "give it its name");
	free(f->partial);
	f->partial = NULL;

	/* The data is safe and the name is there; a directory that cannot be synced (some network
	 * file systems) is no reason to throw the dump away. */
	if (fsync(f->dirfd) < 0)
		xl_log(x, XLDUMP_LOG_WARNING,
		       "%s is complete, but its name may not survive a power failure: %s",
		       f->path, strerror(errno));
	*ret_file_bytes = (uint64_t)st.st_size;
	*ret_disk_bytes = (uint64_t)st.st_blocks * 512;
	return 0;
}
