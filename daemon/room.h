/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of the dumps as it is now, and the room in it. */
#ifndef XLDUMP_DAEMON_ROOM_H
#define XLDUMP_DAEMON_ROOM_H

#include "daemon.h"

/* Open the folder again if its path leads to another one: its file system may have been mounted, or
 * unmounted, since.  Everything that is done by the path or in d->spool comes after this. */
int xd_room_folder(struct xd_daemon *d);

/* Bytes that are free and that no job that runs will still need; what keep_free_mib keeps is in it. */
uint64_t xd_room_left(const struct xd_daemon *d);

/* A job that runs will take so much; how far it is. */
void xd_room_reserve(struct xd_job *job);
void xd_room_progress(struct xd_job *job, const char *phase, uint64_t done, uint64_t total);

#endif
