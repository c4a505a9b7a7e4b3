/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cleanup attributes: a resource is released when its variable leaves the scope, unless it was
 * taken with XL_TAKE_PTR() or XL_TAKE_FD(). */
#ifndef XL_BASE_CLEANUP_H
#define XL_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((__cleanup__(f)))
#define _must_check_ __attribute__((__warn_unused_result__))
#define _printf_(a, b) __attribute__((__format__(printf, a, b)))

#define XL_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void xl_freep(void *p)
{
	free(*(void **)p);
}

static inline void xl_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void xl_fclosep(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

#define _cleanup_free_ _cleanup_(xl_freep)
#define _cleanup_close_ _cleanup_(xl_closep)
#define _cleanup_fclose_ _cleanup_(xl_fclosep)

#define XL_TAKE_PTR(p)                                                                            \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

static inline int xl_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
