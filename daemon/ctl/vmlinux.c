/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking for a kernel with debug symbols. */
#include "ctl/vmlinux.h"

#include <ctype.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copy a value of VMCOREINFO, as far as its characters can be part of a path. */
static void take_word(const char *text, const char *key, char *ret, size_t size)
{
	const char *p = strstr(text, key);
	size_t n = 0;

	ret[0] = '\0';
	if (!p || (p != text && p[-1] != '\n'))
		return;
	for (p += strlen(key); *p && *p != '\n'; p++) {
		if (n + 1 >= size || !(isalnum((unsigned char)*p) || strchr("._+-~", *p))) {
			ret[0] = '\0';
			return;
		}
		ret[n++] = *p;
	}
	ret[n] = '\0';
	if (!strcmp(ret, ".") || !strcmp(ret, ".."))
		ret[0] = '\0';
}

void vmlinux_wanted(const char *vmcoreinfo, struct vmlinux_wanted *ret)
{
	take_word(vmcoreinfo, "BUILD-ID=", ret->build_id, sizeof(ret->build_id));
	take_word(vmcoreinfo, "OSRELEASE=", ret->release, sizeof(ret->release));
	if (strspn(ret->build_id, "0123456789abcdef") != strlen(ret->build_id) ||
	    strlen(ret->build_id) < 4)
		ret->build_id[0] = '\0';
}

/* ---- build-id of a file ---- */

static bool note_build_id(Elf_Data *d, char *ret, size_t size)
{
	size_t at = 0, next, name, desc;
	GElf_Nhdr n;

	for (; d && (next = gelf_getnote(d, at, &n, &name, &desc)) > 0; at = next) {
		const unsigned char *id = (const unsigned char *)d->d_buf + desc;

		if (n.n_type != NT_GNU_BUILD_ID || n.n_namesz != 4 ||
		    memcmp((const char *)d->d_buf + name, "GNU", 4) != 0 ||
		    2 * (size_t)n.n_descsz >= size)
			continue;
		for (size_t i = 0; i < n.n_descsz; i++)
			(void)snprintf(ret + 2 * i, 3, "%02x", id[i]);
		return true;
	}
	return false;
}

static bool build_id_of(const char *path, char *ret, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	Elf_Scn *scn = NULL;
	bool found = false;
	Elf *elf;

	if (fd < 0 || elf_version(EV_CURRENT) == EV_NONE)
		return false;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	while (elf && !found && (scn = elf_nextscn(elf, scn))) {
		GElf_Shdr h;

		if (gelf_getshdr(scn, &h) && h.sh_type == SHT_NOTE)
			found = note_build_id(elf_getdata(scn, NULL), ret, size);
	}
	(void)elf_end(elf);
	return found;
}

bool vmlinux_fits(const char *path, const struct vmlinux_wanted *wanted)
{
	char id[129];

	return !wanted->build_id[0] || !build_id_of(path, id, sizeof(id)) ||
	       !strcmp(id, wanted->build_id);
}

/* ---- where it may be ---- */

/* The path if there is such a file and it fits.  Whoever has several kernels of one release gets
 * none that is not the right one. */
static char *try(const struct vmlinux_wanted *wanted, char *path)
{
	if (path && access(path, R_OK) == 0 && vmlinux_fits(path, wanted))
		return path;
	free(path);
	return NULL;
}

_printf_(1, 2) static char *format(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return s;
}

static char *by_build_id(const struct vmlinux_wanted *w)
{
	const char *home = getenv("HOME"), *id = w->build_id;
	char *p;

	if (!id[0])
		return NULL;
	p = try(w, format("/usr/lib/debug/.build-id/%.2s/%s.debug", id, id + 2));
	if (!p && home)
		p = try(w, format("%s/.debug/.build-id/%.2s/%s/vmlinux", home, id, id + 2));
	if (!p && home)
		p = try(w, format("%s/.debug/.build-id/%.2s/%s/elf", home, id, id + 2));
	if (!p && home)
		p = try(w, format("%s/.cache/debuginfod_client/%s/debuginfo", home, id));
	return p;
}

static char *by_release(const struct vmlinux_wanted *w)
{
	static const char *const place[][2] = {
		{ "/usr/lib/debug/boot/vmlinux-", "" },
		{ "/usr/lib/debug/lib/modules/", "/vmlinux" },
		{ "/usr/lib/debug/usr/lib/modules/", "/vmlinux" },
		{ "/lib/modules/", "/build/vmlinux" },
		{ "/boot/vmlinux-", "" },
	};
	char *p = NULL;

	for (size_t i = 0; w->release[0] && !p && i < XL_ARRAY_SIZE(place); i++)
		p = try(w, format("%s%s%s", place[i][0], w->release, place[i][1]));
	return p;
}

/* Prints the path of what it has downloaded; takes minutes, says so itself on a terminal. */
static char *by_debuginfod(const struct vmlinux_wanted *w)
{
	char *command, *p = NULL, line[4096];
	const char *urls = getenv("DEBUGINFOD_URLS");
	FILE *f;

	if (!w->build_id[0] || !urls || !urls[0])
		return NULL;
	command = format("command -v debuginfod-find >/dev/null && "
			 "exec debuginfod-find debuginfo %s", w->build_id);
	f = command ? popen(command, "re") : NULL;
	free(command);
	if (!f)
		return NULL;
	if (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		p = strdup(line);
	}
	if (pclose(f) != 0) {
		free(p);
		return NULL;
	}
	return try(w, p);
}

int vmlinux_find(struct xl_ctx *x, const struct vmlinux_wanted *w, char **ret)
{
	char *p = by_build_id(w);

	if (!p)
		p = by_release(w);
	if (!p)
		p = by_debuginfod(w);
	if (p) {
		*ret = p;
		return 0;
	}
	return xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT,
		       "no kernel with debug symbols for Linux %s, build-id %s, in /usr/lib/debug, /boot, "
		       "/lib/modules and ~/.debug; get it with `apt install linux-image-%s-dbg' (Debian), "
		       "`dnf debuginfo-install kernel-core-%s' (Fedora), or set DEBUGINFOD_URLS and "
		       "install debuginfod; or name it: xldumpctl debug FILE VMLINUX",
		       w->release[0] ? w->release : "(unknown)",
		       w->build_id[0] ? w->build_id : "(unknown)", w->release, w->release);
}
