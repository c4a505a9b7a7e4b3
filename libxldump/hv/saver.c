/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding libxl's save helper among the processes. */
#include "hv/saver.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define HELPER "libxl-save-helper"

/* Arguments 0, 1 and 4 of it (libxl_save_helper.c, main): its path, "--save-domain", two file
 * descriptors, the domid. */
static bool saves(const char *cmdline, size_t len, uint32_t domid)
{
	const char *arg[5];
	const char *base;
	char *end;

	for (size_t i = 0, pos = 0; i < XL_ARRAY_SIZE(arg); i++) {
		if (pos >= len)
			return false;
		arg[i] = cmdline + pos;
		pos += strlen(arg[i]) + 1;
	}
	base = strrchr(arg[0], '/');
	base = base ? base + 1 : arg[0];
	return strcmp(base, HELPER) == 0 && strcmp(arg[1], "--save-domain") == 0 &&
	       isdigit((unsigned char)arg[4][0]) && strtoul(arg[4], &end, 10) == domid && !*end;
}

pid_t xl_saver_find(const char *proc, uint32_t domid)
{
	DIR *d = opendir(proc);
	struct dirent *e;
	pid_t found = 0;

	if (!d)
		return 0;
	while (!found && (e = readdir(d))) {
		char path[512], cmdline[512] = "";
		_cleanup_fclose_ FILE *f = NULL;
		size_t n;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%.20s/cmdline", proc, e->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		n = fread(cmdline, 1, sizeof(cmdline) - 1, f);
		if (saves(cmdline, n, domid))
			found = (pid_t)atoi(e->d_name);
	}
	(void)closedir(d);
	return found;
}
