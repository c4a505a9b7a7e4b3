/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xenstore in a build without Xen: it cannot be opened, so nothing else is ever called. */
#include "common/store.h"

#include <assert.h>

int xd_store_open(struct xl_ctx *x, struct xd_store **ret)
{
	(void)ret;
	return xl_fail(x, XLDUMP_CAUSE_NO_XEN, -ENODEV,
		       "this build of xldump has no Xen (configure --without-xen), so it cannot talk "
		       "to xldumpd: install the xldump of this host's Xen, in dom0");
}

void xd_store_close(struct xd_store *s)
{
	assert(!s);
	(void)s;
}

static int never(void)
{
	assert(!"a xenstore that was not opened");
	return -ENODEV;
}

int xd_store_fd(const struct xd_store *s)
{
	(void)s;
	return never();
}

int xd_store_read(struct xd_store *s, const char *path, char **ret)
{
	(void)s, (void)path, (void)ret;
	return never();
}

int xd_store_write(struct xd_store *s, const char *path, const char *value)
{
	(void)s, (void)path, (void)value;
	return never();
}

int xd_store_remove(struct xd_store *s, const char *path)
{
	(void)s, (void)path;
	return never();
}

bool xd_store_exists(struct xd_store *s, const char *path)
{
	(void)s, (void)path;
	return never() == 0;
}

int xd_store_mkdir_private(struct xd_store *s, const char *path)
{
	(void)s, (void)path;
	return never();
}

int xd_store_list(struct xd_store *s, const char *path, char ***ret, size_t *ret_n)
{
	(void)s, (void)path, (void)ret, (void)ret_n;
	return never();
}

int xd_store_is_ours(struct xd_store *s, const char *path)
{
	(void)s, (void)path;
	return never();
}

int xd_store_begin(struct xd_store *s)
{
	(void)s;
	return never();
}

int xd_store_end(struct xd_store *s, bool commit)
{
	(void)s, (void)commit;
	return never();
}

int xd_store_watch(struct xd_store *s, const char *path, const char *token)
{
	(void)s, (void)path, (void)token;
	return never();
}

int xd_store_event(struct xd_store *s, char *path, size_t path_size, char *token,
		   size_t token_size)
{
	(void)s, (void)path, (void)path_size, (void)token, (void)token_size;
	return never();
}
