/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second process, which lives on when the one that dumps is killed. */
#include "xl/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void stop_set(sigset_t *set)
{
	(void)sigemptyset(set);
	for (size_t i = 0; i < XL_ARRAY_SIZE(stop_signals); i++)
		(void)sigaddset(set, stop_signals[i]);
}

void guard_ready(void)
{
	sigset_t set;

	stop_set(&set);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Wait for the end of the child; everything in `set` is blocked, and so waits for us. */
static int wait_for(pid_t child, const sigset_t *set, int *ret_signal)
{
	for (;;) {
		siginfo_t info;
		int status;
		pid_t r = waitpid(child, &status, WNOHANG);

		if (r == child)
			return status;
		if (r < 0 && errno != EINTR)
			return -1;
		if (sigwaitinfo(set, &info) < 0 || info.si_signo == SIGCHLD)
			continue;
		*ret_signal = info.si_signo;
		/* SI_KERNEL: the terminal, which has told the whole process group. */
		if (info.si_code != SI_KERNEL)
			(void)kill(child, info.si_signo);
	}
}

int guard_run(int (*work)(void *data), int (*died)(void *data, int sig), void *data, int *ret_signal)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t set, child_set;
	pid_t child;
	int status;

	*ret_signal = 0;
	(void)fflush(NULL);
	stop_set(&set);
	(void)sigaddset(&set, SIGCHLD);
	/* Who ignores it, which may be inherited, has no children to wait for. */
	(void)sigaction(SIGCHLD, &dfl, NULL);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	child = fork();
	if (child < 0)
		return -1;
	if (child == 0) {
		(void)sigemptyset(&child_set);
		(void)sigaddset(&child_set, SIGCHLD);
		(void)sigprocmask(SIG_UNBLOCK, &child_set, NULL);
		exit(work(data));
	}
	status = wait_for(child, &set, ret_signal);
	if (status == -1)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : died(data, WTERMSIG(status));
}
