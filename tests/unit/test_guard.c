/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that waits for the one that dumps. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/stop.h"
#include "xl/guard.h"
#include "xldump.h"

/* What the child does, and what it has been told. */
struct job {
	int status;     /* to exit with */
	int kill_by;    /* to die of */
	int wait_for;   /* sent to the guard; when it has come back, it is the exit status */
};

static volatile sig_atomic_t got;

static void on_signal(int sig)
{
	got = sig;
}

static int work(void *data)
{
	const struct job *j = data;

	if (j->wait_for) {
		(void)signal(j->wait_for, on_signal);
		(void)kill(getppid(), j->wait_for);
		guard_ready();
		for (int i = 0; i < 500 && !got; i++)
			(void)usleep(10000);
		return got;
	}
	if (j->kill_by)
		(void)kill(getpid(), j->kill_by);
	return j->status;
}

static int died(void *data, int sig)
{
	(void)data;
	return 100 + sig;
}

/* guard_run() in a process of its own, as the command does it. */
static int run(struct job *j)
{
	int status, sig;
	pid_t pid = fork();

	if (pid == 0) {
		/* cmocka's handlers are not the command's. */
		for (int s = 1; s < 32; s++)
			(void)signal(s, SIG_DFL);
		(void)signal(SIGCHLD, SIG_IGN); /* inherited from who does not care */
		status = guard_run(work, died, j, &sig);
		_exit(status == sig || !sig ? status : 255);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_status(void **state)
{
	(void)state;
	for (int i = 0; i < 17; i++)
		assert_int_equal(run(&(struct job){ .status = i }), i);
}

static void test_killed(void **state)
{
	static const int sig[] = { SIGKILL, SIGSEGV, SIGABRT, SIGALRM };

	(void)state;
	for (size_t i = 0; i < sizeof(sig) / sizeof(*sig); i++)
		assert_int_equal(run(&(struct job){ .kill_by = sig[i] }), 100 + sig[i]);
}

/* Sent to the guard, it arrives at the child, also when that is not ready yet. */
static void test_forwarded(void **state)
{
	static const int sig[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	(void)state;
	for (size_t i = 0; i < sizeof(sig) / sizeof(*sig); i++)
		assert_int_equal(run(&(struct job){ .wait_for = sig[i] }), sig[i]);
}

/* Who ends because of SIGINT dies of it, whatever is blocked; of others it has an exit status. */
static void test_interrupted(void **state)
{
	static const struct {
		int status, sig, want_signal;
	} cases[] = {
		{ XLDUMP_CAUSE_CANCELLED, SIGINT, SIGINT }, { XLDUMP_CAUSE_CANCELLED, SIGTERM, 0 },
		{ XLDUMP_CAUSE_CANCELLED, 0, 0 },	    { 0, SIGINT, 0 },
		{ XLDUMP_CAUSE_OUTPUT, SIGINT, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			sigset_t all;

			(void)stop_catch();
			(void)sigfillset(&all);
			(void)sigprocmask(SIG_BLOCK, &all, NULL);
			_exit(stop_status_by(cases[i].status, cases[i].sig));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : 0, cases[i].want_signal);
		if (!cases[i].want_signal)
			assert_int_equal(WEXITSTATUS(status), cases[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_forwarded),
		cmocka_unit_test(test_interrupted),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
