/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Talking to xldumpd through xenstore. */
#include "common/client.h"

#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/text.h"
#include "common/report.h"
#include "common/values.h"
#include "xldump_schema.h"

#define PATH_SIZE 256

/* How long a daemon that is not there is waited for: an upgrade restarts it. */
#define PATIENCE_S 60

/* And how often it is looked for before anything is asked of it, each 100 ms. */
#define RESTART_LOOKS 20

static void get(struct xd_store *s, const char *id, const char *node, char *ret, size_t size)
{
	_cleanup_free_ char *value = NULL;
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/%s/%s", XD_STORE_REQUEST, id, node);
	ret[0] = '\0';
	if (xd_store_read(s, path, &value) < 0)
		return;
	/* The daemon has made it printable; others may not have. */
	(void)xl_escape(value, xl_unescape(value), ret, size);
}

/* 0; -ENOENT: it has said that it ended, or never ran; -ESRCH: process *ret_pid has ended without a
 * word; others: xenstored's. */
static int find_daemon(struct xd_store *s, unsigned *ret_pid)
{
	_cleanup_free_ char *value = NULL;
	int r = xd_store_read(s, XD_STORE_DAEMON_PID, &value);

	if (r < 0)
		return r;
	if (xd_parse_number(value, 1, INT32_MAX, ret_pid) < 0)
		return -EBADMSG;
	return kill((pid_t)*ret_pid, 0) == 0 || errno == EPERM ? 0 : -errno;
}

bool client_alive(struct xd_store *s)
{
	unsigned pid;

	return find_daemon(s, &pid) == 0;
}

int client_check(struct xl_ctx *x, struct xd_store *s)
{
	unsigned pid;
	int r = find_daemon(s, &pid);

	/* It may just be restarted. */
	for (unsigned i = 0; r < 0 && i < RESTART_LOOKS && !(x->cancel && *x->cancel); i++) {
		(void)usleep(100000);
		r = find_daemon(s, &pid);
	}
	if (r == 0)
		return 0;
	if (r == -ESRCH)
		return xl_fail(x, XLDUMP_CAUSE_NO_XEN, r,
			       "xldumpd does not run on this host any more (process %u has died); "
			       "start it with `systemctl start xldumpd'", pid);
	if (r != -ENOENT)
		return xl_err(x, r, "read %s in xenstore", XD_STORE_DAEMON_PID);
	return xl_fail(x, XLDUMP_CAUSE_NO_XEN, r,
		       "xldumpd does not run on this host; start it with `systemctl start "
		       "xldumpd'");
}

void client_id(char ret[XD_ID_MAX])
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	(void)snprintf(ret, XD_ID_MAX, "ctl-%d-%llx%09lx", (int)getpid(), (long long)t.tv_sec,
		       t.tv_nsec);
}

void client_nodes_set(struct client_nodes *n, const char *name, const char *value)
{
	size_t i = 0;

	while (i < n->n && strcmp(n->node[i].name, name) != 0)
		i++;
	assert(i < XL_ARRAY_SIZE(n->node));
	n->node[i].name = name;
	n->node[i].value = value;
	n->n += i == n->n;
}

static int write_request(struct xd_store *s, const char *id, const char *domain,
			 const struct client_nodes *nodes)
{
	char path[PATH_SIZE];
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s", XD_STORE_REQUEST, id);
	r = xd_store_exists(s, path) ? -EEXIST : 0;
	for (size_t i = 0; r == 0 && i < nodes->n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/%s", XD_STORE_REQUEST, id, nodes->node[i].name);
		r = xd_store_write(s, path, nodes->node[i].value);
	}
	(void)snprintf(path, sizeof(path), "%s/%s/" XD_NODE_DOMAIN, XD_STORE_REQUEST, id);
	return r < 0 ? r : xd_store_write(s, path, domain);
}

int client_request(struct xl_ctx *x, struct xd_store *s, const char *id, const char *domain,
		   const struct client_nodes *nodes)
{
	int r;

	do {
		r = xd_store_begin(s);
		if (r < 0)
			break;
		r = write_request(s, id, domain, nodes);
		if (r < 0) {
			(void)xd_store_end(s, false);
			break;
		}
		r = xd_store_end(s, true);
	} while (r == -EAGAIN);
	return r < 0 ? xl_err(x, r, "write request %s in xenstore", id) : 0;
}

int client_read(struct xd_store *s, const char *id, struct client_job *ret)
{
	char path[PATH_SIZE], text[32];

	*ret = (struct client_job){ 0 };
	if (!xd_job_id_ok(id))
		return -ENOENT;
	(void)snprintf(path, sizeof(path), "%s/%s", XD_STORE_REQUEST, id);
	if (!xd_store_exists(s, path))
		return -ENOENT;
	(void)snprintf(ret->id, sizeof(ret->id), "%s", id);
	get(s, id, XD_NODE_STATE, ret->state, sizeof(ret->state));
	get(s, id, XD_NODE_TRIGGER, ret->trigger, sizeof(ret->trigger));
	get(s, id, XD_NODE_NAME, ret->name, sizeof(ret->name));
	if (!ret->name[0])
		get(s, id, XD_NODE_DOMAIN, ret->name, sizeof(ret->name));
	get(s, id, XD_NODE_UUID, ret->uuid, sizeof(ret->uuid));
	get(s, id, XD_NODE_PROGRESS, ret->progress, sizeof(ret->progress));
	get(s, id, XD_NODE_RESULT, ret->result, sizeof(ret->result));
	get(s, id, XD_NODE_ERROR, ret->error, sizeof(ret->error));
	get(s, id, XD_NODE_REASON, ret->reason, sizeof(ret->reason));
	get(s, id, XD_NODE_DOMID, text, sizeof(text));
	ret->domid = strtoull(text, NULL, 10);
	get(s, id, XD_NODE_SINCE, text, sizeof(text));
	ret->since = strtoull(text, NULL, 10);
	if (!ret->state[0])
		(void)snprintf(ret->state, sizeof(ret->state), "new");
	if (!ret->trigger[0])
		(void)snprintf(ret->trigger, sizeof(ret->trigger), "%s",
			       xd_trigger_name(XD_TRIGGER_REQUEST));
	return 0;
}

static int by_since(const void *a, const void *b)
{
	const struct client_job *l = a, *r = b;

	if (l->since != r->since)
		return l->since < r->since ? -1 : 1;
	return strcmp(l->id, r->id);
}

int client_read_all(struct xl_ctx *x, struct xd_store *s, struct client_job **ret, size_t *ret_n)
{
	_cleanup_free_ char **id = NULL;
	struct client_job *job;
	size_t n, m = 0;
	int r = xd_store_list(s, XD_STORE_REQUEST, &id, &n);

	if (r < 0)
		return xl_err(x, r, "read %s in xenstore", XD_STORE_REQUEST);
	job = calloc(n ? n : 1, sizeof(*job));
	if (!job)
		return xl_err(x, -ENOMEM, "read %zu requests", n);
	for (size_t i = 0; i < n; i++)
		m += client_read(s, id[i], &job[m]) == 0;
	qsort(job, m, sizeof(*job), by_since);
	*ret = job;
	*ret_n = m;
	return 0;
}

int client_cancel(struct xl_ctx *x, struct xd_store *s, const char *id)
{
	struct client_job job;
	char path[PATH_SIZE];
	int r = client_read(s, id, &job);

	if (r == 0 && client_over(&job))
		return xl_fail(x, XLDUMP_CAUSE_USAGE, -EALREADY,
			       "request %s has already ended: %s", id, job.state);
	if (r == 0) {
		(void)snprintf(path, sizeof(path), "%s/%s/" XD_NODE_CANCEL, XD_STORE_REQUEST, id);
		r = xd_store_write(s, path, "1");
	}
	if (r == -ENOENT)
		return xl_fail(x, XLDUMP_CAUSE_USAGE, r,
			       "there is no request `%s'; `xldumpctl status' lists them",
			       id);
	return r < 0 ? xl_err(x, r, "cancel %s", id) : 0;
}

char *client_shown(const char *text, char *buf, size_t size)
{
	char raw[4 * XLDUMP_NAME_MAX + 1];

	(void)snprintf(raw, sizeof(raw), "%.*s", (int)sizeof(raw) - 1, text);
	return xl_printable(raw, xl_unescape(raw), buf, size);
}

bool client_over(const struct client_job *job)
{
	for (unsigned i = 0; i < _XD_STATE_MAX; i++)
		if (!strcmp(job->state, xd_state_name((enum xd_state)i)))
			return xd_state_final((enum xd_state)i);
	return false;
}

bool client_wait(struct xd_store *s, int timeout_ms)
{
	struct pollfd p = { .fd = xd_store_fd(s), .events = POLLIN };
	char path[PATH_SIZE], token[16];

	if (poll(&p, 1, timeout_ms) <= 0)
		return false;
	while (xd_store_event(s, path, sizeof(path), token, sizeof(token)) > 0)
		;
	return true;
}

/* What the end of a request is as an exit status. */
static int status_of(const struct client_job *job)
{
	if (!strcmp(job->state, xd_state_name(XD_DONE)))
		return 0;
	if (!strcmp(job->state, xd_state_name(XD_CANCELLED)))
		return XLDUMP_CAUSE_CANCELLED;
	if (!strcmp(job->reason, xd_refusal_name(XD_REFUSED_BAD_VALUE)))
		return XLDUMP_CAUSE_USAGE;
	for (int c = XLDUMP_CAUSE_OTHER; c < _XLDUMP_CAUSE_MAX; c++)
		if (!strcmp(job->reason, xldump_cause_name((enum xldump_cause)c)))
			return c;
	return XLDUMP_CAUSE_OTHER;
}

static void show(const struct client_job *job)
{
	char name[XL_ESCAPED_MAX(XLDUMP_NAME_MAX)];

	(void)fprintf(stderr, "\r\033[K%s: %s %s", client_shown(job->name, name, sizeof(name)),
		      job->state, job->progress);
	(void)fflush(stderr);
}

int client_follow(struct xl_ctx *x, struct xd_store *s, const char *id, const volatile int *cancel,
		  bool quiet, struct client_job *ret)
{
	bool terminal = !quiet && isatty(STDERR_FILENO), cancelled = false;
	char path[PATH_SIZE];
	time_t gone = 0;
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s", XD_STORE_REQUEST, id);
	r = xd_store_watch(s, path, "w");
	if (r < 0)
		return xl_err(x, r, "watch request %s", id);
	for (;;) {
		struct timespec now;

		if (client_read(s, id, ret) < 0)
			return xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT,
				       "somebody has removed request %s", id);
		if (terminal)
			show(ret);
		if (client_over(ret))
			break;
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		if (client_alive(s))
			gone = 0;
		else if (!gone)
			gone = now.tv_sec;
		else if (now.tv_sec - gone > PATIENCE_S)
			return xl_fail(x, XLDUMP_CAUSE_NO_XEN, -ESRCH,
				       "xldumpd has ended; request %s waits until it is started "
				       "again", id);
		if (*cancel && !cancelled) {
			cancelled = true;
			(void)snprintf(path, sizeof(path), "%s/%s/" XD_NODE_CANCEL, XD_STORE_REQUEST, id);
			(void)xd_store_write(s, path, "1");
		}
		(void)client_wait(s, 2000);
	}
	if (terminal)
		(void)fputs("\r\033[K", stderr);
	return status_of(ret);
}

struct json_object *client_json(const struct client_job *job)
{
	struct json_object *o = json_object_new_object();

	xl_json_put_text(o, "id", job->id);
	xl_json_put_text(o, "state", job->state);
	xl_json_put_text(o, "trigger", job->trigger);
	xl_json_put_text(o, "name", job->name);
	if (job->uuid[0]) {
		xl_json_put_text(o, "uuid", job->uuid);
		xl_json_put_u64(o, "domid", job->domid);
	}
	xl_json_put_u64(o, "since", job->since);
	if (job->progress[0])
		xl_json_put_text(o, "progress", job->progress);
	if (job->result[0])
		xl_json_put_text(o, "file", job->result);
	if (job->error[0]) {
		xl_json_put_text(o, "error", job->error);
		xl_json_put_text(o, "reason", job->reason);
	}
	return o;
}
