/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that runs out, for programs linked with $(no_memory_ldflags). */
#ifndef XLDUMP_TESTS_NO_MEMORY_H
#define XLDUMP_TESTS_NO_MEMORY_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/types.h>

/* The allocation that fails, counted from 1; 0: none. */
static size_t no_memory_at, no_memory_count;
static bool no_memory_on;
static bool no_random;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off);
ssize_t __real_getrandom(void *buf, size_t len, unsigned flags);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off);
ssize_t __wrap_getrandom(void *buf, size_t len, unsigned flags);

static bool no_memory_now(void)
{
	if (!no_memory_on || ++no_memory_count != no_memory_at)
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return no_memory_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return no_memory_now() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return no_memory_now() ? NULL : __real_reallocarray(p, n, size);
}

/* Of the library, which maps memory; the simulator maps its file, too. */
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	return (flags & MAP_POPULATE) && no_memory_now() ?
		       MAP_FAILED :
		       __real_mmap(at, len, prot, flags, fd, off);
}

ssize_t __wrap_getrandom(void *buf, size_t len, unsigned flags)
{
	if (!no_random)
		return __real_getrandom(buf, len, flags);
	errno = ENOSYS;
	return -1;
}

#endif
