/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of JSON objects, and objects in files. */
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"

bool xl_json_put(struct json_object *o, const char *key, struct json_object *value)
{
	if (value && o && json_object_object_add(o, key, value) == 0)
		return true;
	(void)json_object_put(value);
	return false;
}

bool xl_json_put_text(struct json_object *o, const char *key, const char *value)
{
	return xl_json_put(o, key, json_object_new_string(value));
}

bool xl_json_put_u64(struct json_object *o, const char *key, uint64_t value)
{
	return xl_json_put(o, key, json_object_new_uint64(value));
}

bool xl_json_put_bool(struct json_object *o, const char *key, bool value)
{
	return xl_json_put(o, key, json_object_new_boolean(value));
}

struct json_object *xl_json_get(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) ?
		       v : NULL;
}

bool xl_json_text(struct json_object *o, const char *key, char *ret, size_t size)
{
	struct json_object *v = xl_json_get(o, key);
	size_t len;

	if (!json_object_is_type(v, json_type_string))
		return false;
	len = (size_t)json_object_get_string_len(v);
	if (len >= size || strlen(json_object_get_string(v)) != len)
		return false;
	memcpy(ret, json_object_get_string(v), len + 1);
	return true;
}

bool xl_json_u64(struct json_object *o, const char *key, uint64_t *ret)
{
	struct json_object *v = xl_json_get(o, key);

	if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0)
		return false;
	*ret = json_object_get_uint64(v);
	return true;
}

bool xl_json_true(struct json_object *o, const char *key)
{
	struct json_object *v = xl_json_get(o, key);

	return json_object_is_type(v, json_type_boolean) && json_object_get_boolean(v);
}

uint64_t xl_json_number(struct json_object *o, const char *key)
{
	uint64_t v = 0;

	(void)xl_json_u64(o, key, &v);
	return v;
}

const char *xl_json_shown(struct json_object *o, const char *key, char *buf, size_t size)
{
	struct json_object *v = xl_json_get(o, key);
	bool text = json_object_is_type(v, json_type_string);

	return xl_printable(text ? json_object_get_string(v) : "",
			    text ? (size_t)json_object_get_string_len(v) : 0, buf, size);
}

struct json_object *xl_json_parse(const char *text)
{
	struct json_object *o = text ? json_tokener_parse(text) : NULL;

	if (json_object_is_type(o, json_type_object))
		return o;
	(void)json_object_put(o);
	return NULL;
}

static bool add_range(struct json_object *to, uint64_t first, uint64_t count)
{
	struct json_object *range = json_object_new_array();

	if (range && json_object_array_add(range, json_object_new_uint64(first)) == 0 &&
	    json_object_array_add(range, json_object_new_uint64(count)) == 0 &&
	    json_object_array_add(to, range) == 0)
		return true;
	(void)json_object_put(range);
	return false;
}

struct json_object *xl_json_ranges(const struct xl_bitmap *b, size_t max, bool *ret_complete)
{
	struct json_object *all = json_object_new_array();
	uint64_t first = xl_bitmap_next(b, 0);

	for (size_t i = 0; all && i < max && first < b->nbits; i++) {
		uint64_t end = xl_bitmap_next_clear(b, first);

		if (!add_range(all, first, end - first)) {
			(void)json_object_put(all);
			return NULL;
		}
		first = xl_bitmap_next(b, end);
	}
	*ret_complete = first >= b->nbits;
	return all;
}

void xl_json_ranges_set(struct json_object *ranges, struct xl_bitmap *b)
{
	size_t n = json_object_is_type(ranges, json_type_array) ? json_object_array_length(ranges) :
								  0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *r = json_object_array_get_idx(ranges, i);
		uint64_t first, count;

		if (!json_object_is_type(r, json_type_array))
			continue;
		first = json_object_get_uint64(json_object_array_get_idx(r, 0));
		count = json_object_get_uint64(json_object_array_get_idx(r, 1));
		for (; count && first < b->nbits; count--)
			xl_bitmap_set(b, first++);
	}
}

const char *xl_json_line(struct json_object *o)
{
	return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
}

struct json_object *xl_json_read(int dirfd, const char *name, size_t max)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	struct json_object *o;
	struct stat st;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode) || st.st_size < 2 || (size_t)st.st_size > max) {
		errno = EBADMSG;
		return NULL;
	}
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return NULL;
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, text + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return NULL;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	o = xl_json_parse(text);
	if (!o)
		errno = EBADMSG;
	return o;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int xl_json_write(int dirfd, const char *name, struct json_object *o)
{
	_cleanup_close_ int fd = -1;
	const char *text = o ? xl_json_line(o) : NULL;
	char tmp[NAME_MAX + 1];
	int r;

	if (!text)
		return -ENOMEM;
	if (snprintf(tmp, sizeof(tmp), ".%s.new", name) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	(void)unlinkat(dirfd, tmp, 0); /* of one who died here */
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	if (r == 0)
		r = write_all(fd, "\n", 1);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dirfd, tmp, 0);
		return r;
	}
	return fsync(dirfd) < 0 ? -errno : 0;
}
