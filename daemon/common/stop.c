/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals that ask a command to stop. */
#include "common/stop.h"

#include <signal.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "xldump.h"

static volatile int caught; /* set by the handler, read by the library */

static void on_signal(int sig)
{
	caught = sig;
}

const volatile int *stop_catch(void)
{
	static const int sig[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction a = { .sa_handler = on_signal };

	(void)sigemptyset(&a.sa_mask);
	for (size_t i = 0; i < XL_ARRAY_SIZE(sig); i++)
		(void)sigaction(sig[i], &a, NULL);
	a.sa_handler = SIG_IGN; /* a limit on file sizes is an error like a full disk */
	(void)sigaction(SIGXFSZ, &a, NULL);
	return &caught;
}

int stop_status_by(int status, int sig)
{
	sigset_t set;

	if (status != XLDUMP_CAUSE_CANCELLED || sig != SIGINT)
		return status;
	(void)fflush(NULL);
	(void)signal(SIGINT, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)raise(SIGINT);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	return status;
}

int stop_status(int status)
{
	return stop_status_by(status, caught);
}
