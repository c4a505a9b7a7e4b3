/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of JSON objects, with their types checked. */
#ifndef XL_BASE_JSON_H
#define XL_BASE_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"
#include "base/cleanup.h"

static inline void xl_json_freep(struct json_object **o)
{
	json_object_put(*o);
}

#define _cleanup_json_ _cleanup_(xl_json_freep)

/* Take ownership of value; without memory for it, or for o, the member is missing and the result is
 * false. */
bool xl_json_put(struct json_object *o, const char *key, struct json_object *value);
bool xl_json_put_text(struct json_object *o, const char *key, const char *value);
bool xl_json_put_u64(struct json_object *o, const char *key, uint64_t value);
bool xl_json_put_bool(struct json_object *o, const char *key, bool value);

/* NULL, or false and nothing touched, when there is none of that type; also for a text that does not
 * fit, or has a NUL in it. */
struct json_object *xl_json_get(struct json_object *o, const char *key);
bool xl_json_text(struct json_object *o, const char *key, char *ret, size_t size);
bool xl_json_u64(struct json_object *o, const char *key, uint64_t *ret);
bool xl_json_true(struct json_object *o, const char *key);

/* The same with 0 for one that is not there. */
uint64_t xl_json_number(struct json_object *o, const char *key);

/* A text from outside, made printable for a person; "" when there is none.  Returns buf. */
const char *xl_json_shown(struct json_object *o, const char *key, char *buf, size_t size);

/* The object that a text is, to be freed; NULL for NULL, for what is not one, and without memory. */
struct json_object *xl_json_parse(const char *text);

/* The bits that are set in a bitmap, as [[first, count], ...], at most `max` of these; *ret_complete: they
 * are all.  NULL without memory. */
struct json_object *xl_json_ranges(const struct xl_bitmap *b, size_t max, bool *ret_complete);

/* Set the bits of such ranges, as far as the bitmap goes. */
void xl_json_ranges_set(struct json_object *ranges, struct xl_bitmap *b);

/* The text of an object, on one line; it lives as long as the object. */
const char *xl_json_line(struct json_object *o);

/* Parse a whole file of at most `max` bytes.  NULL with errno; EBADMSG: it is not one object. */
struct json_object *xl_json_read(int dirfd, const char *name, size_t max);

/* Write a file anew: a temporary name, fsync, rename, fsync of the folder.  Mode 0600.  A negative
 * errno. */
_must_check_ int xl_json_write(int dirfd, const char *name, struct json_object *o);

#endif
