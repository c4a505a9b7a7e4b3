/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xenstore.  The only file of the daemon and of the tools that includes Xen's headers is store.c.
 *
 * What is read is anybody's text: it has no NUL in it and is at most XENSTORE_PAYLOAD_MAX long, and
 * nothing else is known of it.  Calls wait for xenstored.
 */
#ifndef XLDUMP_DAEMON_STORE_H
#define XLDUMP_DAEMON_STORE_H

#include "base/ctx.h"

struct xd_store;

/* Errors: XLDUMP_CAUSE_NO_XEN, XLDUMP_CAUSE_PERMISSION. */
int xd_store_open(struct xl_ctx *x, struct xd_store **ret);
void xd_store_close(struct xd_store *s);

static inline void xd_store_closep(struct xd_store **s)
{
	xd_store_close(*s);
}

/* To poll; readable when there are events. */
int xd_store_fd(const struct xd_store *s);

/* All below: a negative errno.  Of reads, -EBADMSG for a value with a NUL in it. */
int xd_store_read(struct xd_store *s, const char *path, char **ret);
int xd_store_write(struct xd_store *s, const char *path, const char *value);
int xd_store_remove(struct xd_store *s, const char *path);
bool xd_store_exists(struct xd_store *s, const char *path);

/* A node that belongs to domain 0 and that no other domain may read or write. */
int xd_store_mkdir_private(struct xd_store *s, const char *path);

/* Names of the nodes in it; to be freed as one. */
int xd_store_list(struct xd_store *s, const char *path, char ***ret, size_t *ret_n);

/* 1: it belongs to domain 0, and no other may write to it.  0: not so. */
int xd_store_is_ours(struct xd_store *s, const char *path);

/* Reads and writes between these are of one instant.  -EAGAIN of the end: all of it anew. */
int xd_store_begin(struct xd_store *s);
int xd_store_end(struct xd_store *s, bool commit);

int xd_store_watch(struct xd_store *s, const char *path, const char *token);

/* The next event that is there: 1; 0: none; negative: the connection is gone.  Each text is cut to
 * its size. */
int xd_store_event(struct xd_store *s, char *path, size_t path_size, char *token,
		   size_t token_size);

#endif
