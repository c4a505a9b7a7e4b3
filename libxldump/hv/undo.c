/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing the journal of a dump under way. */
#include "hv/undo_private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct xl_undo {
	int dirfd, fd;
	char name[XL_UNDO_NAME_MAX];
	struct xl_undo_record *rec; /* the file, mapped */
};

static int fail_dir(struct xl_ctx *x, const char *dir, int e, const char *what)
{
	return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -e,
		       "cannot %s %s (%s); every change to a guest must be recorded there first, "
		       "so that it can be undone if this process dies", what, dir, strerror(e));
}

static int make_dir(struct xl_ctx *x, const char *dir)
{
	_cleanup_free_ char *parent = strdup(dir);
	char *slash;

	if (!parent)
		return xl_err(x, -ENOMEM, "name of the folder %s", dir);
	slash = strrchr(parent, '/');
	if (slash && slash != parent) {
		*slash = '\0';
		if (mkdir(parent, 0755) < 0 && errno != EEXIST)
			return fail_dir(x, parent, errno, "create");
	}
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return fail_dir(x, dir, errno, "create");
	return 0;
}

/* Nobody else may write here: what is recorded is acted upon, as root. */
static int open_dir(struct xl_ctx *x, const char *dir, int *ret)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = make_dir(x, dir);

	if (r < 0)
		return r;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_dir(x, dir, errno, "open");
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -EPERM,
			       "%s is accessible to others; it must belong to root and have mode "
			       "0700", dir);
	*ret = xl_take_fd(&fd);
	return 0;
}

/* A complete record in a locked file, which has no name of its own yet. */
static int fill(struct xl_undo *u, uint32_t domid, const uint8_t uuid[16])
{
	_cleanup_close_ int map_fd = -1;
	struct xl_undo_record *rec;

	u->fd = openat(u->dirfd, XL_UNDO_NEW,
		       O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* The memory is taken now: a full tmpfs must not kill us by SIGBUS in the pause. */
	if (u->fd < 0 || flock(u->fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	if (posix_fallocate(u->fd, 0, sizeof(*rec)) != 0)
		return -ENOSPC;
	/* Mapped through a file of its own: whoever looks at our /proc (maps, cmdline) when we die
	 * keeps our memory, and with it what is mapped, for a moment longer; the lock would look as
	 * if it were held by one who lives. */
	map_fd = openat(u->dirfd, XL_UNDO_NEW, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (map_fd < 0)
		return -errno;
	rec = mmap(NULL, sizeof(*rec), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, map_fd, 0);
	if (rec == MAP_FAILED)
		return -errno;
	u->rec = rec;
	rec->domid = domid;
	rec->pid = (uint32_t)getpid();
	memcpy(rec->uuid, uuid, sizeof(rec->uuid));
	xl_undo_boot_id(rec->boot);
	atomic_init(&rec->owed, xl_undo_pack(0));
	memcpy(rec->magic, XL_UNDO_MAGIC, sizeof(rec->magic));
	return 0;
}

/* The owner of a journal of that name, should there be one, is dead, or another thread's dump. */
static int give_name(struct xl_undo *u)
{
	for (u->rec->serial = 0; u->rec->serial < 1000; u->rec->serial++) {
		u->rec->check = xl_undo_checksum(u->rec);
		xl_undo_name(u->rec, u->name);
		if (renameat2(u->dirfd, XL_UNDO_NEW, u->dirfd, u->name, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	u->name[0] = '\0';
	return -errno;
}

static void undo_free(struct xl_undo *u)
{
	if (u->rec)
		(void)munmap(u->rec, sizeof(*u->rec));
	xl_closep(&u->fd);
	xl_closep(&u->dirfd);
	free(u);
}

int xl_undo_open(struct xl_ctx *x, const char *dir, uint32_t domid, const uint8_t uuid[16],
		 struct xl_undo **ret)
{
	struct xl_undo *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return xl_err(x, -ENOMEM, "undo journal");
	u->fd = u->dirfd = -1;
	r = open_dir(x, dir, &u->dirfd);
	if (r == 0) {
		r = xl_undo_lock(u->dirfd);
		if (r == 0) {
			r = fill(u, domid, uuid);
			if (r == 0)
				r = give_name(u);
			xl_undo_unlock(u->dirfd);
		}
		if (r < 0)
			r = fail_dir(x, dir, -r, "write a journal in");
	}
	if (r < 0) {
		undo_free(u);
		return r;
	}
	*ret = u;
	return 0;
}

void xl_undo_close(struct xl_undo *u)
{
	if (!u)
		return;
	/* A partial file is gone by now, or is a finished dump; its name cannot be another's. */
	if (!(atomic_load(&u->rec->owed) & XL_UNDO_GUEST))
		(void)unlinkat(u->dirfd, u->name, 0);
	undo_free(u);
}

void xl_undo_update(struct xl_undo *u, uint32_t clear, uint32_t set)
{
	if (u) {
		uint32_t flags = atomic_load(&u->rec->owed) & 0xffff;

		atomic_store(&u->rec->owed, xl_undo_pack((flags & ~clear) | set));
	}
}

int xl_undo_log_begin(struct xl_ctx *x, struct xl_undo *u)
{
	int r;

	if (!u)
		return 0;
	r = xl_undo_lock(u->dirfd);
	if (r < 0)
		return xl_err(x, r, "wait for another process that undoes what a killed dump left");
	xl_undo_update(u, XL_UNDO_ALL_LOG, XL_UNDO_LOG_MAYBE);
	return 0;
}

void xl_undo_log_end(struct xl_undo *u, bool on)
{
	if (!u)
		return;
	xl_undo_update(u, XL_UNDO_ALL_LOG, on ? XL_UNDO_LOG : 0);
	xl_undo_unlock(u->dirfd);
}

bool xl_undo_log_has_other_owner(struct xl_undo *u)
{
	bool r;

	/* The look at a dead one's journal locks it for a moment: not while others replay. */
	if (!u || xl_undo_lock(u->dirfd) < 0)
		return false;
	r = xl_undo_log_owned(u->dirfd, u->name, u->rec->domid, u->rec->uuid);
	xl_undo_unlock(u->dirfd);
	return r;
}

void xl_undo_cap(struct xl_undo *u, uint32_t before)
{
	if (u) {
		u->rec->cap = xl_undo_pack_cap(before);
		xl_undo_update(u, 0, XL_UNDO_CAP);
	}
}

void xl_undo_partial(struct xl_undo *u, int dirfd, const char *name)
{
	struct xl_undo_record *rec;
	struct stat st;
	char proc[64];
	ssize_t n;

	if (!u)
		return;
	rec = u->rec;
	xl_undo_update(u, XL_UNDO_PARTIAL, 0);
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", dirfd);
	n = readlink(proc, rec->partial_dir, sizeof(rec->partial_dir) - 1);
	/* A folder without a name that can be told: the file would be left, hidden; the guest's
	 * affairs are none the worse. */
	if (n <= 0 || n >= (ssize_t)sizeof(rec->partial_dir) - 1 || fstat(dirfd, &st) < 0 ||
	    strlen(name) >= sizeof(rec->partial))
		return;
	rec->partial_dir[n] = '\0';
	rec->partial_dev = st.st_dev;
	rec->partial_ino = st.st_ino;
	(void)snprintf(rec->partial, sizeof(rec->partial), "%s", name);
	xl_undo_update(u, 0, XL_UNDO_PARTIAL);
}
