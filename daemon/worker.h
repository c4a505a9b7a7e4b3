/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker: `xldumpd --worker', one dump in a process of its own. */
#ifndef XLDUMP_DAEMON_WORKER_H
#define XLDUMP_DAEMON_WORKER_H

/* Reads the job, dumps, says how it went; the exit status is the cause (enum xldump_cause). */
int xd_worker_main(void);

/* The same for `xldumpd --learn': where the kernel says that it has panicked. */
int xd_learn_main(void);

#endif
