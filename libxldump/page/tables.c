/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages that must wait for the cut. */
#include "page/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int xl_tables_init(struct xl_tables *t, uint64_t nr_pfns, uint64_t limit)
{
	*t = (struct xl_tables){ .nr_pfns = nr_pfns, .limit = limit };
	if (t->limit >= UINT32_MAX)
		t->limit = UINT32_MAX - 1;
	t->slot = calloc(nr_pfns, sizeof(*t->slot));
	return t->slot ? 0 : -ENOMEM;
}

void xl_tables_deinit(struct xl_tables *t)
{
	for (size_t i = 0; i < t->chunks; i++)
		free(t->chunk[i]);
	free(t->chunk);
	free(t->free);
	free(t->type);
	free(t->slot);
	*t = (struct xl_tables){ 0 };
}

static uint8_t *page_of(const struct xl_tables *t, uint32_t slot)
{
	return t->chunk[slot / XL_TABLES_CHUNK] +
	       (size_t)(slot % XL_TABLES_CHUNK) * XL_PAGE_SIZE;
}

static int add_chunk(struct xl_tables *t)
{
	uint8_t **chunk = realloc(t->chunk, (t->chunks + 1) * sizeof(*chunk));
	uint8_t *type;

	if (!chunk)
		return -ENOMEM;
	t->chunk = chunk;
	type = realloc(t->type, (t->chunks + 1) * XL_TABLES_CHUNK);
	if (!type)
		return -ENOMEM;
	t->type = type;
	t->chunk[t->chunks] = malloc(XL_TABLES_CHUNK * XL_PAGE_SIZE);
	if (!t->chunk[t->chunks])
		return -ENOMEM;
	t->chunks++;
	return 0;
}

static int new_slot(struct xl_tables *t, uint32_t *ret)
{
	if (t->nr_free) {
		*ret = t->free[--t->nr_free];
		return 0;
	}
	if (t->used >= t->limit)
		return -E2BIG;
	if (t->used == t->chunks * XL_TABLES_CHUNK) {
		int r = add_chunk(t);

		if (r < 0)
			return r;
	}
	*ret = t->used++;
	return 0;
}

int xl_tables_hold(struct xl_tables *t, xl_pfn_t pfn, uint8_t type, const void *page)
{
	uint32_t slot;

	if (t->slot[pfn]) {
		slot = t->slot[pfn] - 1;
	} else {
		int r = new_slot(t, &slot);

		if (r < 0)
			return r;
		t->slot[pfn] = slot + 1;
	}
	memcpy(page_of(t, slot), page, XL_PAGE_SIZE);
	t->type[slot] = type;
	return 0;
}

void xl_tables_drop(struct xl_tables *t, xl_pfn_t pfn)
{
	if (!t->slot[pfn])
		return;
	if (t->nr_free == t->cap_free) {
		size_t cap = t->cap_free ? t->cap_free * 2 : 64;
		uint32_t *p = realloc(t->free, cap * sizeof(*p));

		if (p) {
			t->free = p;
			t->cap_free = cap;
		}
	}
	/* Without room to remember it the slot is lost until the end, which is harmless. */
	if (t->nr_free < t->cap_free)
		t->free[t->nr_free++] = t->slot[pfn] - 1;
	t->slot[pfn] = 0;
}

uint8_t *xl_tables_get(const struct xl_tables *t, xl_pfn_t pfn, uint8_t *ret_type)
{
	if (pfn >= t->nr_pfns || !t->slot[pfn])
		return NULL;
	*ret_type = t->type[t->slot[pfn] - 1];
	return page_of(t, t->slot[pfn] - 1);
}

xl_pfn_t xl_tables_next(const struct xl_tables *t, xl_pfn_t pfn)
{
	while (pfn < t->nr_pfns && !t->slot[pfn])
		pfn++;
	return pfn;
}
