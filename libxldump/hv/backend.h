/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which Xen runs here, and the backend that belongs to it: hv_xen-MAJOR.MINOR.so, of which several
 * can be installed, so that the one is there before and after a reboot into another Xen. */
#ifndef XL_HV_BACKEND_H
#define XL_HV_BACKEND_H

#include "base/ctx.h"
#include "hv/hv_xen.h"

struct xl_backend {
	void *module; /* of dlopen(3); NULL: not loaded */
	xl_hv_xen_open_fn open;
	char xen[16]; /* the version that runs, "4.17" */
};

/* Load the backend out of the folder dir.  sys: a descriptor of /sys/hypervisor, or -1 where there
 * is none; it stays the caller's.  After an error nothing is loaded.
 *
 * -ENODEV, XLDUMP_CAUSE_NO_XEN: no Xen runs here, or its version cannot be told.
 * -ELIBACC, XLDUMP_CAUSE_VERSION: no backend for it, or not one of ours. */
_must_check_ int xl_backend_load(struct xl_ctx *x, const char *dir, int sys,
				 struct xl_backend *ret);

void xl_backend_unload(struct xl_backend *b);

#endif
