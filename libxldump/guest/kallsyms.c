/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbols from the kernel's own table, kallsyms, whose place VMCOREINFO names since Linux 6.0.
 *
 * Names are a stream {length, that many bytes}; every byte stands for one of 256 tokens, the first
 * character of the expanded name is the type.  Addresses are in an array parallel to it.  How
 * they are encoded changed over time and the text does not say which it is:
 *
 *   6.0 - 6.10   absolute 64-bit addresses, without CONFIG_KALLSYMS_BASE_RELATIVE
 *   6.0 - 6.14   x86_64 SMP: an offset >= 0 is an absolute (per-CPU) value, a negative one is
 *                counted down from kallsyms_relative_base - 1
 *   6.0 - 6.19   unsigned offsets from kallsyms_relative_base
 *   7.0 -        offsets from the place of the offset itself (commit a081b5789255)
 *
 * So each possible reading is tried until the symbol _stext comes out as VMCOREINFO has it, which
 * at the same time is the proof that the table is what it seems to be.  A length above 127 takes
 * two bytes since 6.1 (commit 73bbb94466fd); 6.0 cannot have one, its names are shorter.
 *
 * Everything in the table is the guest's word: lengths and counts are bounded, and nothing is
 * allocated by them.
 */
#include "guest/kallsyms.h"

#include <string.h>

#include "base/bytes.h"
#include "guest/vmcoreinfo.h"

/* A distribution's kernel has 200,000 symbols, in 3 MB of names.  Much more is a loop for us to
 * run in. */
#define MAX_SYMS ((uint32_t)4 << 20)
#define MAX_NAME_BYTES ((uint64_t)64 << 20)

#define NAME_SIZE 512       /* KSYM_NAME_LEN since 6.1; 128 before (include/linux/kallsyms.h) */
#define TOKEN_TABLE_MAX 65536 /* the index has 16-bit offsets */
#define CHUNK ((size_t)64 << 10)
#define MAX_WANTED 16

struct table {
	uint64_t names_va, addresses_va, offsets_va, relative_base;
	bool has_addresses, has_relative_base;
	uint32_t num;
	uint16_t token_index[256];
	char *token; /* NUL-terminated strings, the last one in any case */
	size_t token_size;
};

static void table_deinit(struct table *t)
{
	free(t->token);
}

/* Bytes of guest memory one after the other, fetched in chunks. */
struct stream {
	const struct xl_kmem *m;
	uint64_t va, left; /* what was not fetched yet, and how much may be */
	unsigned char *buf;
	size_t pos, have;
};

static int stream_fill(struct stream *s)
{
	/* Up to a chunk's boundary, so that the last chunk reaches beyond the table by little and
	 * stays in the pages that the table is in, or page by page where it does not. */
	size_t n = CHUNK - (s->va & (CHUNK - 1));
	int r;

	if (n > s->left)
		n = s->left;
	if (n == 0)
		return -EFBIG;
	r = xl_kmem_read(s->m, s->va, s->buf, n);
	if (r < 0 && n > XL_PAGE_SIZE - (s->va & XL_PAGE_MASK)) {
		n = XL_PAGE_SIZE - (s->va & XL_PAGE_MASK);
		r = xl_kmem_read(s->m, s->va, s->buf, n);
	}
	if (r < 0)
		return r;
	s->va += n;
	s->left -= n;
	s->pos = 0;
	s->have = n;
	return 0;
}

static int stream_byte(struct stream *s, unsigned char *ret)
{
	int r;

	if (s->pos == s->have) {
		r = stream_fill(s);
		if (r < 0)
			return r;
	}
	*ret = s->buf[s->pos++];
	return 0;
}

/* Read the next name, without its type.  One that is too long comes out cut off and thus equals
 * none that is asked for. */
static int next_name(struct stream *s, const struct table *t, char name[NAME_SIZE])
{
	unsigned char b;
	size_t len, n = 0;
	bool type = true;
	int r;

	r = stream_byte(s, &b);
	if (r < 0)
		return r;
	len = b;
	if (b & 0x80) {
		r = stream_byte(s, &b);
		if (r < 0)
			return r;
		len = (len & 0x7f) | (size_t)b << 7;
	}

	while (len--) {
		r = stream_byte(s, &b);
		if (r < 0)
			return r;
		for (const char *p = t->token + t->token_index[b]; *p && n < NAME_SIZE - 1; p++) {
			if (type)
				type = false;
			else
				name[n++] = *p;
		}
	}
	name[n] = '\0';
	return 0;
}

/* Find the places of names in the table; UINT32_MAX for one that is not there.  Where a name
 * occurs more than once (static symbols) the first has it, as in the kernel. */
static int find_names(const struct table *t, const struct xl_kmem *m, const char *const *name,
		      size_t n, uint32_t *ret_place)
{
	_cleanup_free_ unsigned char *buf = malloc(CHUNK);
	struct stream s = { .m = m, .va = t->names_va, .left = MAX_NAME_BYTES, .buf = buf };
	char have[NAME_SIZE];
	size_t missing = n;
	int r;

	if (!buf)
		return -ENOMEM;
	for (size_t j = 0; j < n; j++)
		ret_place[j] = UINT32_MAX;
	for (uint32_t i = 0; i < t->num && missing; i++) {
		r = next_name(&s, t, have);
		if (r < 0)
			return r;
		for (size_t j = 0; j < n; j++) {
			if (ret_place[j] != UINT32_MAX || strcmp(name[j], have) != 0)
				continue;
			ret_place[j] = i;
			missing--;
		}
	}
	return 0;
}

enum encoding {
	PERCPU,
	BASE_RELATIVE,
	PLACE_RELATIVE,
	ABSOLUTE,
	_ENCODING_MAX
};

static bool encoding_possible(const struct table *t, enum encoding e)
{
	if (e == ABSOLUTE)
		return t->has_addresses;
	if (t->has_addresses)
		return false;
	return (e == PLACE_RELATIVE) == !t->has_relative_base;
}

static int address_of(const struct table *t, const struct xl_kmem *m, enum encoding e,
		      uint32_t place, uint64_t *ret)
{
	uint64_t va = t->has_addresses ? t->addresses_va + 8 * (uint64_t)place :
					 t->offsets_va + 4 * (uint64_t)place;
	unsigned char raw[8];
	int32_t offset;
	int r;

	r = xl_kmem_read(m, va, raw, t->has_addresses ? 8 : 4);
	if (r < 0)
		return r;
	offset = (int32_t)xl_get_le32(raw);

	switch (e) {
	case PERCPU:
		*ret = offset >= 0 ? (uint64_t)offset :
				     t->relative_base - 1 - (uint64_t)(int64_t)offset;
		return 0;
	case BASE_RELATIVE:
		*ret = t->relative_base + (uint32_t)offset;
		return 0;
	case PLACE_RELATIVE:
		*ret = va + (uint64_t)(int64_t)offset;
		return 0;
	case ABSOLUTE:
		*ret = xl_get_le64(raw);
		return 0;
	case _ENCODING_MAX:
		break;
	}
	return -EINVAL;
}

/* Bytes of va .. va + max, page by page, as far as there are any. */
static size_t read_some(const struct xl_kmem *m, uint64_t va, void *buf, size_t max)
{
	size_t done = 0;

	while (done < max) {
		size_t n = XL_PAGE_SIZE - ((va + done) & XL_PAGE_MASK);

		if (n > max - done)
			n = max - done;
		if (xl_kmem_read(m, va + done, (char *)buf + done, n) < 0)
			break;
		done += n;
	}
	return done;
}

static int read_tokens(struct table *t, const struct xl_kmem *m, uint64_t table_va,
		       uint64_t index_va)
{
	unsigned char raw[sizeof(t->token_index)];
	size_t end = 0;
	int r;

	r = xl_kmem_read(m, index_va, raw, sizeof(raw));
	if (r < 0)
		return r;
	for (size_t i = 0; i < 256; i++) {
		t->token_index[i] = xl_get_le16(raw + 2 * i);
		if (t->token_index[i] > end)
			end = t->token_index[i];
	}

	/* The last token is no longer than a name. */
	t->token = calloc(1, TOKEN_TABLE_MAX + NAME_SIZE + 1);
	if (!t->token)
		return -ENOMEM;
	t->token_size = read_some(m, table_va, t->token, end + NAME_SIZE);
	return end < t->token_size ? 0 : -EFAULT;
}

static int table_read(struct table *t, const char *text, const struct xl_kmem *m)
{
	uint64_t num_va, table_va, index_va, base_va;
	unsigned char raw[8];
	int r;

	if (xl_vmcoreinfo_hex(text, "SYMBOL(kallsyms_names)", &t->names_va) < 0 ||
	    xl_vmcoreinfo_hex(text, "SYMBOL(kallsyms_num_syms)", &num_va) < 0 ||
	    xl_vmcoreinfo_hex(text, "SYMBOL(kallsyms_token_table)", &table_va) < 0 ||
	    xl_vmcoreinfo_hex(text, "SYMBOL(kallsyms_token_index)", &index_va) < 0)
		return -ENOENT;
	t->has_addresses = xl_vmcoreinfo_hex(text, "SYMBOL(kallsyms_addresses)",
					     &t->addresses_va) == 0;
	if (!t->has_addresses && xl_vmcoreinfo_hex(text, "SYMBOL(kallsyms_offsets)",
						   &t->offsets_va) < 0)
		return -ENOENT;
	t->has_relative_base = xl_vmcoreinfo_hex(text, "SYMBOL(kallsyms_relative_base)",
						 &base_va) == 0;
	if (t->has_relative_base) {
		r = xl_kmem_read(m, base_va, raw, 8);
		if (r < 0)
			return r;
		t->relative_base = xl_get_le64(raw);
	}

	r = xl_kmem_read(m, num_va, raw, 4);
	if (r < 0)
		return r;
	t->num = xl_get_le32(raw);
	if (t->num == 0 || t->num > MAX_SYMS)
		return -EINVAL;
	return read_tokens(t, m, table_va, index_va);
}

/* The encoding by which the symbol at `place` has the address `va`, or _ENCODING_MAX. */
static enum encoding judge_encoding(const struct table *t, const struct xl_kmem *m,
				    uint32_t place, uint64_t va)
{
	enum encoding e;
	uint64_t got;

	if (place == UINT32_MAX)
		return _ENCODING_MAX;
	for (e = PERCPU; e < _ENCODING_MAX; e++)
		if (encoding_possible(t, e) && address_of(t, m, e, place, &got) == 0 && got == va)
			break;
	return e;
}

static int no_symbols(struct xl_ctx *x, const char *why)
{
	return xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT, "%s", why);
}

int xl_kallsyms_find(struct xl_ctx *x, const char *text, const struct xl_kmem *m,
		     const char *const *name, size_t n, uint64_t *ret_va)
{
	_cleanup_(table_deinit) struct table t = { 0 };
	const char *all[MAX_WANTED + 1] = { "_stext" };
	uint32_t place[MAX_WANTED + 1];
	enum encoding e = _ENCODING_MAX;
	uint64_t stext;
	int r;

	if (n > MAX_WANTED)
		return xl_err(x, -EINVAL, "%zu symbols at once", n);
	for (size_t i = 0; i < n; i++)
		all[i + 1] = name[i];

	r = table_read(&t, text, m);
	if (r == -ENOENT || xl_vmcoreinfo_hex(text, "SYMBOL(_stext)", &stext) < 0)
		return no_symbols(x, "VMCOREINFO does not name the kernel's symbol table");
	if (r == -ENOMEM)
		return xl_err(x, r, "read the kernel's symbol table");
	if (r < 0)
		return no_symbols(x, "the kernel's symbol table cannot be read");

	r = find_names(&t, m, all, n + 1, place);
	if (r == -ENOMEM)
		return xl_err(x, r, "search the kernel's symbol table");
	if (r == 0)
		e = judge_encoding(&t, m, place[0], stext);
	if (e == _ENCODING_MAX)
		return no_symbols(x, "the kernel's symbol table has an unknown layout");

	for (size_t i = 0; i < n; i++)
		if (place[i + 1] == UINT32_MAX ||
		    address_of(&t, m, e, place[i + 1], &ret_va[i]) < 0)
			ret_va[i] = 0;
	return 0;
}
