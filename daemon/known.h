/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The domains of the host, as they were seen last.
 *
 * When one goes down there is no time to ask, and soon nobody who could answer: xl removes what xenstore
 * and libxl's files say of it.  So that is kept while it lives. */
#ifndef XLDUMP_DAEMON_KNOWN_H
#define XLDUMP_DAEMON_KNOWN_H

#include "libxl_lock.h"

struct xd_known {
	uint32_t domid;
	uint8_t uuid[16];
	enum xldump_guest_type type;
	bool shut_down; /* and that has been dealt with */
	unsigned reason;
	bool seen; /* in the scan that is going on */
	struct xd_libxl_config config;

	/* Where its kernel would say that it has panicked: learn.c. */
	uint64_t learn_at; /* CLOCK_BOOTTIME, s */
	unsigned tries;
	bool marked;
	struct xldump_panic_mark mark;
};

struct xd_known_all {
	struct xd_known *domain;
	size_t n;
};

/* NULL if there is none; what is returned is valid until one is added or forgotten. */
struct xd_known *xd_known_find(const struct xd_known_all *all, uint32_t domid, const uint8_t uuid[16]);

/* Find it, or add it; NULL without memory. */
struct xd_known *xd_known_add(struct xd_known_all *all, const struct xldump_domain *dom, uint64_t learn_at);

/* Forget those that have not been seen since the last call. */
void xd_known_forget_gone(struct xd_known_all *all);

/* Read again what libxl says of those that run. */
void xd_known_look(struct xd_known_all *all, const char *libxl_dir);

/* Where a kernel says that it has panicked, as members of an object. */
void xd_mark_to_json(struct json_object *o, const struct xldump_panic_mark *mark);
bool xd_mark_from_json(struct json_object *o, struct xldump_panic_mark *ret);

/* What was learnt of kernels, on disk, so that it need not be learnt again by the next daemon.  Of another
 * boot, or broken: nothing. */
int xd_known_save(const struct xd_known_all *all, int dirfd, const char *boot);
void xd_known_load(struct xd_known_all *all, int dirfd, const char *boot);

void xd_known_deinit(struct xd_known_all *all);

#endif
