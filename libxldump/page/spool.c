/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file of pages that wait for T. */
#include "page/spool.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int open_nameless(const char *dir)
{
	char name[4096];
	int fd;

	if (!dir) {
		fd = memfd_create("xldump", MFD_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd < 0 ? -errno : fd;
	if ((size_t)snprintf(name, sizeof(name), "%s/.xldump-XXXXXX", dir) >= sizeof(name))
		return -ENAMETOOLONG;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)unlink(name);
	return fd;
}

int xl_spool_open(struct xl_ctx *x, struct xl_spool *s, const char *dir, struct xl_bitmap *wanted)
{
	*s = XL_SPOOL_NONE;
	s->slot = calloc(wanted->nbits + 1, sizeof(*s->slot));
	if (!s->slot)
		return xl_err(x, -ENOMEM, "allocate an index of %" PRIu64 " pages", wanted->nbits);
	s->fd = open_nameless(dir);
	if (s->fd < 0)
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, s->fd,
			       "cannot create a temporary file in %s, which is needed to leave out "
			       "pages: %s", dir ? dir : "memory", strerror(-s->fd));
	s->wanted = *wanted;
	*wanted = (struct xl_bitmap){ 0 };
	return 0;
}

void xl_spool_close(struct xl_spool *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->slot);
	xl_bitmap_deinit(&s->wanted);
	*s = XL_SPOOL_NONE;
}

int xl_spool_put(struct xl_ctx *x, struct xl_spool *s, xl_pfn_t pfn, const void *page)
{
	const uint8_t *p = page;
	size_t left = XL_PAGE_SIZE;
	off_t at;

	if (!s->slot[pfn])
		s->slot[pfn] = ++s->used;
	at = (off_t)(s->slot[pfn] - 1) << XL_PAGE_SHIFT;
	while (left) {
		ssize_t n = pwrite(s->fd, p, left, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return xl_fail(x, n < 0 && errno != ENOSPC && errno != EDQUOT ?
						 XLDUMP_CAUSE_OUTPUT : XLDUMP_CAUSE_NO_SPACE,
				       n < 0 ? -errno : -ENOSPC,
				       "cannot write the temporary file that is needed to leave "
				       "out pages: %s",
				       strerror(n < 0 ? errno : ENOSPC));
		p += n;
		at += n;
		left -= (size_t)n;
	}
	return 0;
}

int xl_spool_get(const struct xl_spool *s, xl_pfn_t pfn, size_t offset, void *buf, size_t len)
{
	uint8_t *p = buf;
	off_t at;

	if (!xl_spool_wants(s, pfn) || !s->slot[pfn])
		return -ENOENT;
	at = ((off_t)(s->slot[pfn] - 1) << XL_PAGE_SHIFT) + (off_t)offset;
	while (len) {
		ssize_t n = pread(s->fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}
