/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What xenstore and the service manager show of the daemon and of its jobs.
 *
 * Nothing hangs on it: what cannot be written is logged, and the dump goes on. */
#include "publish.h"

#include <inttypes.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <uuid.h>

#include "base/text.h"
#include "clock.h"
#include "common/log.h"
#include "xldump_schema.h"

#define PATH_MAX_OURS (sizeof(XD_STORE_REQUEST) + XD_ID_MAX + 32)

static void put(struct xd_daemon *d, const char *id, const char *node, const char *value)
{
	char path[PATH_MAX_OURS], text[XL_ERR_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", XD_STORE_REQUEST, id, node);
	r = xd_store_write(d->store, path, xl_escape(value, strlen(value), text, sizeof(text)));
	if (r < 0)
		xd_log(LOG_WARNING, "cannot write %s in xenstore: %s", path, strerror(-r));
}

static void put_number(struct xd_daemon *d, const char *id, const char *node, uint64_t v)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	put(d, id, node, text);
}

int xd_publish_alive(struct xd_daemon *d)
{
	char text[32];
	int r;

	(void)snprintf(text, sizeof(text), "%d", (int)getpid());
	r = xd_store_write(d->store, XD_STORE_DAEMON_PID, text);
	return r < 0 ? xl_err(&d->x, r, "write %s in xenstore", XD_STORE_DAEMON_PID) : 0;
}

int xd_publish_daemon(struct xd_daemon *d)
{
	char text[64];
	int r = xd_store_mkdir_private(d->store, XD_STORE_ROOT);

	if (r == 0)
		r = xd_store_mkdir_private(d->store, XD_STORE_REQUEST);
	if (r == 0)
		r = xd_store_write(d->store, XD_STORE_DAEMON_VERSION, xldump_version());
	(void)snprintf(text, sizeof(text), "%u %u", d->config.workers, d->config.max_waiting);
	if (r == 0)
		r = xd_store_write(d->store, XD_STORE_DAEMON_LIMITS, text);
	if (r < 0)
		return xl_err(&d->x, r, "write %s in xenstore", XD_STORE_ROOT);
	return xd_publish_alive(d);
}

void xd_publish_job(struct xd_daemon *d, const struct xd_job *job)
{
	char uuid[XD_UUID_MAX];

	uuid_unparse_lower(job->dom.uuid, uuid);
	put(d, job->id, XD_NODE_NAME, job->dom.name);
	put(d, job->id, XD_NODE_UUID, uuid);
	put_number(d, job->id, XD_NODE_DOMID, job->dom.domid);
	put_number(d, job->id, XD_NODE_SINCE, job->since);
	if (xd_trigger_crashed(job->trigger))
		put(d, job->id, XD_NODE_TRIGGER, xd_trigger_name(job->trigger));
	if (job->state == XD_DONE)
		put(d, job->id, XD_NODE_RESULT, job->file);
	else if (xd_state_final(job->state)) {
		put(d, job->id, XD_NODE_ERROR, job->error);
		put(d, job->id, XD_NODE_REASON, job->reason);
	}
	/* Last, for who watches it reads the others then. */
	put(d, job->id, XD_NODE_STATE, xd_state_name(job->state));
}

void xd_publish_progress(struct xd_daemon *d, const struct xd_job *job, const char *progress)
{
	put(d, job->id, XD_NODE_PROGRESS, progress);
}

void xd_publish_refusal(struct xd_daemon *d, const char *id, enum xd_refusal why,
			const char *error)
{
	put(d, id, XD_NODE_ERROR, error[0] ? error : xd_refusal_text(why));
	put(d, id, XD_NODE_REASON, xd_refusal_name(why));
	put_number(d, id, XD_NODE_SINCE, xd_realtime());
	put(d, id, XD_NODE_STATE, xd_state_name(XD_REFUSED));
}

void xd_publish_status(struct xd_daemon *d)
{
	char text[sizeof(d->status)];

	(void)snprintf(text, sizeof(text), "STATUS=%u running, %u waiting%s",
		       xd_queue_count(&d->queue, XD_RUNNING), xd_queue_count(&d->queue, XD_QUEUED),
		       d->stopping ? ", stopping" : "");
	if (!strcmp(text, d->status))
		return;
	(void)snprintf(d->status, sizeof(d->status), "%s", text);
	(void)sd_notify(0, text);
}

static bool is_over(struct xd_daemon *d, const char *id, uint64_t *ret_since)
{
	char path[PATH_MAX_OURS];
	_cleanup_free_ char *state = NULL, *since = NULL;
	bool over = false;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", XD_STORE_REQUEST, id, XD_NODE_STATE);
	if (xd_store_read(d->store, path, &state) < 0)
		return false;
	for (unsigned i = 0; i < _XD_STATE_MAX; i++)
		over |= xd_state_final((enum xd_state)i) &&
			!strcmp(state, xd_state_name((enum xd_state)i));
	(void)snprintf(path, sizeof(path), "%s/%s/%s", XD_STORE_REQUEST, id, XD_NODE_SINCE);
	if (!over || xd_store_read(d->store, path, &since) < 0)
		return over;
	*ret_since = strtoull(since, NULL, 10);
	return true;
}

void xd_publish_sweep(struct xd_daemon *d)
{
	_cleanup_free_ char **id = NULL;
	uint64_t now = xd_realtime();
	char path[PATH_MAX_OURS];
	size_t n;

	if (xd_store_list(d->store, XD_STORE_REQUEST, &id, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		uint64_t since = now;

		/* The clock may have been set back: what is of the future is of now. */
		if (strlen(id[i]) >= XD_ID_MAX || !is_over(d, id[i], &since) || since > now ||
		    now - since < XD_FORGET_AFTER)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", XD_STORE_REQUEST, id[i]);
		(void)xd_store_remove(d->store, path);
	}
}
