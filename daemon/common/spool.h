/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of the dumps: names that are never used twice, and what is known of each beside it. */
#ifndef XLDUMP_DAEMON_SPOOL_H
#define XLDUMP_DAEMON_SPOOL_H

#include "common/job.h"

#define XD_SPOOL_DIR "/var/lib/xldump/dumps"
#define XD_SIDECAR ".json"
#define XD_SIDECAR_MAX 65536

/* Make the folder if need be, with mode 0700.  Refused if it is another's, or open to others. */
int xd_spool_open(struct xl_ctx *x, const char *dir, int *ret_dirfd);

/* Open it to look at. */
int xd_spool_look(struct xl_ctx *x, const char *dir, int *ret_dirfd);

/* A name of a guest as a part of the name of a file: letters, digits, '_', '-' and '.' stay, all else
 * becomes %XX; at most 64 characters, and no dot at the start.  "" becomes "unnamed". */
void xd_spool_escape(const char *name, char ret[65]);

/* The name of a job's dump: "web01-20261121T172500Z-000012.elf".  The number of the job is in it, and
 * none is given twice; if a file is there all the same, -1, -2 and so on are tried. */
int xd_spool_name(struct xl_ctx *x, int dirfd, const struct xd_job *job, char *ret, size_t size);

/* Bytes that the file system has for us. */
int xd_spool_room(int dirfd, uint64_t *ret);

/* Write what is known of a dump, an object, beside it. */
int xd_spool_describe(struct xl_ctx *x, int dirfd, const char *name, struct json_object *o);

/* One dump of the folder. */
struct xd_dump {
	char *name;
	uint64_t bytes, disk_bytes;
	time_t time;             /* of the dump, else of the file */
	uint64_t seq;            /* its number; 0: none */
	struct json_object *about; /* the sidecar; NULL if there is none that can be read */
};

/* All dumps, oldest first: by their numbers, for the clock may have been set back; before them those
 * without a number, by their time.  Free with xd_dumps_free(). */
int xd_spool_list(struct xl_ctx *x, int dirfd, struct xd_dump **ret, size_t *ret_n);
void xd_dumps_free(struct xd_dump *d, size_t n);
void xd_dump_deinit(struct xd_dump *d);

/* Delete a dump and what is beside it; -ENOENT. */
int xd_spool_remove(int dirfd, const char *name);

#endif
