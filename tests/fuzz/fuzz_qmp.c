/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a device model answers on its QMP socket: the input, all of it at once. */
#include <errno.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "hv/dm_qmp.h"

/* As much as a socket takes at once without anybody reading. */
#define ANSWER_MAX 100000

static const char commands[] = "{\"execute\":\"qmp_capabilities\"}\n"
			       "{\"execute\":\"xen-set-global-dirty-log\","
			       "\"arguments\":{\"enable\":true}}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	bool stays = fuzz_u8(&in) & 1; /* and says no more: we must give up by ourselves */
	char sent[sizeof(commands) + 1] = { 0 };
	size_t len;
	int fd[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0)
		abort();
	len = in.left < ANSWER_MAX ? in.left : ANSWER_MAX;
	if (len && send(fd[1], in.p, len, 0) != (ssize_t)len)
		abort();
	if (!stays && shutdown(fd[1], SHUT_WR) < 0)
		abort();
	r = xl_dm_qmp_talk(fd[0], true, xl_dm_qmp_now_ms() + (stays ? 2 : 120000));
	FUZZ_CHECK(r == 0 || r == -EPROTO || r == (stays ? -ETIMEDOUT : -ECONNRESET));

	/* What we said is what libxl says, in its order; all of it if we think that it worked. */
	len = (size_t)recv(fd[1], sent, sizeof(sent) - 1, MSG_DONTWAIT);
	if (len == (size_t)-1)
		len = 0;
	FUZZ_CHECK(len < sizeof(commands) && memcmp(sent, commands, len) == 0);
	FUZZ_CHECK(r != 0 || len == sizeof(commands) - 1);
	(void)close(fd[0]);
	(void)close(fd[1]);
	return 0;
}
