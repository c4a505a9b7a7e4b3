/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest writes to xenstore, as any program in it that is root can (docs/misc/xenstore.txt). */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "xenstore.h"

#define XS_WRITE 11

/* xs_wire.h */
struct message {
	uint32_t type, req_id, tx_id, len;
};

/* The answer to one request, or what was wrong. */
static const char *ask(int fd, const void *request, size_t len, char *answer, size_t size)
{
	struct message m;
	ssize_t n;

	if (write(fd, request, len) < 0 || read(fd, &m, sizeof(m)) != sizeof(m))
		return strerror(errno);
	n = read(fd, answer, size - 1);
	answer[n > 0 ? n : 0] = '\0';
	return answer;
}

void xenstore_write(const char *path, const char *value)
{
	char request[sizeof(struct message) + 512], answer[512];
	size_t at = strlen(path) + 1, len = at + strlen(value);
	struct message m = { .type = XS_WRITE, .len = (uint32_t)len };
	int fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);

	if (fd < 0 || len > sizeof(request) - sizeof(m)) {
		printf("init: xenstore: %s\n", fd < 0 ? strerror(errno) : "too long");
	} else {
		memcpy(request, &m, sizeof(m));
		memcpy(request + sizeof(m), path, at);
		memcpy(request + sizeof(m) + at, value, len - at);
		printf("init: xenstore: %s: %s\n", path,
		       ask(fd, request, sizeof(m) + len, answer, sizeof(answer)));
	}
	if (fd >= 0)
		close(fd);
}
