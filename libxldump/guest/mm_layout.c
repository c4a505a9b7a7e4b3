/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a struct page looks like in this kernel, from VMCOREINFO.
 *
 * What changed since 4.0, as far as it shows there:
 *
 *   - 4.3      order and destructor of a compound page: page.lru of its second page
 *   4.4 - 6.2  page.compound_order and page.compound_dtor of it; two bytes, one since 4.16
 *   4.10       PG_swapcache is an alias of PG_owner_priv_1, true only with PG_swapbacked
 *   4.18       _mapcount is also page_type; the value of buddy pages is another number, no more
 *   5.0        PAGE_OFFLINE_MAPCOUNT_VALUE
 *   6.3 - 6.5  folio._folio_order, folio._folio_dtor
 *   6.6        the order is the low byte of the second page's flags; PG_hugetlb is in them
 *   6.9        hugetlb pages have a page_type
 *   6.10       slab pages have one, and no flag
 *   6.11       page_type is in the top byte: other numbers again
 *   7.0        page.compound_head is page.compound_info; its lowest bit has the old meaning
 */
#include <stdio.h>
#include <string.h>

#include "guest/kernel.h"
#include "guest/vmcoreinfo.h"
#include "guest/mm.h"

#define FLAG_BITS 64

/* Orders of the buddy allocator, LENGTH(zone.free_area): 11 usually.  Beyond this nobody's. */
#define MAX_ORDER_MAX 32

struct parse {
	struct xl_ctx *x;
	const char *text;
	const char *bad; /* the first line that is needed and cannot be used */
	unsigned size;
};

/* A number between min and max.  One that is there and is not: bad. */
static bool number(struct parse *p, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	int64_t v;
	int r = xl_vmcoreinfo_dec(p->text, key, &v);

	if (r == 0 && v >= min && v <= max) {
		*ret = v;
		return true;
	}
	if (r != -ENOENT && !p->bad)
		p->bad = key;
	return false;
}

static void need(struct parse *p, const char *key, bool there)
{
	if (!there && !p->bad)
		p->bad = key;
}

/* Of a field of so many bytes, `from` bytes after the start of a structure of the same size. */
static int offset(struct parse *p, const char *key, unsigned width, unsigned from)
{
	int64_t v;

	if (!number(p, key, from, (int64_t)from + p->size - width, &v))
		return XL_MM_ABSENT;
	return (int)v - (int)from;
}

static int needed_offset(struct parse *p, const char *key, unsigned width)
{
	int v = offset(p, key, width, 0);

	need(p, key, v != XL_MM_ABSENT);
	return v;
}

/* Number of a bit, as a mask. */
static uint64_t flag(struct parse *p, const char *key)
{
	int64_t v;

	return number(p, key, 0, FLAG_BITS - 1, &v) ? (uint64_t)1 << v : 0;
}

static uint64_t needed_flag(struct parse *p, const char *key)
{
	uint64_t v = flag(p, key);

	need(p, key, v);
	return v;
}

/* A value of _mapcount, a 32-bit number that may be printed with or without a sign. */
static bool mapcount(struct parse *p, const char *key, uint32_t *ret)
{
	int64_t v;

	if (!number(p, key, INT32_MIN, UINT32_MAX, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool older(const struct xl_kernel *k, unsigned major, unsigned minor)
{
	unsigned a = 0, b = 0;

	if (sscanf(k->release, "%4u.%4u", &a, &b) != 2)
		return false;
	return a < major || (a == major && b < minor);
}

static void flags(struct parse *p, struct xl_page_layout *l)
{
	l->lru = needed_flag(p, "NUMBER(PG_lru)");
	l->private_flag = needed_flag(p, "NUMBER(PG_private)");
	l->swapcache = needed_flag(p, "NUMBER(PG_swapcache)");
	l->swapbacked = flag(p, "NUMBER(PG_swapbacked)");
	/* Not said by all kernels since PG_swapcache became an alias, a flag below PG_private. */
	if (!l->swapbacked && l->swapcache < l->private_flag && l->private_flag >> (FLAG_BITS - 6) == 0)
		l->swapbacked = l->private_flag << 6;
	l->hwpoison = flag(p, "NUMBER(PG_hwpoison)");
	l->slab = flag(p, "NUMBER(PG_slab)");
	l->has_slab_type = mapcount(p, "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)", &l->slab_type);
	need(p, "NUMBER(PG_slab)", l->slab || l->has_slab_type);
}

static void head_mask(struct parse *p, struct xl_page_layout *l)
{
	int64_t mask;
	bool there = number(p, "NUMBER(PG_head_mask)", 1, INT64_MAX, &mask);

	need(p, "NUMBER(PG_head_mask)", there);
	if (there)
		l->head_mask = (uint64_t)mask;
}

/* Order and destructor where they are fields: before 6.6. */
static void compound_fields(struct parse *p, const struct xl_kernel *k, struct xl_page_layout *l)
{
	unsigned width = older(k, 4, 16) ? 2 : 1;
	int64_t id;
	int lru;

	l->order_width = l->dtor_width = width;
	l->next_order = offset(p, "OFFSET(folio._folio_order)", width, p->size);
	if (l->next_order == XL_MM_ABSENT)
		l->next_order = offset(p, "OFFSET(page.compound_order)", width, 0);
	l->next_dtor = offset(p, "OFFSET(folio._folio_dtor)", width, p->size);
	if (l->next_dtor == XL_MM_ABSENT)
		l->next_dtor = offset(p, "OFFSET(page.compound_dtor)", width, 0);
	if (number(p, "NUMBER(HUGETLB_PAGE_DTOR)", 0, UINT16_MAX, &id)) {
		l->has_dtor_id = true;
		l->dtor_id = (uint64_t)id;
	}
	if (!older(k, 4, 4))
		return;

	lru = offset(p, "OFFSET(page.lru)", 16, 0);
	if (lru == XL_MM_ABSENT)
		return;
	l->next_order = lru + 8; /* struct list_head: next, prev */
	l->next_dtor = lru;
	l->dtor_width = 8;
	l->has_dtor_id = xl_vmcoreinfo_hex(p->text, "SYMBOL(free_huge_page)", &l->dtor_id) == 0;
}

static void compound(struct parse *p, const struct xl_kernel *k, struct xl_page_layout *l)
{
	head_mask(p, l);
	l->head = offset(p, "OFFSET(page.compound_head)", 8, 0);
	if (l->head == XL_MM_ABSENT)
		l->head = offset(p, "OFFSET(page.compound_info)", 8, 0);
	need(p, "OFFSET(page.compound_head)", l->head != XL_MM_ABSENT || older(k, 4, 4));

	l->has_hugetlb_type =
		mapcount(p, "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)", &l->hugetlb_type);
	l->next_hugetlb = flag(p, "NUMBER(PG_hugetlb)");
	l->order_in_flags = l->has_hugetlb_type || l->next_hugetlb;
	l->next_order = l->next_dtor = XL_MM_ABSENT;
	if (!l->order_in_flags)
		compound_fields(p, k, l);
	need(p, "OFFSET(page.compound_order)", l->order_in_flags || l->next_order != XL_MM_ABSENT);
}

static void buddy(struct parse *p, struct xl_page_layout *l)
{
	int64_t orders;
	bool there = number(p, "LENGTH(zone.free_area)", 1, MAX_ORDER_MAX, &orders);

	need(p, "LENGTH(zone.free_area)", there);
	if (there)
		l->max_order = (unsigned)orders;
	there = mapcount(p, "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", &l->buddy);
	need(p, "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", there);
	l->has_offline = mapcount(p, "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)", &l->offline);
	l->has_unaccepted = mapcount(p, "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)", &l->unaccepted);
}

int xl_page_layout_init(struct xl_ctx *x, struct xl_page_layout *l, const struct xl_kernel *k)
{
	struct parse p = { .x = x, .text = k->vmcoreinfo };
	int64_t size = 0;
	bool there = number(&p, "SIZE(page)", 32, XL_MM_PAGE_MAX, &size);

	memset(l, 0, sizeof(*l));
	need(&p, "SIZE(page)", there);
	if (there) {
		p.size = l->size = (unsigned)size;
		l->flags = needed_offset(&p, "OFFSET(page.flags)", 8);
		l->mapping = needed_offset(&p, "OFFSET(page.mapping)", 8);
		l->mapcount = needed_offset(&p, "OFFSET(page._mapcount)", 4);
		l->private_ = needed_offset(&p, "OFFSET(page.private)", 8);
		flags(&p, l);
		buddy(&p, l);
		compound(&p, k, l);
	}
	if (!p.bad)
		return 0;
	return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
		       "pages cannot be left out: the guest's VMCOREINFO has no usable %s; dump "
		       "without -d", p.bad);
}
