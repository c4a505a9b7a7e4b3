/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump file: its name, which it has not before it is complete and on disk. */
#ifndef XL_SINK_FILE_NAME_H
#define XL_SINK_FILE_NAME_H

#include "sink/file_private.h"

/* Look at f->path, and make an empty file that nobody sees: sets dir, name, dirfd, fd and, where the
 * file has to have one, partial. */
_must_check_ int xl_file_create(struct xl_ctx *x, struct xl_file *f);

/* Bring the file to disk and give it its name. */
_must_check_ int xl_file_commit(struct xl_ctx *x, struct xl_sink *s, uint64_t *ret_file_bytes,
				uint64_t *ret_disk_bytes);

/* Close and free what xl_file_create() set; a file without its name vanishes. */
void xl_file_discard(struct xl_file *f);

#endif
