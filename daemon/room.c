/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of the dumps as it is now, and the room in it. */
#include "room.h"

#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "size.h"

/* When all pages have been copied once, those that are copied again may come on top of them. */
#define REST_PART 8

int xd_room_folder(struct xd_daemon *d)
{
	_cleanup_close_ int fd = -1;
	struct stat was, is;
	int r = xd_spool_open(&d->x, d->config.spool, &fd);

	if (r < 0)
		return r;
	if (fstat(fd, &is) < 0)
		return xl_err(&d->x, -errno, "look at %s", d->config.spool);
	if (d->spool >= 0 && fstat(d->spool, &was) == 0 && was.st_dev == is.st_dev &&
	    was.st_ino == is.st_ino)
		return 0;
	if (d->spool >= 0)
		xd_log(LOG_NOTICE, "%s is another folder now: a file system was mounted there, or unmounted",
		       d->config.spool);
	xl_closep(&d->spool);
	d->spool = xl_take_fd(&fd);
	return 0;
}

uint64_t xd_room_left(const struct xd_daemon *d)
{
	uint64_t room;

	/* What cannot be asked is no reason to refuse: the dump itself will say. */
	if (xd_spool_room(d->spool, &room) < 0)
		return UINT64_MAX;
	for (size_t i = 0; i < d->queue.n; i++) {
		const struct xd_job *job = d->queue.job[i];

		if (job->state == XD_RUNNING)
			room -= job->reserved < room ? job->reserved : room;
	}
	return room;
}

void xd_room_reserve(struct xd_job *job)
{
	job->reserved = xd_size_of(&job->set, job->dom.memory);
}

void xd_room_progress(struct xd_job *job, const char *phase, uint64_t done, uint64_t total)
{
	uint64_t need = xd_size_of(&job->set, job->dom.memory), rest = need / REST_PART;

	if (!strcmp(phase, xldump_phase_name(XLDUMP_PHASE_PREPARE)))
		return;
	if (!strcmp(phase, xldump_phase_name(XLDUMP_PHASE_COPY)) && done < total)
		need = (uint64_t)((double)need * (double)(total - done) / (double)total);
	else
		need = 0;
	if (need < rest)
		need = rest;
	/* It never grows again. */
	if (need < job->reserved)
		job->reserved = need;
}
