/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a dump file: which kind it is, and all that describes it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image_private.h"

/* The longest mark at the start of a file. */
#define SIGNATURE_MAX 8

static const struct xl_image_ops *const kinds[] = { &xl_image_elf, &xl_image_kdump };

static int open_kind(struct xl_ctx *x, struct xl_image *img)
{
	uint8_t magic[SIGNATURE_MAX] = { 0 };

	if (xl_imgfile_read(img->file, 0, magic, sizeof(magic)) < 0)
		return xl_image_bad(x, "not a dump: only %" PRIu64 " bytes", img->size);
	for (size_t i = 0; i < XL_ARRAY_SIZE(kinds); i++) {
		if (memcmp(magic, kinds[i]->signature, kinds[i]->signature_size) != 0)
			continue;
		img->ops = kinds[i];
		return img->ops->open(x, img);
	}
	return xl_image_bad(x,
			    "not a dump in a known format: it begins with the mark of neither ELF, "
			    "kdump nor makedumpfile");
}

int xl_image_fdopen(struct xl_ctx *x, int fd, struct xl_image **ret)
{
	_cleanup_(xl_image_closep) struct xl_image *img = calloc(1, sizeof(*img));
	struct stat st;
	int r;

	if (img)
		img->file = calloc(1, sizeof(*img->file));
	if (!img || !img->file) {
		(void)close(fd);
		return xl_err(x, -ENOMEM, "open a dump");
	}
	img->cached = XL_INVALID_FRAME;
	r = xl_imgfile_init(x, img->file, fd);
	if (r < 0)
		return r;
	if (fstat(fd, &st) == 0)
		img->disk_bytes = (uint64_t)st.st_blocks * 512;
	img->file_bytes = img->file->size;
	img->size = img->file->end;
	img->flattened = img->file->flattened;
	img->cache = malloc(XL_PAGE_SIZE);
	if (!img->cache)
		return xl_err(x, -ENOMEM, "open a dump");
	r = open_kind(x, img);
	if (r == 0)
		r = xl_image_take_notes(x, img);
	if (r < 0)
		return r;
	*ret = XL_TAKE_PTR(img);
	return 0;
}

int xl_image_open(struct xl_ctx *x, const char *path, struct xl_image **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), r;

	if (fd < 0)
		return xl_fail(x, errno == EACCES ? XLDUMP_CAUSE_PERMISSION : XLDUMP_CAUSE_OTHER,
			       -errno, "cannot open %s: %s", path, strerror(errno));
	r = xl_image_fdopen(x, fd, ret);
	return r < 0 ? xl_err(x, r, "%s", path) : 0;
}
