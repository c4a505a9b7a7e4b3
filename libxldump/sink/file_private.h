/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the file sink share, and the switch by which tests reach the ways taken on file systems without O_TMPFILE. */
#ifndef XL_SINK_FILE_PRIVATE_H
#define XL_SINK_FILE_PRIVATE_H

#include "sink/sink_ops.h"

enum xl_sink_naming {
	XL_SINK_NAMING_BEST,    /* O_TMPFILE where it works */
	XL_SINK_NAMING_PARTIAL, /* always a `.NAME.partial-XXXXXX` */
	XL_SINK_NAMING_LINK,    /* the same, and as if renameat2() had no flags (9p, NFS) */
	XL_SINK_NAMING_PLAIN,   /* the same, and as if there were no hard links (FUSE, exFAT) */
};

/* How a file with a temporary name gets its own, which nothing has. */
enum xl_file_way {
	XL_FILE_RENAME,    /* by a rename that replaces nothing */
	XL_FILE_LINK,      /* by a link, which never replaces */
	XL_FILE_EXCLUSIVE, /* by an empty file that is created as the only one, and a rename over it */
	_XL_FILE_WAYS
};

struct xl_file {
	struct xl_sink sink;
	int fd, dirfd;
	char *path; /* what the user typed, for messages */
	char *dir;
	const char *name; /* last component, inside path */
	char *partial;    /* our temporary name in dir; NULL while the file has none */
	bool overwrite;
	bool no_punch;
	enum xl_sink_naming naming;
	enum xl_file_way way; /* that works here, found out when the file was created */
	struct xl_undo *undo; /* told of every temporary name before it is given */
};

extern const struct xl_sink_ops xl_file_ops;

static inline struct xl_file *xl_file_of(struct xl_sink *s)
{
	return (struct xl_file *)s;
}

_must_check_ int xl_sink_file_open_as(struct xl_ctx *x, const char *path, bool overwrite,
				      enum xl_sink_naming naming, struct xl_sink **ret);

#endif
