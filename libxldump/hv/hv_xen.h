/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam on a real Xen.  Lives in a module of its own that is loaded at run time, by the version of
 * Xen that runs (hv/backend.h): libxenctrl has no stable ABI and is tied to one version of Xen, and
 * a missing one must give an error in words, not one of the dynamic loader.
 *
 * Only hv_xen*.c include Xen's headers.
 */
#ifndef XL_HV_HV_XEN_H
#define XL_HV_HV_XEN_H

#include "hv/hv.h"

/* Which step of the opening failed; the caller has the words for it. */
enum xl_hv_xen_step {
	XL_HV_XEN_PRIVCMD,  /* /dev/xen/privcmd, hypercalls */
	XL_HV_XEN_DOMCTL,   /* a first domctl: version of the interface, privilege */
	XL_HV_XEN_STORE,    /* xenstore */
};

/* Symbol "xl_hv_xen_about" of the module.  Never changes: it tells which modules are not ours. */
struct xl_hv_xen_about {
	const char *xen;    /* that it was built for, "4.17" */
	const char *xldump; /* that it belongs to: the seam is private to each version */
};

extern const struct xl_hv_xen_about xl_hv_xen_about;

/* Symbol "xl_hv_xen_open" of the module. */
typedef int (*xl_hv_xen_open_fn)(struct xl_hv **ret, enum xl_hv_xen_step *ret_step);

int xl_hv_xen_open(struct xl_hv **ret, enum xl_hv_xen_step *ret_step);

#endif
