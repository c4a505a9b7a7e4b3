/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMCOREINFO, the text in which a Linux kernel describes itself to dump tools: recognising its
 * pages, copying it out of the guest, looking up its lines.
 *
 * Linux keeps two copies in memory (kernel/vmcore_info.c, kernel/crash_core.c before 6.9): the bare
 * text at the start of a page, and an ELF note at the start of another.  Both are there from the
 * middle of the boot on, whether or not kdump is set up.
 */
#include "guest/vmcoreinfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static const char text_magic[] = "OSRELEASE=";

/* Elf64_Nhdr {namesz 11, descsz, type 0}, then the name, padded to 12: the text follows at 24. */
#define NOTE_NAMESZ 11
#define NOTE_TEXT 24
static const char note_name[12] = "VMCOREINFO";

static bool is_note(const unsigned char *page)
{
	return xl_get_le32(page) == NOTE_NAMESZ && xl_get_le32(page + 8) == 0 &&
	       memcmp(page + 12, note_name, NOTE_NAMESZ) == 0;
}

static bool is_text(const unsigned char *page)
{
	return memcmp(page, text_magic, sizeof(text_magic) - 1) == 0;
}

bool xl_is_vmcoreinfo(const void *page)
{
	return is_text(page) || is_note(page);
}

/* Fill buf with pages from pfn on, as long as there are any.  The bare text has no length: it ends
 * with a NUL, and usually within one page. */
static int read_pages(xl_read_fn read, void *data, xl_pfn_t pfn, char *buf, size_t *ret_len)
{
	size_t len = 0;
	int r;

	if (pfn >= XL_MAX_PFNS)
		return -EFAULT;
	while (len < XL_VMCOREINFO_MAX) {
		r = read(data, (pfn << XL_PAGE_SHIFT) + len, buf + len, XL_PAGE_SIZE);
		if (r < 0 && len == 0)
			return r;
		if (r < 0)
			break;
		len += XL_PAGE_SIZE;
		if (memchr(buf + len - XL_PAGE_SIZE, '\0', XL_PAGE_SIZE))
			break;
	}
	*ret_len = len;
	return 0;
}

/* The same for the note, whose length is in its header: binary zeros are part of that. */
static int read_note(xl_read_fn read, void *data, xl_pfn_t pfn, char *buf, size_t *ret_len)
{
	unsigned char head[NOTE_TEXT];
	uint64_t pa = pfn << XL_PAGE_SHIFT;
	uint32_t len;
	int r;

	r = read(data, pa, head, sizeof(head));
	if (r < 0)
		return r;
	len = xl_get_le32(head + 4);
	if (!is_note(head) || len > XL_VMCOREINFO_MAX)
		return -EINVAL;
	r = read(data, pa + NOTE_TEXT, buf, len);
	if (r < 0)
		return r;
	*ret_len = len;
	return 0;
}

int xl_vmcoreinfo_load(xl_read_fn read, void *data, xl_pfn_t pfn, char **ret, const char **ret_why)
{
	_cleanup_free_ char *buf = malloc(XL_VMCOREINFO_MAX + 1);
	size_t len = 0;
	int r;

	*ret_why = "out of memory";
	if (!buf)
		return -ENOMEM;

	r = read_pages(read, data, pfn, buf, &len);
	if (r == 0 && !is_text((unsigned char *)buf))
		r = read_note(read, data, pfn, buf, &len);
	*ret_why = "the page cannot be read or has changed";
	if (r < 0)
		return r;

	len = strnlen(buf, len);
	while (len && buf[len - 1] != '\n')
		len--; /* the kernel cuts off what does not fit its buffer */
	*ret_why = "the text has no complete line";
	if (!len)
		return -EINVAL;
	buf[len] = '\0';

	*ret = XL_TAKE_PTR(buf);
	return 0;
}

int xl_vmcoreinfo_str(const char *text, const char *key, const char **ret, size_t *ret_len)
{
	size_t n = strlen(key);
	const char *line = text, *end;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		if ((size_t)(end - line) <= n || line[n] != '=' || memcmp(line, key, n) != 0)
			continue;
		*ret = line + n + 1;
		*ret_len = (size_t)(end - *ret);
		return 0;
	}
	return -ENOENT;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

static int parse(const char *s, size_t len, unsigned base, uint64_t *ret)
{
	uint64_t v = 0;

	if (len == 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		unsigned d = (unsigned)digit(s[i]);

		if (d >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, d, &v))
			return -EINVAL;
	}
	*ret = v;
	return 0;
}

int xl_vmcoreinfo_hex(const char *text, const char *key, uint64_t *ret)
{
	const char *s;
	size_t len;
	int r;

	r = xl_vmcoreinfo_str(text, key, &s, &len);
	if (r < 0)
		return r;
	return parse(s, len, 16, ret);
}

int xl_vmcoreinfo_dec(const char *text, const char *key, int64_t *ret)
{
	bool negative;
	const char *s;
	uint64_t v;
	size_t len;
	int r;

	r = xl_vmcoreinfo_str(text, key, &s, &len);
	if (r < 0)
		return r;
	negative = len > 0 && s[0] == '-';
	r = parse(s + negative, len - negative, 10, &v);
	if (r < 0)
		return r;
	if (v > (uint64_t)INT64_MAX)
		return -EINVAL; /* INT64_MIN too: no number of a kernel is that */
	*ret = negative ? -(int64_t)v : (int64_t)v;
	return 0;
}

static bool lines_parse(const char *text)
{
	const char *line = text, *end;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		const char *eq = memchr(line, '=', (size_t)(end - line));

		if (!eq || eq == line)
			return false;
		for (const char *p = line; p < end; p++)
			if (*p < ' ' || *p > '~')
				return false;
	}
	return *line == '\0';
}

static bool in_image(uint64_t va)
{
	return va >= XL_START_KERNEL_MAP && va - XL_START_KERNEL_MAP < XL_KERNEL_IMAGE_MAX;
}

static bool has_image_symbol(const char *text, const char *key)
{
	uint64_t va;

	return xl_vmcoreinfo_hex(text, key, &va) == 0 && in_image(va);
}

const char *xl_vmcoreinfo_check(const char *text)
{
	const char *s;
	int64_t size, base;
	uint64_t offset;
	size_t len;
	int r;

	if (!lines_parse(text))
		return "a line is not of the form KEY=VALUE";
	if (xl_vmcoreinfo_str(text, "OSRELEASE", &s, &len) < 0 || len == 0 || len > 64)
		return "no OSRELEASE";
	if (xl_vmcoreinfo_dec(text, "PAGESIZE", &size) < 0 || size != (int64_t)XL_PAGE_SIZE)
		return "PAGESIZE is not 4096";
	if (!has_image_symbol(text, "SYMBOL(_stext)"))
		return "no SYMBOL(_stext) in the kernel's range";
	if (!has_image_symbol(text, "SYMBOL(swapper_pg_dir)") &&
	    !has_image_symbol(text, "SYMBOL(init_top_pgt)"))
		return "no SYMBOL(swapper_pg_dir) in the kernel's range";
	if (!has_image_symbol(text, "SYMBOL(init_uts_ns)"))
		return "no SYMBOL(init_uts_ns) in the kernel's range";
	/* x86 says it even without KASLR (arch/x86/kernel/vmcore_info_64.c): a text made from a
	 * vmlinux file (makedumpfile -g) lies about a running kernel and lacks it. */
	if (xl_vmcoreinfo_hex(text, "KERNELOFFSET", &offset) < 0 || offset >= XL_KERNEL_IMAGE_MAX)
		return "no KERNELOFFSET";
	r = xl_vmcoreinfo_dec(text, "NUMBER(phys_base)", &base);
	if (r < 0 && r != -ENOENT)
		return "NUMBER(phys_base) is not a number";
	if (r == 0 && (base & (int64_t)XL_PAGE_MASK))
		return "NUMBER(phys_base) is not page aligned";
	return NULL;
}

#define LARGE_PAGE ((uint64_t)2 << 20)

uint64_t xl_vmcoreinfo_image_end(const char *text, uint64_t start)
{
	uint64_t end = start + LARGE_PAGE, va;
	char key[80];

	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		if (sscanf(line, "%79[^=\n]=", key) == 1 && strncmp(key, "SYMBOL(", 7) == 0 &&
		    xl_vmcoreinfo_hex(text, key, &va) == 0 && in_image(va) && va >= end)
			end = (va / LARGE_PAGE + 1) * LARGE_PAGE;
	return end;
}

bool xl_vmcoreinfo_same_kernel(const char *a, const char *b)
{
	static const char *const key[] = { "OSRELEASE", "BUILD-ID", "SYMBOL(_stext)",
					   "NUMBER(phys_base)" };

	for (size_t i = 0; i < XL_ARRAY_SIZE(key); i++) {
		size_t na = 0, nb = 0;
		const char *va = "", *vb = "";

		(void)!xl_vmcoreinfo_str(a, key[i], &va, &na);
		(void)!xl_vmcoreinfo_str(b, key[i], &vb, &nb);
		if (na != nb || memcmp(va, vb, na) != 0)
			return false;
	}
	return true;
}
