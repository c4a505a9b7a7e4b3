/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes of a dump file by offset, whether it is flattened or not. */
#ifndef XL_IMAGE_IMGFILE_H
#define XL_IMAGE_IMGFILE_H

#include "base/ctx.h"
#include "image/pieces.h"

struct xl_imgfile {
	int fd;
	uint64_t size; /* of the file */
	uint64_t end;  /* of what is in it: size, or the end of the last record */
	bool flattened;
	struct xl_pieces pieces; /* if it is: where the bytes of the dump lie in the file */
	uint64_t data, hole;	 /* between them the file was found to have no hole */
};

/* Looks whether it is flattened, and makes the list of pieces.  Takes fd, also when it fails. */
_must_check_ int xl_imgfile_init(struct xl_ctx *x, struct xl_imgfile *f, int fd);
void xl_imgfile_deinit(struct xl_imgfile *f);

/* -EINVAL beyond the end, without words.  What no record has written reads as zero. */
_must_check_ int xl_imgfile_read(const struct xl_imgfile *f, uint64_t offset, void *buf,
				 size_t len);

/* Whether the range is in the dump. */
bool xl_imgfile_inside(const struct xl_imgfile *f, uint64_t offset, uint64_t len);

/* The first byte at or behind offset that is not in a hole, or the end. */
uint64_t xl_imgfile_next_data(struct xl_imgfile *f, uint64_t offset);

/* Malloced bytes, with a NUL behind them; `what` is for the words. */
_must_check_ int xl_imgfile_load(struct xl_ctx *x, const struct xl_imgfile *f, uint64_t offset,
				 uint64_t len, uint64_t max, const char *what, uint8_t **ret);

#endif
