/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One dump that is to be made: its names and its form as a text. */
#include "common/job.h"

#include <string.h>
#include <uuid.h>

#include "base/json.h"

static const char *const trigger_name[_XD_TRIGGER_MAX] = {
	[XD_TRIGGER_REQUEST] = "request",
	[XD_TRIGGER_TIMER] = "timer",
	[XD_TRIGGER_CRASH] = "crash",
	[XD_TRIGGER_PANIC] = "panic",
};

static const char *const state_name[_XD_STATE_MAX] = {
	[XD_QUEUED] = "queued", [XD_RUNNING] = "running", [XD_DONE] = "done",
	[XD_FAILED] = "failed", [XD_REFUSED] = "refused", [XD_CANCELLED] = "cancelled",
};

static const char *const action_name[_XD_ACTION_MAX] = {
	[XD_ACTION_UNKNOWN] = "unknown",
	[XD_ACTION_DESTROY] = "destroy",
	[XD_ACTION_RESTART] = "restart",
	[XD_ACTION_RENAME_RESTART] = "rename-restart",
	[XD_ACTION_PRESERVE] = "preserve",
	[XD_ACTION_COREDUMP_DESTROY] = "coredump-destroy",
	[XD_ACTION_COREDUMP_RESTART] = "coredump-restart",
	[XD_ACTION_SOFT_RESET] = "soft-reset",
};

static const struct {
	const char *name, *text;
} refusal[_XD_REFUSAL_MAX] = {
	[XD_OK] = { "ok", "" },
	[XD_REFUSED_INCOMPLETE] = { "incomplete", "the request has no domain" },
	[XD_REFUSED_BAD_VALUE] = { "bad-value", "a value of the request is invalid" },
	[XD_REFUSED_NOT_OURS] = { "not-ours",
				  "a node of the request does not belong to domain 0 alone" },
	[XD_REFUSED_NO_DOMAIN] = { "no-domain", "there is no such domain" },
	[XD_REFUSED_DOMAIN0] = { "domain0", "domain 0 cannot dump itself" },
	[XD_REFUSED_DISABLED] = { "disabled", "the configuration says that crashes of this guest are not dumped" },
	[XD_REFUSED_COREDUMP] = { "coredump", "on_crash is coredump-*: xl dumps it" },
	[XD_REFUSED_DUPLICATE] = { "duplicate", "a dump of this domain waits or runs already" },
	[XD_REFUSED_TOO_SOON] = { "too-soon",
				  "it crashed again less than min_interval seconds after its last "
				  "dump" },
	[XD_REFUSED_QUEUE_FULL] = { "queue-full", "too many requests wait already" },
	[XD_REFUSED_NO_SPACE] = { "no-space", "the file system of the dumps has no room for it" },
};

const char *xd_trigger_name(enum xd_trigger t)
{
	return (unsigned)t < _XD_TRIGGER_MAX ? trigger_name[t] : "unknown";
}

const char *xd_state_name(enum xd_state s)
{
	return (unsigned)s < _XD_STATE_MAX ? state_name[s] : "unknown";
}

const char *xd_refusal_name(enum xd_refusal r)
{
	return (unsigned)r < _XD_REFUSAL_MAX ? refusal[r].name : "unknown";
}

const char *xd_refusal_text(enum xd_refusal r)
{
	return (unsigned)r < _XD_REFUSAL_MAX ? refusal[r].text : "unknown";
}

const char *xd_action_name(enum xd_action a)
{
	return (unsigned)a < _XD_ACTION_MAX ? action_name[a] : "unknown";
}

enum xd_action xd_action_parse(const char *name)
{
	/* What xl.cfg(5) calls rename-restart (tools/libs/light/libxl_types.idl, action_on_shutdown). */
	if (!strcmp(name, "restart_rename"))
		return XD_ACTION_RENAME_RESTART;
	for (unsigned i = 0; i < _XD_ACTION_MAX; i++) {
		const char *a = action_name[i], *b = name;

		while (*a && (*a == *b || (*a == '-' && *b == '_'))) {
			a++;
			b++;
		}
		if (!*a && !*b)
			return (enum xd_action)i;
	}
	return XD_ACTION_UNKNOWN;
}

bool xd_job_id_ok(const char *id)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(id);

	return len >= 1 && len < XD_ID_MAX && strspn(id, letters) == len &&
	       !strchr("_.-", id[0]);
}

static void put_settings(struct json_object *o, const struct xd_settings *s)
{
	struct json_object *set = json_object_new_object();
	char value[64];
	const char *key;

	for (size_t i = 0; (key = xd_settings_get(s, i, value, sizeof(value))); i++)
		xl_json_put_text(set, key, value);
	xl_json_put(o, "settings", set);
}

struct json_object *xd_job_to_json(const struct xd_job *job)
{
	struct json_object *o = json_object_new_object();
	char uuid[XD_UUID_MAX];

	if (!o)
		return NULL;
	uuid_unparse_lower(job->dom.uuid, uuid);
	xl_json_put_text(o, "id", job->id);
	xl_json_put_u64(o, "seq", job->seq);
	xl_json_put_text(o, "trigger", xd_trigger_name(job->trigger));
	xl_json_put_text(o, "state", xd_state_name(job->state));
	xl_json_put_u64(o, "domid", job->dom.domid);
	xl_json_put_text(o, "uuid", uuid);
	xl_json_put_text(o, "name", job->dom.name);
	xl_json_put_text(o, "type", xldump_guest_type_name(job->dom.type));
	xl_json_put_u64(o, "memory_bytes", job->dom.memory);
	xl_json_put_u64(o, "vcpus", job->dom.vcpus);
	xl_json_put_u64(o, "shutdown_reason", job->shutdown_reason);
	xl_json_put_text(o, "action", xd_action_name(job->action));
	xl_json_put_text(o, "file", job->file);
	xl_json_put_u64(o, "since", job->since);
	xl_json_put_u64(o, "asked_at", job->asked_at);
	xl_json_put_u64(o, "not_before", job->not_before);
	xl_json_put_u64(o, "attempts", job->attempts);
	xl_json_put_u64(o, "keep_free_bytes", job->keep_free);
	xl_json_put_text(o, "boot", job->boot);
	put_settings(o, &job->set);
	return o;
}

/* The index of a name in a list; -1. */
static int index_of(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

static int wrong(struct xl_ctx *x, const char *what)
{
	return xl_fail(x, XLDUMP_CAUSE_OTHER, -EINVAL, "its %s is invalid", what);
}

static int get_settings(struct xl_ctx *x, struct json_object *o, struct xd_settings *ret)
{
	struct json_object *set = xl_json_get(o, "settings");
	const char *key, *why = "";
	char value[64];

	for (size_t i = 0; (key = xd_settings_get(ret, i, value, sizeof(value))); i++) {
		if (!xl_json_text(set, key, value, sizeof(value)))
			continue;
		if (xd_settings_set(ret, key, value, &why) < 0)
			return wrong(x, key);
	}
	return 0;
}

static int get_domain(struct xl_ctx *x, struct json_object *o, struct xldump_domain *ret)
{
	static const char *const type[] = { "PV", "PVH", "HVM" };
	char text[XD_UUID_MAX];
	uint64_t domid, vcpus;
	int i;

	if (!xl_json_u64(o, "domid", &domid) || domid < 1 || domid > UINT16_MAX)
		return wrong(x, "domid");
	ret->domid = (uint32_t)domid;
	if (!xl_json_text(o, "uuid", text, sizeof(text)) || uuid_parse(text, ret->uuid) < 0)
		return wrong(x, "uuid");
	if (!xl_json_text(o, "name", ret->name, sizeof(ret->name)))
		return wrong(x, "name");
	if (!xl_json_text(o, "type", text, sizeof(text)))
		return wrong(x, "type");
	if (xl_json_u64(o, "vcpus", &vcpus))
		ret->vcpus = (uint32_t)vcpus;
	i = index_of(type, XL_ARRAY_SIZE(type), text);
	if (i < 0)
		return wrong(x, "type");
	ret->type = (enum xldump_guest_type)i;
	return xl_json_u64(o, "memory_bytes", &ret->memory) ? 0 : wrong(x, "memory");
}

int xd_job_from_json(struct xl_ctx *x, struct json_object *o, struct xd_job *ret)
{
	struct xd_job job = XD_JOB_INIT;
	char text[64];
	uint64_t n;
	int i, r;

	job.set = (struct xd_settings)XD_SETTINGS_DEFAULT;
	if (!xl_json_text(o, "id", job.id, sizeof(job.id)) || !xd_job_id_ok(job.id))
		return wrong(x, "id");
	if (!xl_json_u64(o, "seq", &job.seq))
		return wrong(x, "seq");
	i = xl_json_text(o, "trigger", text, sizeof(text)) ?
		    index_of(trigger_name, _XD_TRIGGER_MAX, text) : -1;
	if (i < 0)
		return wrong(x, "trigger");
	job.trigger = (enum xd_trigger)i;
	i = xl_json_text(o, "state", text, sizeof(text)) ?
		    index_of(state_name, _XD_STATE_MAX, text) : -1;
	if (i < 0)
		return wrong(x, "state");
	job.state = (enum xd_state)i;
	r = get_domain(x, o, &job.dom);
	if (r == 0)
		r = get_settings(x, o, &job.set);
	if (r < 0)
		return r;
	if (xl_json_u64(o, "shutdown_reason", &n))
		job.shutdown_reason = (unsigned)n & 0xff;
	if (xl_json_text(o, "action", text, sizeof(text)))
		job.action = xd_action_parse(text);
	if (!xl_json_text(o, "file", job.file, sizeof(job.file)))
		return wrong(x, "file");
	if (!xl_json_text(o, "boot", job.boot, sizeof(job.boot)))
		return wrong(x, "boot");
	if (!xl_json_u64(o, "since", &job.since) || !xl_json_u64(o, "asked_at", &job.asked_at) ||
	    !xl_json_u64(o, "not_before", &job.not_before))
		return wrong(x, "time");
	if (!xl_json_u64(o, "attempts", &n) || n > 1000)
		return wrong(x, "number of attempts");
	job.attempts = (unsigned)n;
	(void)xl_json_u64(o, "keep_free_bytes", &job.keep_free);
	*ret = job;
	return 0;
}
