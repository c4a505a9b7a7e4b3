/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a dump, beside it in the spool. */
#include "common/sidecar.h"

#include <string.h>
#include <time.h>
#include <uuid.h>

#include "base/json.h"
#include "common/report.h"
#include "common/spool.h"

static const char *const reason_name[] = { "poweroff", "reboot", "suspend", "crash", "watchdog",
					   "soft-reset" };

int xd_sidecar_write(struct xl_ctx *x, int spool, const struct xd_job *job,
		     struct json_object *result)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	const char *name = strrchr(job->file, '/');
	char host[256] = "";
	struct timespec boottime;

	(void)clock_gettime(CLOCK_BOOTTIME, &boottime);
	(void)gethostname(host, sizeof(host) - 1);
	xl_json_put_u64(o, "version", 1);
	xl_json_put_text(o, "id", job->id);
	xl_json_put_u64(o, "seq", job->seq);
	xl_json_put_text(o, "trigger", xd_trigger_name(job->trigger));
	xl_json_put_text(o, "file", name ? name + 1 : job->file);
	xl_json_put_u64(o, "time", (uint64_t)time(NULL));
	xl_json_put_text(o, "host", host);
	xl_json_put_text(o, "boot", job->boot);
	xl_json_put_u64(o, "boottime", (uint64_t)boottime.tv_sec);
	xl_json_put(o, "domain", report_domain_json(&job->dom));
	if (xd_trigger_crashed(job->trigger)) {
		xl_json_put_text(o, "shutdown_reason",
				 job->shutdown_reason < XL_ARRAY_SIZE(reason_name) ?
					 reason_name[job->shutdown_reason] : "unknown");
		xl_json_put_text(o, "action", xd_action_name(job->action));
	}
	xl_json_put(o, "result", json_object_get(result));
	return xd_spool_describe(x, spool, name ? name + 1 : job->file, o);
}

uint64_t xd_sidecar_recent(int spool, const char *boot,
		       void (*fn)(void *data, const struct xldump_domain *dom, uint64_t at),
		       void *data)
{
	struct xl_ctx x = { 0 };
	struct xd_dump *dump;
	uint64_t last = 0;
	size_t n;

	if (xd_spool_list(&x, spool, &dump, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *dom = xl_json_get(dump[i].about, "domain");
		struct xldump_domain d = { .sz = sizeof(d) };
		char text[64], uuid[XD_UUID_MAX];
		uint64_t at, domid;

		if (dump[i].seq > last)
			last = dump[i].seq;
		if (!boot[0] || !xl_json_text(dump[i].about, "boot", text, sizeof(text)) || strcmp(text, boot) != 0 ||
		    !xl_json_text(dump[i].about, "trigger", text, sizeof(text)) ||
		    (strcmp(text, xd_trigger_name(XD_TRIGGER_CRASH)) != 0 &&
		     strcmp(text, xd_trigger_name(XD_TRIGGER_PANIC)) != 0) ||
		    !xl_json_u64(dump[i].about, "boottime", &at) || !xl_json_u64(dom, "id", &domid) ||
		    !xl_json_text(dom, "uuid", uuid, sizeof(uuid)) || uuid_parse(uuid, d.uuid) < 0)
			continue;
		d.domid = (uint32_t)domid;
		fn(data, &d, at);
	}
	xd_dumps_free(dump, n);
	return last;
}
