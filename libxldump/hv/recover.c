/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Undoing what the dumps of dead processes left. */
#include "hv/recover.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/domain.h"
#include "hv/saver.h"
#include "hv/undo_private.h"

/* One journal while it is replayed. */
struct replay {
	struct xl_ctx *x;
	struct xl_hv *hv;
	int dirfd, fd;
	const char *name;
	struct xl_undo_record rec;
	struct xl_domain dom;
	char did[512];  /* "unpaused it, switched off log-dirty mode" */
	bool left;      /* something is owed still */
};

_printf_(2, 3) static void did(struct replay *p, const char *fmt, ...)
{
	size_t len = strlen(p->did);
	va_list ap;

	if (len)
		len += (size_t)snprintf(p->did + len, sizeof(p->did) - len, ", ");
	if (len >= sizeof(p->did))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(p->did + len, sizeof(p->did) - len, fmt, ap);
	va_end(ap);
}

static void say(const struct replay *p, const char *what)
{
	char uuid[XL_UNDO_UUID_MAX];

	xl_undo_uuid(p->rec.uuid, uuid);
	xl_log(p->x, XLDUMP_LOG_WARNING, "a dump of domain %u (%s) by process %u was cut short: %s",
	       p->rec.domid, uuid, p->rec.pid, what);
}

static uint32_t owed(const struct replay *p)
{
	return atomic_load(&p->rec.owed) & 0xffff;
}

/* Into the file at once: we may die too. */
static void update(struct replay *p, uint32_t clear, uint32_t set)
{
	uint32_t word = xl_undo_pack((owed(p) & ~clear) | set);

	atomic_store(&p->rec.owed, word);
	(void)!pwrite(p->fd, &word, sizeof(word), offsetof(struct xl_undo_record, owed));
}

/* What cannot be undone because it is not there any more is undone. */
static bool moot(int r)
{
	return r == 0 || r == -ESRCH || r == -EINVAL || r == -EOPNOTSUPP;
}

static void failed(struct replay *p, const char *what, int r)
{
	char text[160];

	(void)snprintf(text, sizeof(text), "cannot %s (%s); the next run tries again",
		       what, strerror(-r));
	say(p, text);
	p->left = true;
}

static void undo_pause(struct replay *p)
{
	uint32_t flags = owed(p) & XL_UNDO_ALL_PAUSE;
	bool sure = flags & XL_UNDO_PAUSED;
	int r;

	if (!flags)
		return;
	if (p->dom.paused && !sure && (flags & XL_UNDO_PAUSED_BEFORE)) {
		did(p,
		    "left it paused, because somebody else had paused it before (if `xl unpause "
		    "%u' does not make it run, repeat it)", p->rec.domid);
	} else if (p->dom.paused) {
		update(p, XL_UNDO_PAUSED, XL_UNDO_PAUSE_MAYBE);
		r = p->hv->ops->unpause(p->hv, p->rec.domid);
		if (!moot(r)) {
			if (sure)
				update(p, XL_UNDO_PAUSE_MAYBE, XL_UNDO_PAUSED);
			failed(p, "unpause it", r);
			return;
		}
		did(p, "unpaused it");
	} else if (sure) {
		did(p, "found it unpaused already");
	}
	update(p, XL_UNDO_ALL_PAUSE, 0);
}

static void undo_cap(struct replay *p)
{
	int r;

	if (!(owed(p) & XL_UNDO_CAP))
		return;
	r = p->hv->ops->cap_set(p->hv, p->rec.domid, (uint32_t)p->rec.cap);
	if (!moot(r)) {
		failed(p, "lift the cap on its CPU time", r);
		return;
	}
	did(p, "gave it back its CPU time");
	update(p, XL_UNDO_CAP, 0);
}

static void undo_log(struct replay *p)
{
	int r;

	if (owed(p) & XL_UNDO_DM_LOG) {
		r = p->dom.hvm_devices ? p->hv->ops->dm_logdirty(p->hv, &p->dom, false) : 0;
		if (moot(r) || r == -ENOENT || r == -ECONNREFUSED) {
			did(p, "told its device model to stop reporting writes");
			update(p, XL_UNDO_DM_LOG, 0);
		} else {
			failed(p, "tell its device model to stop reporting writes", r);
		}
	}
	if (owed(p) & XL_UNDO_ALL_LOG) {
		r = p->hv->ops->logdirty_stop(p->hv, p->rec.domid);
		if (moot(r)) {
			did(p, "switched off log-dirty mode");
			update(p, XL_UNDO_ALL_LOG, 0);
		} else {
			failed(p, "switch off log-dirty mode", r);
		}
	}
}

/* Log-dirty mode is one for all: whose is it now? */
static void undo_logs(struct replay *p)
{
	const uint32_t logs = XL_UNDO_ALL_LOG | XL_UNDO_DM_LOG;
	pid_t saver;

	if (!(owed(p) & logs))
		return;
	saver = xl_saver_find("/proc", p->rec.domid);
	if (saver)
		did(p, "left log-dirty mode to the save or migration by process %d", (int)saver);
	else if (xl_undo_log_owned(p->dirfd, p->name, p->rec.domid, p->rec.uuid))
		did(p, "left log-dirty mode to another dump");
	else {
		undo_log(p);
		return;
	}
	update(p, logs, 0);
}

/* The folder must be the same, and the name is one that nobody but us gives. */
static void remove_partial(struct replay *p)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (!(owed(p) & XL_UNDO_PARTIAL))
		return;
	fd = open(p->rec.partial_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == p->rec.partial_dev &&
	    st.st_ino == p->rec.partial_ino && unlinkat(fd, p->rec.partial, 0) == 0)
		did(p, "removed %.200s/%.60s", p->rec.partial_dir, p->rec.partial);
}

/* 1: it is the domain of the journal; 0: that one is gone. */
static int find_domain(struct replay *p)
{
	char boot[sizeof(p->rec.boot)];
	int r;

	xl_undo_boot_id(boot);
	if (strcmp(boot, p->rec.boot) != 0)
		return 0;
	r = p->hv->ops->domain_info(p->hv, p->rec.domid, &p->dom);
	if (r == -ESRCH)
		return 0;
	if (r < 0)
		return r;
	return !p->dom.dying && xl_same_domain(&p->dom, &p->rec);
}

/* 1: it owed something and no longer does; -EIO: it still does. */
static int replay(struct replay *p)
{
	bool something = owed(p) & XL_UNDO_GUEST;
	int r = something ? find_domain(p) : 0;

	if (r < 0) {
		failed(p, "look at it", r);
		return -EIO;
	}
	if (r > 0) {
		undo_pause(p);
		undo_cap(p);
		undo_logs(p);
	} else if (something) {
		did(p, "the domain does not exist any more, so there was nothing to undo");
	}
	remove_partial(p);
	if (p->did[0])
		say(p, p->did);
	if (p->left)
		return -EIO;
	(void)unlinkat(p->dirfd, p->name, 0);
	return something || p->did[0];
}

static void set_aside(struct replay *p, const char *dir, const char *why)
{
	char to[NAME_MAX + 1];

	if (snprintf(to, sizeof(to), "%s" XL_UNDO_BROKEN, p->name) >= (int)sizeof(to) ||
	    renameat(p->dirfd, p->name, p->dirfd, to) < 0)
		(void)snprintf(to, sizeof(to), "%s", p->name);
	xl_log(p->x, XLDUMP_LOG_WARNING,
	       "%s/%s is not a valid undo journal (%s), so nothing was undone for it; if a guest "
	       "stays paused (state `p' in `xl list'), run `xl unpause'",
	       dir, to, why);
}

/* Whether it is a journal whose owner is dead: then it is locked, and read. */
static bool take(struct replay *p, const char *dir)
{
	const char *why = NULL;
	struct stat st;

	p->fd = openat(p->dirfd, p->name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (p->fd < 0 && (errno == ENOENT || errno == EMFILE || errno == ENFILE))
		return false;
	if (p->fd < 0 || fstat(p->fd, &st) < 0 || !S_ISREG(st.st_mode))
		why = "not a regular file";
	else if (flock(p->fd, LOCK_EX | LOCK_NB) < 0 || fstat(p->fd, &st) < 0 || !st.st_nlink)
		return false; /* it lives, or has just ended properly */
	else if (st.st_uid != geteuid() || st.st_nlink != 1)
		why = "made by somebody else";
	else if (st.st_size != (off_t)sizeof(p->rec) ||
		 pread(p->fd, &p->rec, sizeof(p->rec), 0) != (ssize_t)sizeof(p->rec))
		why = "wrong size";
	else
		why = xl_undo_invalid(&p->rec, p->name);
	if (why)
		set_aside(p, dir, why);
	return !why;
}

static int replay_one(struct xl_ctx *x, struct xl_hv *hv, int dirfd, const char *dir,
		      const char *name)
{
	_cleanup_free_ struct replay *p = calloc(1, sizeof(*p));
	int r = 0;

	if (!p)
		return -EIO;
	p->x = x;
	p->hv = hv;
	p->dirfd = dirfd;
	p->fd = -1;
	p->name = name;
	if (take(p, dir))
		r = replay(p);
	xl_closep(&p->fd);
	return r;
}

static void close_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

int xl_recover(struct xl_ctx *x, struct xl_hv *hv, const char *dir, unsigned *ret_undone)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_(close_dir) DIR *d = NULL;
	struct dirent *e;
	struct stat st;
	unsigned left = 0;
	int r;

	if (ret_undone)
		*ret_undone = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : xl_err(x, -errno, "open %s", dir);
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 077))
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -EPERM,
			       "%s is accessible to others; it must belong to root and have mode "
			       "0700", dir);
	r = xl_undo_lock(fd);
	if (r < 0)
		return xl_err(x, r, "wait for another process that undoes what a killed dump left");
	/* Shares its position with fd, and its lock: closed at the end. */
	r = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	d = r < 0 ? NULL : fdopendir(r);
	if (!d) {
		int e2 = -errno;

		xl_closep(&r);
		xl_undo_unlock(fd);
		return xl_err(x, e2, "read %s", dir);
	}
	while ((e = readdir(d))) {
		if (!xl_undo_is_journal(e->d_name))
			continue;
		r = replay_one(x, hv, fd, dir, e->d_name);
		if (r > 0 && ret_undone)
			*ret_undone += 1;
		left += r < 0;
	}
	xl_undo_unlock(fd);
	if (left)
		return xl_fail(x, XLDUMP_CAUSE_OTHER, -EIO,
			       "%u killed dump%s left changes that could not be undone", left,
			       left == 1 ? "" : "s");
	return 0;
}
