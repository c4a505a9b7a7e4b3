/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory for the pages that are copied inside the pause. */
#include "capture/stash.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

void xl_stash_deinit(struct xl_stash *s)
{
	if (s->page)
		(void)munmap(s->page, s->bytes);
	*s = (struct xl_stash){ 0 };
}

int xl_stash_reserve(struct xl_stash *s, size_t cap)
{
	/* One mapping: pages, then pfns, then types. */
	size_t bytes;
	void *p;

	s->n = 0;
	if (s->cap >= cap)
		return 0;
	if (__builtin_mul_overflow(cap, XL_PAGE_SIZE + sizeof(*s->pfn) + sizeof(*s->type), &bytes))
		return -EOVERFLOW;
	xl_stash_deinit(s);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		 -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	/* Populated is what counts; a limit on locked memory (RLIMIT_MEMLOCK) costs a page fault at
	 * worst, and only if dom0 swaps. */
	(void)mlock(p, bytes);
	s->page = p;
	s->pfn = (xl_pfn_t *)(s->page + cap * XL_PAGE_SIZE);
	s->type = (uint8_t *)(s->pfn + cap);
	s->cap = cap;
	s->bytes = bytes;
	return 0;
}
