/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The syntax of xl.conf(5) and of xl.cfg(5):
 *
 *	name = "text"            also 'text', or a bare number
 *	name = [ "a", "b" ]      lists, over several lines, also of lists, a comma at the end allowed
 *	# a comment
 *
 * with a new line or ; after each setting; but without +=.  In a text a backslash is for a quote or a
 * backslash.  A reader of our own rather than libxlutil's, which takes
 * libxl with it and so fits one version of Xen (a daemon that does not start after an upgrade
 * cannot say why), and cannot tell which settings a file has, so that a misspelt one would be silent.
 */
#ifndef XLDUMP_DAEMON_CONF_SYNTAX_H
#define XLDUMP_DAEMON_CONF_SYNTAX_H

#include "base/ctx.h"

#define XD_CONF_MAX (1 << 20) /* bytes of a file */

struct xd_value {
	char *text;            /* NULL: a list */
	struct xd_value *item; /* of a list */
	size_t n;
	unsigned line;
};

struct xd_setting {
	char *name;
	unsigned line;
	struct xd_value value;
};

struct xd_conf {
	struct xd_setting *setting;
	size_t n;
};

/* -EINVAL with "FILE:LINE: reason". */
int xd_conf_parse(struct xl_ctx *x, const char *file, const char *text, size_t len,
		  struct xd_conf *ret);
void xd_conf_deinit(struct xd_conf *c);

#endif
