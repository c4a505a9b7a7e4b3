/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads pages of the guest into our memory. */
#include "capture/copier.h"

int xl_copier_init(struct xl_copier *c, struct xl_ctx *x, struct xl_hv *hv, uint32_t domid,
		   const struct xl_physmap *map)
{
	*c = (struct xl_copier){ .x = x, .hv = hv, .domid = domid, .map = map };
	c->bounce = malloc(XL_COPY_BATCH * XL_PAGE_SIZE);
	return c->bounce ? 0 : -ENOMEM;
}

void xl_copier_deinit(struct xl_copier *c)
{
	if (c->pin)
		c->hv->ops->unmap(c->hv, c->pin, 1);
	c->pin = NULL;
	free(c->bounce);
	c->bounce = NULL;
}

static int get_types(struct xl_copier *c, size_t n, uint8_t *type)
{
	/* Only PV guests have typed pages; asking about others costs and tells nothing. */
	if (!c->map->p2m) {
		memset(type, XL_PAGE_NOTAB, n);
		return 0;
	}
	c->hv->doing = "ask for the types of pages";
	return c->hv->ops->page_types(c->hv, c->domid, c->frame, n, type);
}

static bool readable(uint8_t type)
{
	return type <= XL_PAGE_L4TAB;
}

/* Copy frame[first..first + n), which belong to the pages at[], to their places in dst.  A page of
 * many that cannot be mapped for the moment is left for copy_later(). */
static int copy_part(struct xl_copier *c, size_t first, size_t n, const size_t *at, uint8_t *dst,
		     uint8_t *type)
{
	void *addr;
	int r;

	c->hv->hasty = n > 1;
	r = c->hv->ops->map(c->hv, c->domid, c->frame + first, n, c->err + first, &addr);
	c->hv->hasty = false;
	if (r < 0)
		return r;
	for (size_t j = first; j < first + n; j++) {
		if (c->err[j] < 0)
			type[at[j]] = XL_PAGE_XTAB;
		else
			memcpy(dst + at[j] * XL_PAGE_SIZE,
			       (uint8_t *)addr + (j - first) * XL_PAGE_SIZE, XL_PAGE_SIZE);
	}
	c->hv->ops->unmap(c->hv, addr, n);
	return 0;
}

/* Pages that could not be mapped among others, by themselves. */
static int copy_later(struct xl_copier *c, size_t n, const size_t *at, uint8_t *dst, uint8_t *type)
{
	for (size_t j = 0; j < n; j++) {
		uint8_t was = c->asked[j];
		int r;

		if (!xl_map_err_passes(c->err[j]))
			continue;
		type[at[j]] = was;
		r = copy_part(c, j, 1, at, dst, type);
		if (r < 0)
			return r;
		if (xl_map_err_passes(c->err[j]))
			c->passing = c->err[j];
	}
	return 0;
}

/* Map the readable ones of frame[0..n) and copy them to their places in dst: all at once, and in
 * smaller parts where the memory for that is missing. */
static int map_and_copy(struct xl_copier *c, size_t n, uint8_t *dst, uint8_t *type)
{
	size_t at[XL_COPY_BATCH], k = 0, step;

	for (size_t i = 0; i < n; i++) {
		if (!readable(type[i])) {
			type[i] = XL_PAGE_XTAB;
			continue;
		}
		at[k] = i;
		c->asked[k] = type[i];
		c->frame[k++] = c->frame[i];
	}
	c->hv->doing = "map pages";
	step = k;
	for (size_t first = 0; first < k;) {
		size_t part = step < k - first ? step : k - first;
		int r = copy_part(c, first, part, at, dst, type);

		if (r < 0 && (part == 1 || !xl_err_passes(r)))
			return r;
		if (r < 0)
			step = part / 2;
		else
			first += part;
	}
	return copy_later(c, k, at, dst, type);
}

static int name_frames(struct xl_copier *c, const xl_pfn_t *pfn, size_t n, uint8_t *type)
{
	for (size_t i = 0; i < n; i++)
		c->frame[i] = xl_physmap_frame(c->map, pfn[i]);
	return get_types(c, n, type);
}

int xl_copier_types(struct xl_copier *c, const xl_pfn_t *pfn, size_t n, uint8_t *type)
{
	uint64_t t0 = c->hv->ops->now_ns(c->hv);
	int r = name_frames(c, pfn, n, type);

	c->read_ns += c->hv->ops->now_ns(c->hv) - t0;
	return r;
}

int xl_copier_read(struct xl_copier *c, const xl_pfn_t *pfn, size_t n, uint8_t *dst,
		   uint8_t *type)
{
	uint64_t t0 = c->hv->ops->now_ns(c->hv);
	int r = name_frames(c, pfn, n, type);

	if (r < 0)
		return r;
	r = map_and_copy(c, n, dst, type);
	if (r < 0)
		return r;
	c->read_ns += c->hv->ops->now_ns(c->hv) - t0;
	c->read_pages += n;
	return 0;
}

int xl_copier_pin(struct xl_copier *c, xl_pfn_t pfn)
{
	uint8_t type;
	int r = name_frames(c, &pfn, 1, &type);

	if (r < 0 || !readable(type))
		return r < 0 ? r : -ENOENT;
	r = c->hv->ops->map(c->hv, c->domid, c->frame, 1, c->err, &c->pin);
	if (r == 0 && c->err[0] < 0) {
		c->hv->ops->unmap(c->hv, c->pin, 1);
		c->pin = NULL;
		r = xl_map_err_passes(c->err[0]) ? c->err[0] : -ENOENT;
	}
	return r;
}

bool xl_copier_in_time(const struct xl_copier *c, size_t n, uint64_t deadline)
{
	uint64_t per_page = c->read_pages ? c->read_ns / c->read_pages : 0;
	uint64_t now = c->hv->ops->now_ns(c->hv);

	return now <= deadline && n * per_page <= deadline - now;
}

size_t xl_copier_gather(const struct xl_copier *c, const struct xl_bitmap *which, uint64_t *pos,
			xl_pfn_t *ret, size_t max)
{
	size_t n = 0;

	for (; n < max; (*pos)++) {
		*pos = xl_bitmap_next(which, *pos);
		if (*pos >= which->nbits || *pos >= c->map->nr_pfns)
			break;
		if (xl_bitmap_test(&c->map->present, *pos))
			ret[n++] = *pos;
	}
	return n;
}

int xl_copier_each(struct xl_copier *c, const struct xl_each *each)
{
	uint64_t pos = 0, done = 0;
	size_t n;

	c->failed = 0;
	while ((n = xl_copier_gather(c, each->which, &pos, c->pfn, XL_COPY_BATCH)) > 0) {
		int r = xl_check_cancel(c->x);

		if (r == 0 && each->before)
			r = each->before(each->data, done);
		if (r < 0)
			return r;
		if (!xl_copier_in_time(c, n, each->deadline))
			return -ETIME;
		r = xl_copier_read(c, c->pfn, n, c->bounce, c->type);
		if (r < 0) {
			c->failed = n;
			return r;
		}
		for (size_t i = 0; i < n; i++) {
			r = each->page(each->data, c->pfn[i], c->type[i],
				       c->bounce + i * XL_PAGE_SIZE);
			if (r < 0)
				return r;
		}
		done += n;
	}
	return 0;
}
