/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xl livedump --daemon. */
#include "xl/livedump_daemon.h"

#include <string.h>

#include "config.h"

#include "base/json.h"
#include "common/report.h"
#include "xldump_schema.h"

static int fail(const struct arguments *a, const char *text, int cause)
{
	if (cause == XLDUMP_CAUSE_NONE)
		cause = XLDUMP_CAUSE_OTHER;
	if (a->json)
		report_error_json(a->result, text, (enum xldump_cause)cause);
	(void)fprintf(stderr, LIVEDUMP ": %s\n", text);
	return cause;
}

int livedump_by_daemon(const struct arguments *a, const volatile int *cancel)
{
	_cleanup_(xd_store_closep) struct xd_store *s = NULL;
	struct xl_ctx x = { .cancel = cancel };
	struct client_job job = { 0 };
	char id[XD_ID_MAX], path[256];
	int r = xd_store_open(&x, &s);

	client_id(id);
	if (r == 0)
		r = client_check(&x, s);
	if (r == 0)
		r = client_request(&x, s, id, a->domain, &a->nodes);
	if (r == 0)
		r = client_follow(&x, s, id, cancel, a->quiet || a->json, &job);
	if (r < 0)
		return fail(a, x.err, (int)x.cause);
	(void)snprintf(path, sizeof(path), "%s/%s", XD_STORE_REQUEST, id);
	(void)xd_store_remove(s, path);
	if (r > 0)
		return fail(a, job.error, r);
	if (a->json) {
		_cleanup_json_ struct json_object *o = client_json(&job);

		(void)fprintf(a->result, "%s\n", xl_json_line(o));
	} else if (!a->quiet) {
		(void)fprintf(a->result, "%s\n", job.result);
	}
	return report_flush(a->result, LIVEDUMP) ? 0 : XLDUMP_CAUSE_OTHER;
}
