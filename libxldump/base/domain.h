/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which domain it is: Xen gives a number again once its domain is gone, so the UUID belongs to it. */
#ifndef XL_BASE_DOMAIN_H
#define XL_BASE_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool xl_same_uuid(const uint8_t a[static 16], const uint8_t b[static 16])
{
	return memcmp(a, b, 16) == 0;
}

/* Of any two structures with members `domid` and `uuid`, by their addresses. */
#define xl_same_domain(a, b) \
	((a)->domid == (b)->domid && xl_same_uuid((a)->uuid, (b)->uuid))

#endif
