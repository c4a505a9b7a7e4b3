/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device model that does not do its part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hv/dm_qmp.h"

static char path[64];

static int listen_at_path(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	(void)snprintf(path, sizeof(path), "/tmp/test_dm_qmp.%d", (int)getpid());
	(void)unlink(path);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 0), 0);
	return fd;
}

/* It accepts nobody, and its queue is full: that must end, too. */
static void test_never_accepts(void **state)
{
	int fd = listen_at_path(), waiting[8], n = 0, r = 0;
	int64_t start;

	(void)state;
	(void)alarm(20);
	while (n < 8) {
		r = xl_dm_qmp_connect(path, xl_dm_qmp_now_ms() + 50);
		if (r < 0)
			break;
		waiting[n++] = r;
	}
	assert_true(n > 0);
	assert_int_equal(r, -ETIMEDOUT);
	start = xl_dm_qmp_now_ms();
	assert_int_equal(xl_dm_qmp_connect(path, start + 50), -ETIMEDOUT);
	assert_true(xl_dm_qmp_now_ms() - start < 5000);
	while (n)
		(void)close(waiting[--n]);
	(void)close(fd);
	(void)unlink(path);
}

static void test_not_there(void **state)
{
	int fd = listen_at_path();

	(void)state;
	(void)close(fd);
	assert_int_equal(xl_dm_qmp_connect(path, xl_dm_qmp_now_ms() + 5000), -ECONNREFUSED);
	(void)unlink(path);
	assert_int_equal(xl_dm_qmp_connect(path, xl_dm_qmp_now_ms() + 5000), -ENOENT);
}

/* It never reads what we say: there is no room for it any more. */
static void test_never_reads(void **state)
{
	static const char greeting[] = "{\"QMP\": {}}\n";
	static char fill[65536];
	int fd[2];

	(void)state;
	(void)alarm(20);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	while (send(fd[0], fill, sizeof(fill), MSG_DONTWAIT) > 0)
		;
	while (send(fd[0], fill, 1, MSG_DONTWAIT) > 0)
		;
	assert_int_equal(send(fd[1], greeting, sizeof(greeting) - 1, 0), sizeof(greeting) - 1);
	assert_int_equal(xl_dm_qmp_talk(fd[0], true, xl_dm_qmp_now_ms() + 50), -ETIMEDOUT);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

/* One client of a QEMU: aborts where the real one does (status 3), when it is to stop a log that it
 * does not keep. */
static bool serve(int client, bool log)
{
	static const char greeting[] = "{\"QMP\": {}}\n", done[] = "{\"return\": {}}\n";
	char said[256];
	ssize_t n;

	if (write(client, greeting, sizeof(greeting) - 1) < 0)
		_exit(1);
	while ((n = read(client, said, sizeof(said) - 1)) > 0) {
		said[n] = '\0';
		if (strstr(said, "\"enable\":true"))
			log = true;
		if (strstr(said, "\"enable\":false")) {
			if (!log)
				_exit(3);
			log = false;
		}
		if (write(client, done, sizeof(done) - 1) < 0)
			_exit(1);
	}
	(void)close(client);
	return log;
}

/* Hangs up on whoever comes first, as QEMU does that was stopped: it finds clients that have gone,
 * and listens to nobody while it gets rid of them. */
static void be_slow_to_wake(int fd)
{
	(void)close(accept(fd, NULL, NULL));
	_exit(serve(accept(fd, NULL, NULL), false) ? 0 : 2);
}

static void test_hangs_up_once(void **state)
{
	int fd = listen_at_path(), status;
	pid_t child = fork();

	(void)state;
	(void)alarm(20);
	assert_true(child >= 0);
	if (child == 0)
		be_slow_to_wake(fd);
	assert_int_equal(xl_dm_qmp_command(path, true, xl_dm_qmp_now_ms() + 15000), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	(void)close(fd);
	(void)unlink(path);
}

/* On, off, and off again: what is not known to be on must not make it abort. */
static void test_off_twice(void **state)
{
	int fd = listen_at_path(), status;
	pid_t child = fork();
	bool log = false;

	(void)state;
	(void)alarm(20);
	assert_true(child >= 0);
	if (child == 0) {
		for (int i = 0; i < 3; i++)
			log = serve(accept(fd, NULL, NULL), log);
		_exit(log ? 2 : 0);
	}
	assert_int_equal(xl_dm_qmp_command(path, true, xl_dm_qmp_now_ms() + 15000), 0);
	assert_int_equal(xl_dm_qmp_command(path, false, xl_dm_qmp_now_ms() + 15000), 0);
	assert_int_equal(xl_dm_qmp_command(path, false, xl_dm_qmp_now_ms() + 15000), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	(void)close(fd);
	(void)unlink(path);
}

/* Nobody listens, and that does not change. */
static void test_refuses_for_good(void **state)
{
	int fd = listen_at_path();

	(void)state;
	(void)alarm(20);
	(void)close(fd);
	assert_int_equal(xl_dm_qmp_command(path, true, xl_dm_qmp_now_ms() + 120), -ECONNREFUSED);
	(void)unlink(path);
	assert_int_equal(xl_dm_qmp_command(path, true, xl_dm_qmp_now_ms() + 15000), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_accepts),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_never_reads),
		cmocka_unit_test(test_hangs_up_once),
		cmocka_unit_test(test_off_twice),
		cmocka_unit_test(test_refuses_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
