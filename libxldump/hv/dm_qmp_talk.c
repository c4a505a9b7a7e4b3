/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QMP client for one command: what is said and what is heard.  The device model may be in the hands
 * of its guest, so an answer is as long and as late as we allow.
 *
 * Source: xen tools/libs/light/libxl_dom_save.c (the command).
 */
#include "hv/dm_qmp.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/cleanup.h"

#define COME_AGAIN_MS 20
#define QMP_LINE_MAX 65536 /* greeting and answers are a few hundred bytes */

int64_t xl_dm_qmp_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Wait until something can be read or written, but not for ever. */
static int wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		int64_t left = deadline - xl_dm_qmp_now_ms();
		int n;

		if (left <= 0)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* A device model that accepts nobody lets connect() wait without end when its queue is full; and
 * poll() cannot tell when there is room in it. */
int xl_dm_qmp_connect(const char *path, int64_t deadline)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	while (connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (xl_dm_qmp_now_ms() >= deadline)
			return -ETIMEDOUT;
		(void)poll(NULL, 0, 10);
	}
	return xl_take_fd(&fd);
}

static int send_all(int fd, const char *text, int64_t deadline)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			int r = wait_for(fd, POLLOUT, deadline);

			if (r < 0)
				return r;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* One line, without its end. */
static int read_line(int fd, char *buf, size_t size, int64_t deadline)
{
	size_t len = 0;

	for (;;) {
		int r = wait_for(fd, POLLIN, deadline);
		ssize_t n;

		if (r < 0)
			return r;
		n = read(fd, buf + len, 1);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n == 0)
			return -ECONNRESET;
		if (n < 0)
			continue;
		if (buf[len] == '\n') {
			buf[len] = '\0';
			return 0;
		}
		if (++len >= size)
			return -EPROTO;
	}
}

/* Wait for a line with the given key; events in between are skipped. */
static int expect(int fd, const char *key, int64_t deadline)
{
	_cleanup_free_ char *line = malloc(QMP_LINE_MAX);

	if (!line)
		return -ENOMEM;
	for (;;) {
		struct json_object *o;
		bool match, failed;
		int r = read_line(fd, line, QMP_LINE_MAX, deadline);

		if (r < 0)
			return r;
		o = json_tokener_parse(line);
		if (!o)
			return -EPROTO;
		match = json_object_object_get_ex(o, key, NULL);
		failed = json_object_object_get_ex(o, "error", NULL);
		json_object_put(o);
		if (match)
			return 0;
		if (failed)
			return -EPROTO;
	}
}

static int say(int fd, const char *command, int64_t deadline)
{
	int r = send_all(fd, command, deadline);

	return r < 0 ? r : expect(fd, "return", deadline);
}

#define SET_LOG(on) \
	"{\"execute\":\"xen-set-global-dirty-log\",\"arguments\":{\"enable\":" on "}}\n"

int xl_dm_qmp_talk(int fd, bool on, int64_t deadline)
{
	int r = expect(fd, "QMP", deadline);

	if (r == 0)
		r = say(fd, "{\"execute\":\"qmp_capabilities\"}\n", deadline);
	/* Off as well: QEMU aborts when it is told to stop what it has not begun (system/memory.c,
	 * memory_global_dirty_log_do_stop), and we may be here because it did not say whether it
	 * has.  To begin twice does nothing. */
	if (r == 0)
		r = say(fd, SET_LOG("true"), deadline);
	if (r == 0 && !on)
		r = say(fd, SET_LOG("false"), deadline);
	return r;
}

static int command_once(const char *path, bool on, int64_t deadline)
{
	_cleanup_close_ int fd = xl_dm_qmp_connect(path, deadline);

	return fd < 0 ? fd : xl_dm_qmp_talk(fd, on, deadline);
}

/* QEMU takes one client at a time, and none in the moment in which it says good-bye to one: to the
 * last of libxl's, or to one of ours that has long gone if QEMU hung meanwhile. */
static bool come_again(int r)
{
	return r == -ECONNREFUSED || r == -ECONNRESET || r == -EPIPE;
}

int xl_dm_qmp_command(const char *path, bool on, int64_t deadline)
{
	int r = command_once(path, on, deadline);

	while (come_again(r) && xl_dm_qmp_now_ms() < deadline) {
		(void)poll(NULL, 0, COME_AGAIN_MS);
		r = command_once(path, on, deadline);
	}
	return r;
}
