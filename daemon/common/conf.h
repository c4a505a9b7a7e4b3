/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpd.conf(5): what the daemon may do, and how it dumps which guest. */
#ifndef XLDUMP_DAEMON_CONF_H
#define XLDUMP_DAEMON_CONF_H

#include "base/ctx.h"
#include "common/settings.h"

#define XD_CONFIG_FILE "/etc/xen/xldumpd.conf"

/* One element of the list `domains`: for guests of a name or a UUID, settings of their own. */
struct xd_override {
	char pattern[XLDUMP_NAME_MAX]; /* of fnmatch(3); "": by uuid */
	uint8_t uuid[16];
	struct xd_pair {
		char key[32], value[64];
	} *pair;
	size_t n;
};

struct xd_config {
	struct xd_settings set; /* of guests without an override */
	struct xd_override *override;
	size_t overrides;

	unsigned workers;     /* dumps at once */
	unsigned max_waiting; /* requests */
	unsigned timeout;     /* of one dump, s */
	unsigned learn_after; /* from when a guest is seen first until its kernel is looked for, s */
	uint64_t keep_free;   /* bytes of the file system that are not for dumps */
	char spool[256];      /* folder of the dumps */
};

/* Read a file; one that does not exist is one with nothing in it.  The error names file, line and
 * reason.  *ret is to be freed by xd_config_deinit(). */
int xd_config_load(struct xl_ctx *x, const char *path, struct xd_config *ret);

/* The same from memory. */
int xd_config_parse(struct xl_ctx *x, const char *path, const char *text, size_t len,
		    struct xd_config *ret);

void xd_config_deinit(struct xd_config *c);

/* The settings of one guest: the general ones, then each override that fits, in their order. */
void xd_config_for(const struct xd_config *c, const struct xldump_domain *dom,
		   struct xd_settings *ret);

#endif
