/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last line: what happened, for people and for machines. */
#ifndef XL_CLI_REPORT_H
#define XL_CLI_REPORT_H

#include <stdio.h>

#include <json-c/json.h>

#include "xldump.h"

/* One line, "web01 (domain 3, PVH, 4.0 GiB): 1.1 GiB in 2.3 s, ...". */
void report_text(FILE *to, const struct xldump_result *r);

/* The same as one JSON object on one line. */
void report_json(FILE *to, const struct xldump_result *r, const char *path,
		 enum xldump_format format);

/* What a dump would take: some lines, or one JSON object. */
void report_estimate_text(FILE *to, const struct xldump_estimate *e,
			  const struct xldump_options *o);
void report_estimate_json(FILE *to, const struct xldump_estimate *e,
			  const struct xldump_options *o);

/* {"id": ..., "name": ...}: a domain as it is in all of these. */
struct json_object *report_domain_json(const struct xldump_domain *domain);

/* Whether all that was printed has been written; else complains, in the name of the program. */
bool report_flush(FILE *to, const char *program);

/* A failure as one JSON object: {"error": "...", "cause": "no-domain", "status": 3}. */
void report_error_json(FILE *to, const char *text, enum xldump_cause cause);

#endif
