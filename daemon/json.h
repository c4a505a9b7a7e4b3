/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of JSON objects, with their types checked. */
#ifndef XLDUMP_DAEMON_JSON_H
#define XLDUMP_DAEMON_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void xd_json_freep(struct json_object **o)
{
	json_object_put(*o);
}

#define _cleanup_json_ __attribute__((__cleanup__(xd_json_freep)))

/* Take ownership of value; without memory for it the member is missing. */
void xd_json_put(struct json_object *o, const char *key, struct json_object *value);
void xd_json_put_text(struct json_object *o, const char *key, const char *value);
void xd_json_put_u64(struct json_object *o, const char *key, uint64_t value);

/* NULL, or false and nothing touched, when there is none of that type; also for a text that does not
 * fit, or has a NUL in it. */
struct json_object *xd_json_get(struct json_object *o, const char *key);
bool xd_json_text(struct json_object *o, const char *key, char *ret, size_t size);
bool xd_json_u64(struct json_object *o, const char *key, uint64_t *ret);
bool xd_json_true(struct json_object *o, const char *key);

/* The text of an object, on one line; it lives as long as the object. */
const char *xd_json_line(struct json_object *o);

/* Parse a whole file of at most `max` bytes.  NULL with errno; EBADMSG: it is not one object. */
struct json_object *xd_json_read(int dirfd, const char *name, size_t max);

/* Write a file anew: a temporary name, fsync, rename, fsync of the folder.  Mode 0600.  A negative
 * errno. */
int xd_json_write(int dirfd, const char *name, struct json_object *o);

#endif
