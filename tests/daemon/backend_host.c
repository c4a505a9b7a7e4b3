/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backend of the tests' host in a file, in the place of hv/backend.c. */
#include <dlfcn.h>

#include "hv/backend.h"

int xl_backend_load(struct xl_ctx *x, const char *dir, int sys, struct xl_backend *ret)
{
	const char *path = getenv("XLDUMP_TEST_HV");

	(void)dir;
	(void)sys;
	*ret = (struct xl_backend){ .xen = "0.0" };
	ret->module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	if (ret->module)
		ret->open = (xl_hv_xen_open_fn)dlsym(ret->module, "xl_hv_xen_open");
	return ret->open ? 0 :
			   xl_fail(x, XLDUMP_CAUSE_VERSION, -ELIBACC, "the tests' host: %s", dlerror());
}

void xl_backend_unload(struct xl_backend *b)
{
	if (b->module)
		(void)dlclose(b->module);
}
