/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbols from a System.map or a vmlinux, sorted by name. */
#include "guest/symbols.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/vmcoreinfo.h"

/* Larger than any there is: of the file of Linux 7.x it is 10 MB. */
#define MAP_MAX ((uint64_t)256 << 20)
#define SYMBOLS_MAX ((size_t)16 << 20)

#define BUILD_ID_MAX 64

struct symbol {
	const char *name;
	uint64_t va;
};

struct xl_symbols {
	char *path;
	char *text; /* of a System.map; names are in it */
	int fd;     /* of an ELF file; names are in what libelf keeps */
	Elf *elf;
	struct symbol *symbol;
	size_t n;
	char build_id[2 * BUILD_ID_MAX + 1]; /* hexadecimal; "" if there is none */
};

void xl_symbols_close(struct xl_symbols *s)
{
	if (!s)
		return;
	if (s->elf)
		(void)elf_end(s->elf);
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->symbol);
	free(s->text);
	free(s->path);
	free(s);
}

static void closep(struct xl_symbols **s)
{
	xl_symbols_close(*s);
}

static int add(struct xl_symbols *s, const char *name, uint64_t va)
{
	if ((s->n & (s->n - 1)) == 0) {
		size_t n = s->n ? s->n * 2 : 1;
		struct symbol *p = s->n < SYMBOLS_MAX ? reallocarray(s->symbol, n, sizeof(*p)) :
							NULL;

		if (!p)
			return -ENOMEM;
		s->symbol = p;
	}
	s->symbol[s->n++] = (struct symbol){ name, va };
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct symbol *)a)->name, ((const struct symbol *)b)->name);
}

/* ---- System.map ---- */

/* "ffffffff81000000 T _text"; of a module's symbols, with more behind it. */
static int take_line(struct xl_symbols *s, char *line)
{
	char *end, *name;
	uint64_t va;

	errno = 0;
	va = strtoull(line, &end, 16);
	if (errno || end != line + 16 || end[0] != ' ' || !end[1] || end[2] != ' ' || !end[3])
		return -EINVAL;
	name = end + 3;
	name[strcspn(name, " \t\r")] = '\0';
	return va ? add(s, name, va) : 0;
}

/* Debian's /boot/System.map-RELEASE is one line with the name of a package:
 * "ffffffffffffffff B The real System.map is in the linux-image-RELEASE-dbg package". */
static int check_real(struct xl_ctx *x, const struct xl_symbols *s)
{
	static const char says[] = " B The real System.map is in the ";
	const char *p = strstr(s->text, says);
	size_t n;

	if (!p || p != s->text + 16)
		return 0;
	p += sizeof(says) - 1;
	n = strcspn(p, " \t\r\n");
	return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL,
		       "%s has no symbols, but names the package that has them: install %.*s, and "
		       "give the vmlinux or System.map in /usr/lib/debug", s->path,
		       n < 128 ? (int)n : 128, p);
}

static int read_map(struct xl_ctx *x, struct xl_symbols *s, uint64_t size)
{
	char *rest;
	size_t got = 0;

	s->text = malloc(size + 1);
	if (!s->text)
		return xl_err(x, -ENOMEM, "read %s", s->path);
	while (got < size) {
		ssize_t n = read(s->fd, s->text + got, size - got);

		if (n <= 0)
			return xl_fail(x, XLDUMP_CAUSE_USAGE, n < 0 ? -errno : -EINVAL,
				       "cannot read %s: %s", s->path,
				       n < 0 ? strerror(errno) : "it became shorter while it was "
								 "read");
		got += (size_t)n;
	}
	s->text[got] = '\0';
	if (check_real(x, s) < 0)
		return -EINVAL;
	rest = s->text;
	for (char *line; (line = strsep(&rest, "\n"));) {
		int r = *line ? take_line(s, line) : 0;

		if (r == -EINVAL)
			return xl_fail(x, XLDUMP_CAUSE_USAGE, r,
				       "%s is neither a System.map nor a vmlinux: it has the line "
				       "`%.60s'", s->path, line);
		if (r < 0)
			return xl_err(x, r, "symbols of %s", s->path);
	}
	return 0;
}

/* ---- vmlinux ---- */

static void take_build_id(struct xl_symbols *s, Elf_Data *d)
{
	size_t at = 0, next, name, desc;
	GElf_Nhdr n;

	for (; d && (next = gelf_getnote(d, at, &n, &name, &desc)) > 0; at = next) {
		const unsigned char *id = (const unsigned char *)d->d_buf + desc;

		if (n.n_type != NT_GNU_BUILD_ID || n.n_namesz != 4 || n.n_descsz > BUILD_ID_MAX ||
		    memcmp((const char *)d->d_buf + name, "GNU", 4) != 0)
			continue;
		for (size_t i = 0; i < n.n_descsz; i++)
			(void)snprintf(s->build_id + 2 * i, 3, "%02x", id[i]);
	}
}

static int take_table(struct xl_symbols *s, Elf_Scn *scn, const GElf_Shdr *h)
{
	Elf_Data *d = elf_getdata(scn, NULL);
	GElf_Sym sym;
	int r = 0;

	for (int i = 0; d && r == 0 && gelf_getsym(d, i, &sym); i++) {
		const char *name = elf_strptr(s->elf, h->sh_link, sym.st_name);
		unsigned char type = GELF_ST_TYPE(sym.st_info);

		if (name && *name && sym.st_value && sym.st_shndx != SHN_UNDEF &&
		    (type == STT_OBJECT || type == STT_FUNC || type == STT_NOTYPE))
			r = add(s, name, sym.st_value);
	}
	return r;
}

static int read_elf(struct xl_ctx *x, struct xl_symbols *s)
{
	Elf_Scn *scn = NULL;
	GElf_Ehdr e;
	int r = 0;

	if (elf_version(EV_CURRENT) == EV_NONE || !(s->elf = elf_begin(s->fd, ELF_C_READ, NULL)) ||
	    !gelf_getehdr(s->elf, &e))
		return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL, "%s: %s", s->path, elf_errmsg(-1));
	if (e.e_machine != EM_X86_64)
		return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL,
			       "%s is an ELF file of another machine than x86_64", s->path);
	while (r == 0 && (scn = elf_nextscn(s->elf, scn))) {
		GElf_Shdr h;

		if (!gelf_getshdr(scn, &h))
			continue;
		if (h.sh_type == SHT_SYMTAB)
			r = take_table(s, scn, &h);
		else if (h.sh_type == SHT_NOTE)
			take_build_id(s, elf_getdata(scn, NULL));
	}
	return r < 0 ? xl_err(x, r, "symbols of %s", s->path) : 0;
}

/* ---- */

int xl_symbols_open(struct xl_ctx *x, const char *path, struct xl_symbols **ret)
{
	_cleanup_(closep) struct xl_symbols *s = calloc(1, sizeof(*s));
	char magic[4] = { 0 };
	struct stat st;
	int r;

	if (s)
		s->fd = -1;
	if (!s || !(s->path = strdup(path)))
		return xl_err(x, -ENOMEM, "symbols of %s", path);
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (s->fd < 0 || fstat(s->fd, &st) < 0)
		return xl_fail(x, errno == EACCES ? XLDUMP_CAUSE_PERMISSION : XLDUMP_CAUSE_USAGE,
			       -errno, "symbols: cannot open %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > MAP_MAX * 16)
		return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL,
			       "symbols: %s is not a regular file, or is too large", path);
	if (pread(s->fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	    memcmp(magic, ELFMAG, SELFMAG) == 0)
		r = read_elf(x, s);
	else if ((uint64_t)st.st_size > MAP_MAX)
		r = xl_fail(x, XLDUMP_CAUSE_USAGE, -EFBIG, "%s is too large for a System.map", path);
	else
		r = read_map(x, s, (uint64_t)st.st_size);
	if (r < 0)
		return r;
	if (!s->n)
		return xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL,
			       "%s has no symbols with addresses: it is stripped, or was made "
			       "without permission to see them", path);
	qsort(s->symbol, s->n, sizeof(*s->symbol), by_name);
	*ret = XL_TAKE_PTR(s);
	return 0;
}

int xl_symbols_find(const struct xl_symbols *s, const char *name, uint64_t *ret)
{
	const struct symbol key = { .name = name }, *p, *end = s->symbol + s->n;

	p = bsearch(&key, s->symbol, s->n, sizeof(key), by_name);
	if (!p)
		return -ENOENT;
	/* Of two the right one cannot be told: they are static in different files. */
	if ((p > s->symbol && by_name(p - 1, p) == 0 && p[-1].va != p->va) ||
	    (p + 1 < end && by_name(p + 1, p) == 0 && p[1].va != p->va))
		return -ENOENT;
	*ret = p->va;
	return 0;
}

static int check_build_id(struct xl_ctx *x, const struct xl_symbols *s, const char *text)
{
	const char *id;
	size_t len;

	if (!s->build_id[0] || xl_vmcoreinfo_str(text, "BUILD-ID", &id, &len) < 0 ||
	    (strlen(s->build_id) == len && memcmp(s->build_id, id, len) == 0))
		return 0;
	return xl_fail(x, XLDUMP_CAUSE_USAGE, -ENOEXEC,
		       "%s is of another kernel: its build-id is %s, but that of the guest's "
		       "kernel is %.*s",
		       s->path, s->build_id, (int)(len < 128 ? len : 128), id);
}

int xl_symbols_check(struct xl_ctx *x, const struct xl_symbols *s, const char *text)
{
	uint64_t offset = 0, va, file;
	unsigned same = 0;
	char name[64], key[80];
	int r = check_build_id(x, s, text);

	if (r < 0)
		return r;
	(void)xl_vmcoreinfo_hex(text, "KERNELOFFSET", &offset);
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		if (sscanf(line, "SYMBOL(%63[^)\n])=", name) != 1)
			continue;
		(void)snprintf(key, sizeof(key), "SYMBOL(%s)", name);
		/* Of some it says what is in them, not where they are. */
		if (xl_vmcoreinfo_hex(text, key, &va) < 0 || va < XL_START_KERNEL_MAP ||
		    xl_symbols_find(s, name, &file) < 0)
			continue;
		if (file + offset != va)
			return xl_fail(x, XLDUMP_CAUSE_USAGE, -ENOEXEC,
				       "%s is of another kernel: %s is at %#" PRIx64 " there%s, and at %#"
				       PRIx64 " in the guest's kernel", s->path, name, file + offset,
				       offset ? " (with KASLR)" : "", va);
		same++;
	}
	if (same)
		return 0;
	return xl_fail(x, XLDUMP_CAUSE_USAGE, -ENOEXEC,
		       "%s has none of the symbols that the guest's kernel names, so it cannot be "
		       "checked against that kernel", s->path);
}
