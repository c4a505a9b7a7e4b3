/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a page of a Linux guest is used for: the kinds that a dump level can leave out. */
#ifndef XL_GUEST_PAGE_KIND_H
#define XL_GUEST_PAGE_KIND_H

enum xl_page_kind {
	XL_KIND_KEPT,
	XL_KIND_FREE,
	XL_KIND_CACHE,
	XL_KIND_CACHE_PRIVATE,
	XL_KIND_USER,
	XL_KIND_HWPOISON, /* left out by every level but 0 */
	XL_KIND_OFFLINE,  /* ballooned away; the same */
	_XL_KINDS,
};

#endif
