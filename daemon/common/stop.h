/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals that ask a command to stop: it puts right what is to be put right, and ends by them. */
#ifndef XLDUMP_DAEMON_STOP_H
#define XLDUMP_DAEMON_STOP_H

/* From now on such a signal sets what is returned, for the library to look at, and nothing else. */
const volatile int *stop_catch(void);

/* Die of SIGINT if that is why we end with this status: a shell then ends a loop, too, which it does
 * not for an exit status.  Returns the status otherwise. */
int stop_status(int status);

/* The same for whoever has been told of the signal in another way; 0: of none. */
int stop_status_by(int status, int sig);

#endif
