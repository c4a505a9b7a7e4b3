/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xenstore, by libxenstore, which is loaded when it is opened: xldumpctl looks at dumps on hosts
 * without Xen, too. */
#include "common/store.h"

#include <dlfcn.h>
#include <string.h>

#include <xenstore.h>

#include "config.h"

#define CALLS(X)                                                                                  \
	X(open) X(close) X(fileno) X(read) X(write) X(rm) X(mkdir) X(directory)                    \
	X(get_permissions) X(set_permissions) X(transaction_start) X(transaction_end)              \
	X(watch) X(check_watch)

struct xd_store {
	void *library; /* of dlopen(3) */
#define MEMBER(name) __typeof__(&xs_##name) name;
	struct {
		CALLS(MEMBER)
	} call;
#undef MEMBER
	struct xs_handle *xs;
	xs_transaction_t t;
};

static int failed(void)
{
	return errno > 0 ? -errno : -EIO;
}

/* All that is called is there, or none.  It has threads of its own, so it stays loaded. */
static int load(struct xl_ctx *x, struct xd_store *s)
{
	bool all = true;

	s->library = dlopen(XENSTORE_SONAME, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!s->library)
		return xl_fail(x, XLDUMP_CAUSE_NO_XEN, -ENODEV,
			       "cannot talk to xenstored: %s; in dom0, install Xen's libraries "
			       "(Debian: the package xldump-dom0 brings them)",
			       dlerror());
#define LOOK_UP(name)                                                                             \
	s->call.name = (__typeof__(s->call.name))dlsym(s->library, "xs_" #name);                   \
	all = all && s->call.name;
	CALLS(LOOK_UP)
#undef LOOK_UP
	if (!all)
		return xl_fail(x, XLDUMP_CAUSE_VERSION, -ELIBACC,
			       "cannot talk to xenstored: %s lacks functions of Xen 4.17",
			       XENSTORE_SONAME);
	return 0;
}

static int connect_store(struct xl_ctx *x, struct xd_store *s)
{
	int r = load(x, s);

	if (r < 0)
		return r;
	errno = 0;
	s->xs = s->call.open(0);
	if (s->xs)
		return 0;
	r = failed();
	if (r == -EACCES || r == -EPERM)
		return xl_fail(x, XLDUMP_CAUSE_PERMISSION, r,
			       "no permission to talk to xenstored: run as root in dom0");
	return xl_fail(x, XLDUMP_CAUSE_NO_XEN, r,
		       "cannot reach xenstored (%s): is this dom0, and is it running?",
		       strerror(-r));
}

int xd_store_open(struct xl_ctx *x, struct xd_store **ret)
{
	struct xd_store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return xl_err(x, -ENOMEM, "connect to xenstored");
	r = connect_store(x, s);
	if (r < 0) {
		xd_store_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void xd_store_close(struct xd_store *s)
{
	if (!s)
		return;
	if (s->xs)
		s->call.close(s->xs);
	if (s->library)
		(void)dlclose(s->library);
	free(s);
}

int xd_store_fd(const struct xd_store *s)
{
	return s->call.fileno(s->xs);
}

int xd_store_read(struct xd_store *s, const char *path, char **ret)
{
	unsigned len;
	char *value = s->call.read(s->xs, s->t, path, &len);

	if (!value)
		return failed();
	if (strlen(value) != len) {
		free(value);
		return -EBADMSG;
	}
	*ret = value;
	return 0;
}

int xd_store_write(struct xd_store *s, const char *path, const char *value)
{
	return s->call.write(s->xs, s->t, path, value, (unsigned)strlen(value)) ? 0 : failed();
}

int xd_store_remove(struct xd_store *s, const char *path)
{
	return s->call.rm(s->xs, s->t, path) ? 0 : failed();
}

bool xd_store_exists(struct xd_store *s, const char *path)
{
	unsigned len;
	char *value = s->call.read(s->xs, s->t, path, &len);

	free(value);
	return value != NULL;
}

int xd_store_mkdir_private(struct xd_store *s, const char *path)
{
	struct xs_permissions none = { .id = 0, .perms = XS_PERM_NONE };

	if (!s->call.mkdir(s->xs, s->t, path) || !s->call.set_permissions(s->xs, s->t, path, &none, 1))
		return failed();
	return 0;
}

int xd_store_list(struct xd_store *s, const char *path, char ***ret, size_t *ret_n)
{
	unsigned n;
	char **names = s->call.directory(s->xs, s->t, path, &n);

	if (!names)
		return failed();
	*ret = names;
	*ret_n = n;
	return 0;
}

int xd_store_is_ours(struct xd_store *s, const char *path)
{
	unsigned n;
	struct xs_permissions *p = s->call.get_permissions(s->xs, s->t, path, &n);
	int ours;

	if (!p)
		return failed();
	/* The first names the owner, and what everybody may who is not named after it. */
	ours = n >= 1 && p[0].id == 0 && !(p[0].perms & XS_PERM_WRITE);
	for (unsigned i = 1; i < n; i++)
		ours &= p[i].id == 0 || !(p[i].perms & XS_PERM_WRITE);
	free(p);
	return ours;
}

int xd_store_begin(struct xd_store *s)
{
	s->t = s->call.transaction_start(s->xs);
	return s->t == XBT_NULL ? failed() : 0;
}

int xd_store_end(struct xd_store *s, bool commit)
{
	xs_transaction_t t = s->t;

	s->t = XBT_NULL;
	return s->call.transaction_end(s->xs, t, !commit) ? 0 : failed();
}

int xd_store_watch(struct xd_store *s, const char *path, const char *token)
{
	return s->call.watch(s->xs, path, token) ? 0 : failed();
}

int xd_store_event(struct xd_store *s, char *path, size_t path_size, char *token,
		   size_t token_size)
{
	char **event = s->call.check_watch(s->xs);

	if (!event)
		return errno == EAGAIN ? 0 : failed();
	(void)snprintf(path, path_size, "%s", event[XS_WATCH_PATH]);
	(void)snprintf(token, token_size, "%s", event[XS_WATCH_TOKEN]);
	free(event);
	return 1;
}
