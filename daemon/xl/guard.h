/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second process, which lives on when the one that dumps is killed. */
#ifndef XL_CLI_GUARD_H
#define XL_CLI_GUARD_H

/* Do the work in a child and return its exit status.  Must be called before anything is opened.
 *
 * This process waits.  It passes on the signals that ask to stop, unless they came from the
 * terminal, which sends them to both.  If the child is killed, `died` is called with the signal,
 * and its result is returned.  If this process is killed, the child goes on by itself.
 *
 * The child begins with SIGINT, SIGTERM, SIGHUP and SIGQUIT blocked, so that none is lost before it
 * has its handlers: guard_ready() lets them in.
 *
 * *ret_signal is the last signal that asked to stop, or 0.
 *
 * -1 with errno set when there can be no child. */
int guard_run(int (*work)(void *data), int (*died)(void *data, int sig), void *data, int *ret_signal);

/* In the child: signals may come. */
void guard_ready(void);

#endif
