/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding out where the kernels of HVM guests say that they have panicked, while they run. */
#ifndef XLDUMP_DAEMON_LEARN_H
#define XLDUMP_DAEMON_LEARN_H

#include "daemon.h"

/* Begin to look for a kernel that is not known yet, if it is time. */
void xd_learn(struct xd_daemon *d);
/* A soft reset, by which a kexec ends: another kernel runs from now on. */
void xd_learn_again(struct xd_daemon *d, struct xd_known *k);
void xd_learn_stop(struct xd_daemon *d);

#endif
