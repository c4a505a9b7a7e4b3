/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inputs written as text: their expansion. */
#include "seeds.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define SEED_MAX ((size_t)1 << 20)
#define MAX_DEPTH 8

struct parser {
	const char *path;
	unsigned line;
	const char *p;
	struct seeds *out;
	size_t open[MAX_DEPTH]; /* places of the lengths to be filled in */
	unsigned depth;
};

static int wrong(const struct parser *ps, const char *what)
{
	(void)fprintf(stderr, "%s:%u: %s\n", ps->path, ps->line, what);
	return -EINVAL;
}

static int append(struct parser *ps, const void *data, size_t len)
{
	struct seed *s = ps->out->n ? &ps->out->seed[ps->out->n - 1] : NULL;
	uint8_t *p;

	if (!s)
		return wrong(ps, "before the first `seed NAME'");
	if (len > SEED_MAX - s->len)
		return wrong(ps, "the seed is too large");
	p = realloc(s->data, s->len + len + 1);
	if (!p)
		return -ENOMEM;
	s->data = p;
	memcpy(p + s->len, data, len);
	s->len += len;
	return 0;
}

static int new_seed(struct parser *ps)
{
	struct seed *s = reallocarray(ps->out->seed, ps->out->n + 1, sizeof(*s));
	int n = 0;

	if (!s)
		return -ENOMEM;
	ps->out->seed = s;
	s = &s[ps->out->n++];
	memset(s, 0, sizeof(*s));
	if (sscanf(ps->p, "seed %63[a-z0-9-]%n", s->name, &n) != 1)
		return wrong(ps, "a seed needs a name of a-z, 0-9 and -");
	ps->p += n;
	return ps->depth ? wrong(ps, "`)' is missing") : 0;
}

static int number(struct parser *ps, size_t size)
{
	uint8_t out[8];
	char *end;
	unsigned long long v;

	errno = 0;
	v = *ps->p == '-' ? (unsigned long long)strtoll(ps->p, &end, 0) : strtoull(ps->p, &end, 0);
	if (errno || end == ps->p)
		return wrong(ps, "no number");
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(v >> (8 * i));
	ps->p = end;
	return append(ps, out, size);
}

static int text(struct parser *ps)
{
	for (ps->p++; *ps->p != '"'; ps->p++) {
		static const char from[] = "nert0\"\\", to[] = "\n\033\r\t\0\"\\";
		char c = *ps->p;
		int r;

		if (c == '\0' || c == '\n')
			return wrong(ps, "the text does not end");
		if (c == '\\') {
			const char *at = strchr(from, *++ps->p);

			if (!at || !*at)
				return wrong(ps, "what is behind the \\ is not known");
			c = to[at - from];
		}
		r = append(ps, &c, 1);
		if (r < 0)
			return r;
	}
	ps->p++;
	return 0;
}

static int hex(struct parser *ps)
{
	while (isxdigit((unsigned char)*ps->p)) {
		char digits[3] = { ps->p[0], ps->p[1], '\0' };
		uint8_t b;
		int r;

		if (!isxdigit((unsigned char)digits[1]))
			return wrong(ps, "half a byte");
		b = (uint8_t)strtoul(digits, NULL, 16);
		r = append(ps, &b, 1);
		if (r < 0)
			return r;
		ps->p += 2;
	}
	return 0;
}

static bool starts(struct parser *ps, const char *with)
{
	size_t n = strlen(with);

	if (strncmp(ps->p, with, n) != 0)
		return false;
	ps->p += n;
	return true;
}

static int one(struct parser *ps)
{
	if (*ps->p == '"')
		return text(ps);
	if (starts(ps, "b:"))
		return number(ps, 1);
	if (starts(ps, "w:"))
		return number(ps, 2);
	if (starts(ps, "b3:"))
		return number(ps, 3);
	if (starts(ps, "d:"))
		return number(ps, 4);
	if (starts(ps, "q:"))
		return number(ps, 8);
	if (isxdigit((unsigned char)*ps->p))
		return hex(ps);
	return wrong(ps, "not understood");
}

static int repeated(struct parser *ps, unsigned long n)
{
	const char *start = ps->p;

	for (unsigned long i = 0; i < n; i++) {
		int r;

		ps->p = start;
		r = one(ps);
		if (r < 0)
			return r;
	}
	return 0;
}

static int length_begin(struct parser *ps)
{
	if (ps->depth == MAX_DEPTH)
		return wrong(ps, "too many `('");
	if (append(ps, "\0", 2) < 0)
		return -EINVAL;
	ps->open[ps->depth++] = ps->out->seed[ps->out->n - 1].len;
	return 0;
}

static int length_end(struct parser *ps)
{
	struct seed *s;
	size_t at, len;

	if (!ps->depth)
		return wrong(ps, "`)' without `len('");
	s = &ps->out->seed[ps->out->n - 1];
	at = ps->open[--ps->depth];
	len = s->len - at;
	if (len > UINT16_MAX)
		return wrong(ps, "too long for `len('");
	s->data[at - 2] = (uint8_t)len;
	s->data[at - 1] = (uint8_t)(len >> 8);
	return 0;
}

static int token(struct parser *ps)
{
	char *end;
	unsigned long n;

	if (strncmp(ps->p, "seed ", 5) == 0)
		return new_seed(ps);
	if (starts(ps, "len("))
		return length_begin(ps);
	if (starts(ps, ")"))
		return length_end(ps);
	n = strtoul(ps->p, &end, 10);
	if (end != ps->p && *end == '*') {
		ps->p = end + 1;
		return repeated(ps, n);
	}
	return one(ps);
}

static int parse_line(struct parser *ps, const char *line)
{
	for (ps->p = line; *ps->p && *ps->p != '#';) {
		int r;

		if (isspace((unsigned char)*ps->p)) {
			ps->p++;
			continue;
		}
		r = token(ps);
		if (r < 0)
			return r;
	}
	return 0;
}

int seeds_load(const char *path, struct seeds *ret)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	struct parser ps = { .path = path, .out = ret };
	size_t size = 0;
	int r = 0;

	*ret = (struct seeds){ 0 };
	if (!f) {
		perror(path);
		return -ENOENT;
	}
	while (r == 0 && getline(&line, &size, f) >= 0) {
		ps.line++;
		r = parse_line(&ps, line);
	}
	if (r == 0 && ps.depth)
		r = wrong(&ps, "`)' is missing");
	if (r < 0)
		seeds_deinit(ret);
	return r;
}

void seeds_deinit(struct seeds *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->seed[i].data);
	free(s->seed);
	*s = (struct seeds){ 0 };
}

int seeds_write(const struct seeds *s, const char *folder)
{
	for (size_t i = 0; i < s->n; i++) {
		_cleanup_fclose_ FILE *f = NULL;
		char path[4096];

		(void)snprintf(path, sizeof(path), "%s/%s", folder, s->seed[i].name);
		f = fopen(path, "we");
		if (!f || fwrite(s->seed[i].data, 1, s->seed[i].len, f) != s->seed[i].len ||
		    fflush(f) != 0) {
			perror(path);
			return -EIO;
		}
	}
	return 0;
}
