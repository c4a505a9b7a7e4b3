/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts from outside, made fit to be shown. */
#include "base/text.h"

#include <langinfo.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wctype.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether \xNN stands here. */
static bool is_escape(const char *p, size_t left)
{
	return left >= 4 && p[0] == '\\' && p[1] == 'x' && digit(p[2]) >= 0 && digit(p[3]) >= 0;
}

/* Bytes of the character beyond ASCII that begins here, 2 to 4; 0: no valid UTF-8 (RFC 3629). */
static size_t decode(const char *text, size_t left, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *p = (const uint8_t *)text;
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c = p[0] & (0x7fu >> n);

	if (p[0] < 0xc2 || p[0] > 0xf4 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

static char *show(const char *text, size_t len, char *buf, size_t size, bool letters)
{
	size_t at = 0;

	for (size_t i = 0, n; i < len; i += n) {
		char piece[5];
		uint32_t c;

		n = letters ? decode(text + i, len - i, &c) : 0;
		if (n && !iswprint((wint_t)c))
			n = 0;
		if (n)
			(void)snprintf(piece, sizeof(piece), "%.*s", (int)n, text + i);
		else if (text[i] < ' ' || text[i] > '~' || is_escape(text + i, len - i))
			(void)snprintf(piece, sizeof(piece), "\\x%02x", (uint8_t)text[i]);
		else
			(void)snprintf(piece, sizeof(piece), "%c", text[i]);
		n = n ? n : 1;
		if (at + strlen(piece) >= size)
			break;
		memcpy(buf + at, piece, strlen(piece));
		at += strlen(piece);
	}
	if (size)
		buf[at] = '\0';
	return buf;
}

char *xl_escape(const char *text, size_t len, char *buf, size_t size)
{
	return show(text, len, buf, size, false);
}

char *xl_printable(const char *text, size_t len, char *buf, size_t size)
{
	return show(text, len, buf, size, strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
}

size_t xl_unescape(char *text)
{
	size_t len = strlen(text), n = 0;

	for (size_t i = 0; i < len; n++) {
		bool escape = is_escape(text + i, len - i);

		text[n] = escape ? (char)(digit(text[i + 2]) << 4 | digit(text[i + 3])) : text[i];
		i += escape ? 4 : 1;
	}
	text[n] = '\0';
	return n;
}
