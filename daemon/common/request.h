/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was asked for through xenstore: texts in, a request that makes sense or a refusal out. */
#ifndef XLDUMP_DAEMON_REQUEST_H
#define XLDUMP_DAEMON_REQUEST_H

#include "common/job.h"

/* Longest value that is looked at; xenstore has up to 4096 bytes. */
#define XD_VALUE_MAX 255

/* The nodes that a client writes, as they were read. */
struct xd_raw {
	const char *node;
	const char *value; /* NUL-terminated; what had a NUL or was too long is not here but refused */
};

struct xd_request {
	enum xd_trigger trigger;
	char domain[XD_VALUE_MAX + 1]; /* as a user typed it */
	struct xd_settings set;
};

/* Check the nodes of a request.
 *
 * @param defaults  settings for what it does not say
 * @param error     words, if it is refused; with whatever was in the values, not made printable
 * @return XD_OK, XD_REFUSED_INCOMPLETE (there is no domain yet), XD_REFUSED_BAD_VALUE */
enum xd_refusal xd_request_parse(const struct xd_raw *raw, size_t n,
				 const struct xd_settings *defaults, struct xd_request *ret,
				 char *error, size_t size);

#endif
