/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The syntax of xl.conf(5). */
#include "common/conf_syntax.h"

#include <stdarg.h>
#include <string.h>

/* Lists of lists of lists are of no use here; no recursion without an end. */
#define MAX_DEPTH 3
#define MAX_ITEMS 4096

struct reader {
	struct xl_ctx *x;
	const char *file, *at, *end;
	unsigned line;
};

_printf_(2, 3) static int wrong(struct reader *r, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return xl_fail(r->x, XLDUMP_CAUSE_USAGE, -EINVAL, "%s:%u: %s", r->file, r->line, text);
}

static int peek(const struct reader *r)
{
	return r->at < r->end ? (unsigned char)*r->at : -1;
}

/* Blanks and comments; new lines too, if they mean nothing here. */
static void skip(struct reader *r, bool lines)
{
	for (; r->at < r->end; r->at++) {
		int c = peek(r);

		if (c == '#') {
			while (r->at < r->end && *r->at != '\n')
				r->at++;
			if (r->at == r->end)
				return;
			c = '\n';
		}
		if (c == '\n' && !lines)
			return;
		if (c == '\n')
			r->line++;
		else if (c != ' ' && c != '\t' && c != '\r')
			return;
	}
}

static bool is_name(int c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

static bool is_number(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == 'x';
}

static int take_text(struct reader *r, const char *from, const char *to, char **ret)
{
	if (memchr(from, '\0', (size_t)(to - from)))
		return wrong(r, "the file contains a NUL byte");
	*ret = strndup(from, (size_t)(to - from));
	return *ret ? 0 : xl_err(r->x, -ENOMEM, "read %s", r->file);
}

/* A backslash is for what follows it: a quote or a backslash. */
static int quoted(struct reader *r, char **ret)
{
	char quote = *r->at++, *to;
	const char *from = r->at;
	int e;

	while (r->at < r->end && *r->at != quote && *r->at != '\n') {
		if (*r->at == '\\') {
			r->at++;
			if (r->at == r->end || !strchr("\"'\\", *r->at) || !*r->at)
				return wrong(r,
					     "in a text, a backslash must be followed by a quote "
					     "or a backslash");
		}
		r->at++;
	}
	if (r->at == r->end || *r->at != quote)
		return wrong(r, "a text lacks its closing %c", quote);
	e = take_text(r, from, r->at++, ret);
	if (e < 0)
		return e;
	to = *ret;
	for (const char *p = *ret; *p; p++) {
		if (*p == '\\')
			p++;
		*to++ = *p;
	}
	*to = '\0';
	return 0;
}

static int bare_number(struct reader *r, char **ret)
{
	const char *from = r->at;

	while (is_number(peek(r)))
		r->at++;
	return take_text(r, from, r->at, ret);
}

static void value_deinit(struct xd_value *v, unsigned depth)
{
	free(v->text);
	for (size_t i = 0; depth < MAX_DEPTH && i < v->n; i++)
		value_deinit(&v->item[i], depth + 1);
	free(v->item);
}

static int value(struct reader *r, unsigned depth, struct xd_value *ret);

static int list(struct reader *r, unsigned depth, struct xd_value *ret)
{
	size_t allocated = 0;

	r->at++;
	for (;;) {
		int e;

		skip(r, true);
		if (peek(r) == ']') {
			r->at++;
			return 0;
		}
		if (ret->n == MAX_ITEMS)
			return wrong(r, "more than %d elements", MAX_ITEMS);
		if (ret->n == allocated) {
			struct xd_value *p;

			allocated = allocated ? 2 * allocated : 8;
			p = reallocarray(ret->item, allocated, sizeof(*p));
			if (!p)
				return xl_err(r->x, -ENOMEM, "read %s", r->file);
			ret->item = p;
		}
		ret->item[ret->n] = (struct xd_value){ 0 };
		e = value(r, depth, &ret->item[ret->n++]);
		if (e < 0)
			return e;
		skip(r, true);
		if (peek(r) == ',')
			r->at++;
		else if (peek(r) != ']')
			return wrong(r, "a list needs a comma between elements, and a ] at its end");
	}
}

static int value(struct reader *r, unsigned depth, struct xd_value *ret)
{
	int c = peek(r);

	ret->line = r->line;
	if (c == '"' || c == '\'')
		return quoted(r, &ret->text);
	if (c >= '0' && c <= '9')
		return bare_number(r, &ret->text);
	if (c != '[')
		return wrong(r, "a value is a \"text\", a number or a [ list ]");
	if (depth == MAX_DEPTH)
		return wrong(r, "too many lists in lists");
	return list(r, depth + 1, ret);
}

static int setting(struct reader *r, struct xd_setting *ret)
{
	const char *from = r->at;
	int e;

	ret->line = r->line;
	while (is_name(peek(r), r->at == from))
		r->at++;
	if (r->at == from)
		return wrong(r, "a setting must begin with its name");
	e = take_text(r, from, r->at, &ret->name);
	if (e < 0)
		return e;
	skip(r, false);
	if (peek(r) != '=')
		return wrong(r, "`%.64s' needs an = and a value", ret->name);
	r->at++;
	skip(r, false);
	e = value(r, 0, &ret->value);
	if (e < 0)
		return e;
	skip(r, false);
	if (peek(r) != '\n' && peek(r) != ';' && peek(r) != -1)
		return wrong(r,
			     "unexpected text after the value of `%.64s'; a value with a unit "
			     "needs quotes, as in \"50ms\"", ret->name);
	return 0;
}

void xd_conf_deinit(struct xd_conf *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->setting[i].name);
		value_deinit(&c->setting[i].value, 0);
	}
	free(c->setting);
	*c = (struct xd_conf){ 0 };
}

int xd_conf_parse(struct xl_ctx *x, const char *file, const char *text, size_t len,
		  struct xd_conf *ret)
{
	struct reader r = { .x = x, .file = file, .at = text, .end = text + len, .line = 1 };
	_cleanup_(xd_conf_deinit) struct xd_conf c = { 0 };
	size_t allocated = 0;

	for (;;) {
		int e;

		skip(&r, true);
		if (peek(&r) == ';') {
			r.at++;
			continue;
		}
		if (peek(&r) == -1)
			break;
		if (c.n == MAX_ITEMS)
			return wrong(&r, "more than %d settings", MAX_ITEMS);
		if (c.n == allocated) {
			struct xd_setting *p;

			allocated = allocated ? 2 * allocated : 16;
			p = reallocarray(c.setting, allocated, sizeof(*p));
			if (!p)
				return xl_err(x, -ENOMEM, "read %s", file);
			c.setting = p;
		}
		c.setting[c.n] = (struct xd_setting){ 0 };
		e = setting(&r, &c.setting[c.n++]);
		if (e < 0)
			return e;
	}
	*ret = c;
	c = (struct xd_conf){ 0 };
	return 0;
}
