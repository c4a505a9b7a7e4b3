/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump file as a sink: file_bytes.c writes it, file_name.c gives it its name. */
#include "sink/file_private.h"

#include <string.h>

#include "sink/file_bytes.h"
#include "sink/file_name.h"

static void file_close(struct xl_sink *s)
{
	struct xl_file *f = xl_file_of(s);

	xl_file_discard(f);
	free(f);
}

static void file_closep(struct xl_file **f)
{
	if (*f)
		file_close(&(*f)->sink);
}

const struct xl_sink_ops xl_file_ops = {
	.seekable = true,
	.pwrite = xl_file_pwrite,
	.pread = xl_file_pread,
	.punch = xl_file_punch,
	.truncate = xl_file_truncate,
	.check_space = xl_file_check_space,
	.commit = xl_file_commit,
	.close = file_close,
};

int xl_sink_file_open_as(struct xl_ctx *x, const char *path, bool overwrite,
			 enum xl_sink_naming naming, struct xl_sink **ret)
{
	_cleanup_(file_closep) struct xl_file *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return xl_err(x, -ENOMEM, "open the output");
	f->sink.ops = &xl_file_ops;
	f->fd = f->dirfd = -1;
	f->overwrite = overwrite;
	f->naming = naming;
	f->undo = x->undo;
	f->path = strdup(path);
	if (!f->path)
		return xl_err(x, -ENOMEM, "remember the path of the output");
	r = xl_file_create(x, f);
	if (r < 0)
		return r;
	*ret = &XL_TAKE_PTR(f)->sink;
	return 0;
}

int xl_sink_file_open(struct xl_ctx *x, const char *path, bool overwrite, struct xl_sink **ret)
{
	return xl_sink_file_open_as(x, path, overwrite, XL_SINK_NAMING_BEST, ret);
}

int xl_sink_file_fd(struct xl_sink *s)
{
	return xl_file_of(s)->fd;
}
