/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Choosing the Xen backend by the version that runs. */
#include "hv/backend.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>

#include "config.h"

#define PREFIX "hv_xen-"
#define SUFFIX ".so"

/* The first line of a file of sysfs, cut to the size. */
static int read_line(int sys, const char *name, char *ret, size_t size)
{
	int fd = openat(sys, name, O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f || !fgets(ret, (int)size, f)) {
		if (!f && fd >= 0)
			(void)close(fd);
		return -ENODEV;
	}
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

/* "4.17": what the kernel says of the hypervisor it runs on. */
static int running_xen(int sys, char *ret, size_t size)
{
	static const char *const part[] = { "version/major", "version/minor" };
	char line[16];
	unsigned n[2];

	if (sys < 0 || read_line(sys, "type", line, sizeof(line)) < 0 || strcmp(line, "xen") != 0)
		return -ENODEV;
	for (size_t i = 0; i < XL_ARRAY_SIZE(part); i++) {
		if (read_line(sys, part[i], line, sizeof(line)) < 0 ||
		    sscanf(line, "%u", &n[i]) != 1)
			return -ENODEV;
	}
	(void)snprintf(ret, size, "%u.%u", n[0], n[1]);
	return 0;
}

static int is_backend(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > strlen(PREFIX) + strlen(SUFFIX) &&
	       strncmp(e->d_name, PREFIX, strlen(PREFIX)) == 0 &&
	       strcmp(e->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* "those of 4.17, 4.20 are", for an error. */
static void list_backends(const char *dir, char *ret, size_t size)
{
	struct dirent **entry = NULL;
	int n = scandir(dir, &entry, is_backend, versionsort);
	size_t len = 0;

	if (n <= 0)
		(void)snprintf(ret, size, "there is no other");
	for (int i = 0; i < n; i++) {
		const char *version = entry[i]->d_name + strlen(PREFIX);

		if (len < size)
			len += (size_t)snprintf(ret + len, size - len, "%s%.*s",
						i ? ", " : "there are those of Xen ",
						(int)(strlen(version) - strlen(SUFFIX)), version);
		free(entry[i]);
	}
	free(entry);
}

static int not_there(struct xl_ctx *x, const char *dir, const char *path, const char *xen)
{
	char others[128];

	list_backends(dir, others, sizeof(others));
	return xl_fail(x, XLDUMP_CAUSE_VERSION, -ELIBACC,
		       "this host runs Xen %s, and its backend %s is not there (%s): install xldump "
		       "for Xen %s (Debian: the package xldump-hv-%s), or reboot into the Xen that "
		       "xldump is installed for",
		       xen, path, others, xen, xen);
}

static int check(struct xl_ctx *x, const char *path, struct xl_backend *b)
{
	const struct xl_hv_xen_about *about = dlsym(b->module, "xl_hv_xen_about");

	b->open = (xl_hv_xen_open_fn)dlsym(b->module, "xl_hv_xen_open");
	if (!about || !b->open)
		return xl_fail(x, XLDUMP_CAUSE_VERSION, -ELIBACC, "%s is not a backend of xldump",
			       path);
	if (strcmp(about->xldump, PACKAGE_VERSION) != 0)
		return xl_fail(x, XLDUMP_CAUSE_VERSION, -ELIBACC,
			       "%s is of xldump %s, and this is xldump %s: install the two of one "
			       "version",
			       path, about->xldump, PACKAGE_VERSION);
	if (strcmp(about->xen, b->xen) != 0)
		return xl_fail(x, XLDUMP_CAUSE_VERSION, -ELIBACC,
			       "%s was built for Xen %s, whatever its name says, and this host runs "
			       "Xen %s: install it anew",
			       path, about->xen, b->xen);
	return 0;
}

void xl_backend_unload(struct xl_backend *b)
{
	if (b->module)
		(void)dlclose(b->module);
	b->module = NULL;
}

int xl_backend_load(struct xl_ctx *x, const char *dir, int sys, struct xl_backend *ret)
{
	char path[4096];
	int r;

	*ret = (struct xl_backend){ 0 };
	if (running_xen(sys, ret->xen, sizeof(ret->xen)) < 0)
		return xl_fail(x, XLDUMP_CAUSE_NO_XEN, -ENODEV,
			       "this machine does not run under Xen (/sys/hypervisor has no "
			       "version of it); run this in dom0");
	(void)snprintf(path, sizeof(path), "%s/" PREFIX "%s" SUFFIX, dir, ret->xen);
	if (access(path, F_OK) < 0)
		return not_there(x, dir, path, ret->xen);
	ret->module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!ret->module)
		return xl_fail(x, XLDUMP_CAUSE_VERSION, -ELIBACC,
			       "cannot load the backend for Xen %s: %s; install Xen's libraries of "
			       "that version (Debian: the package libxenmisc%s)",
			       ret->xen, dlerror(), ret->xen);
	r = check(x, path, ret);
	if (r < 0)
		xl_backend_unload(ret);
	return r;
}
