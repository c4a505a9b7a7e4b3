/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A backend that only tells what it is. */
#include "config.h"

#include "hv/hv_xen.h"

#ifdef XEN
const struct xl_hv_xen_about xl_hv_xen_about = { .xen = XEN, .xldump = XLDUMP };
#endif

int xl_hv_xen_open(struct xl_hv **ret, enum xl_hv_xen_step *ret_step)
{
	(void)ret;
	*ret_step = XL_HV_XEN_STORE;
	return -EHWPOISON; /* nobody else's */
}
