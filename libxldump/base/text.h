/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts from outside (names of guests, what a guest or a file says) made fit for a terminal, a log,
 * JSON or a file name.
 *
 * Each byte that cannot be shown becomes \xNN, with two small hexadecimal digits.  A backslash that
 * begins such a thing in the text itself becomes \x5c; any other stays.  So no two texts look the
 * same, and xl_unescape() gives the text back. */
#ifndef XL_BASE_TEXT_H
#define XL_BASE_TEXT_H

#include <stddef.h>

/* Bytes that are enough for a text of so many, with the NUL. */
#define XL_ESCAPED_MAX(len) (4 * (len) + 1)

/* Printable ASCII, wherever it is read: for logs, JSON, xenstore and names of files.  What does not
 * fit is cut off in front of a character, never within one; XL_ESCAPED_MAX() bytes are enough.
 * Returns buf. */
char *xl_escape(const char *text, size_t len, char *buf, size_t size);

/* The same for a person: letters beyond ASCII are shown, too, if the program's locale (setlocale(3),
 * LC_CTYPE) is of UTF-8 and can print them, and the text has them as valid UTF-8. */
char *xl_printable(const char *text, size_t len, char *buf, size_t size);

/* What xl_escape() made of a text, or xl_printable(), back in place.  Returns the length, for a \x00
 * gives a NUL; the text ends in one in any case. */
size_t xl_unescape(char *text);

#endif
