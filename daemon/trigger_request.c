/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests in xenstore. */
#include "triggers.h"

#include <string.h>

#include "common/log.h"
#include "common/request.h"
#include "manager.h"
#include "publish.h"
#include "xldump_schema.h"

#define MAX_NODES 32

/* The nodes of one request, read at one instant. */
struct nodes {
	char **name;
	struct xd_raw raw[MAX_NODES];
	char *value[MAX_NODES];
	size_t n;
};

static void nodes_deinit(struct nodes *n)
{
	for (size_t i = 0; i < n->n; i++)
		free(n->value[i]);
	free(n->name);
}

/* Whoever may write to a node is who asks; a guest is nobody to ask. */
static enum xd_refusal read_node(struct xd_daemon *d, const char *dir, const char *name,
				 struct nodes *ret, char *error, size_t size)
{
	char path[sizeof(XD_STORE_REQUEST) + XD_ID_MAX + XD_VALUE_MAX + 2];
	char **value = &ret->value[ret->n];
	int r;

	if (strlen(name) > XD_VALUE_MAX || ret->n == MAX_NODES) {
		(void)snprintf(error, size, "the request has invalid nodes");
		return XD_REFUSED_BAD_VALUE;
	}
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	r = xd_store_is_ours(d->store, path);
	if (r == 0) {
		(void)snprintf(error, size, "node %.64s does not belong to domain 0 alone",
			       name);
		return XD_REFUSED_NOT_OURS;
	}
	if (r > 0)
		r = xd_store_read(d->store, path, value);
	if (r < 0) {
		(void)snprintf(error, size, "node %.64s cannot be read: %s",
			       name, strerror(-r));
		return XD_REFUSED_BAD_VALUE;
	}
	ret->raw[ret->n] = (struct xd_raw){ .node = name, .value = *value };
	ret->n++;
	return XD_OK;
}

static enum xd_refusal read_nodes(struct xd_daemon *d, const char *dir, struct nodes *ret,
				  char *error, size_t size)
{
	enum xd_refusal why = XD_OK;
	size_t n;
	int r = xd_store_is_ours(d->store, dir);

	if (r == -ENOENT)
		return XD_REFUSED_INCOMPLETE;
	if (r == 0) {
		(void)snprintf(error, size, "%s", xd_refusal_text(XD_REFUSED_NOT_OURS));
		return XD_REFUSED_NOT_OURS;
	}
	if (r < 0 || xd_store_list(d->store, dir, &ret->name, &n) < 0)
		return XD_REFUSED_INCOMPLETE;
	for (size_t i = 0; i < n && why == XD_OK; i++)
		why = read_node(d, dir, ret->name[i], ret, error, size);
	return why;
}

static bool has(const struct nodes *n, const char *node)
{
	for (size_t i = 0; i < n->n; i++)
		if (!strcmp(n->raw[i].node, node))
			return true;
	return false;
}

static enum xd_refusal submit(struct xd_daemon *d, const char *id, const struct nodes *n,
			      char *error, size_t size)
{
	struct xd_settings none = XD_SETTINGS_DEFAULT;
	struct xd_job job = XD_JOB_INIT;
	struct xd_request q;
	enum xd_refusal why = xd_request_parse(n->raw, n->n, &none, &q, error, size);

	if (why != XD_OK)
		return why;
	if (xldump_domain_find(d->xl, q.domain, &job.dom) < 0) {
		bool zero = xldump_error_cause(d->xl) == XLDUMP_CAUSE_UNSUPPORTED;

		(void)snprintf(error, size, "%s", xldump_error(d->xl));
		return zero ? XD_REFUSED_DOMAIN0 : XD_REFUSED_NO_DOMAIN;
	}
	/* Only now is it known whose settings are meant for what the request does not say. */
	xd_config_for(&d->config, &job.dom, &none);
	why = xd_request_parse(n->raw, n->n, &none, &q, error, size);
	if (why != XD_OK)
		return why;
	(void)snprintf(job.id, sizeof(job.id), "%s", id);
	job.trigger = q.trigger;
	job.set = q.set;
	why = xd_manager_submit(d, &job);
	if (d->x.err[0]) {
		(void)snprintf(error, size, "%s", d->x.err);
		xl_err_clear(&d->x);
	}
	return why;
}

static void look(struct xd_daemon *d, const char *id)
{
	char dir[sizeof(XD_STORE_REQUEST) + XD_ID_MAX + 1], error[XL_ERR_MAX] = "";
	_cleanup_(nodes_deinit) struct nodes n = { 0 };
	struct xd_job *job = xd_queue_by_id(&d->queue, id);
	enum xd_refusal why;

	(void)snprintf(dir, sizeof(dir), "%s/%s", XD_STORE_REQUEST, id);
	if (xd_store_begin(d->store) < 0) {
		d->requests_again = true;
		return;
	}
	why = read_nodes(d, dir, &n, error, sizeof(error));
	(void)xd_store_end(d->store, false);

	if (job) {
		if (why == XD_OK && has(&n, XD_NODE_CANCEL))
			xd_manager_cancel(d, job);
		return;
	}
	if (why == XD_REFUSED_NOT_OURS) {
		/* Nothing is written: it would be into what a guest owns. */
		xd_log(LOG_WARNING, "request %s is refused: %s", id, error);
		return;
	}
	if (has(&n, XD_NODE_STATE) || why == XD_REFUSED_INCOMPLETE)
		return;
	if (why == XD_OK && (!has(&n, XD_NODE_DOMAIN) || has(&n, XD_NODE_CANCEL)))
		return;
	if (why == XD_OK && xd_queue_waiting(&d->queue) >= d->config.max_waiting) {
		/* It stays where it is, and is looked at again when there is room. */
		if (!d->intake_off)
			xd_log(LOG_NOTICE,
			       "%u requests wait; further ones stay in xenstore for now",
			       d->config.max_waiting);
		d->intake_off = true;
		return;
	}
	if (why == XD_OK)
		why = submit(d, id, &n, error, sizeof(error));
	if (why != XD_OK) {
		xd_log(LOG_NOTICE, "request %s is refused (%s): %s", id, xd_refusal_name(why),
		       error[0] ? error : xd_refusal_text(why));
		xd_publish_refusal(d, id, why, error);
	}
}

void xd_trigger_requests(struct xd_daemon *d)
{
	_cleanup_free_ char **id = NULL;
	size_t n;

	if (d->stopping)
		return;
	d->intake_off = false;
	d->requests_again = xd_store_list(d->store, XD_STORE_REQUEST, &id, &n) < 0;
	if (d->requests_again)
		return;
	for (size_t i = 0; i < n; i++)
		if (xd_job_id_ok(id[i]))
			look(d, id[i]);
}

void xd_trigger_request_event(struct xd_daemon *d, const char *path)
{
	size_t root = strlen(XD_STORE_REQUEST), len;
	char id[XD_ID_MAX];

	if (strncmp(path, XD_STORE_REQUEST, root) != 0)
		return;
	path += root;
	if (*path == '\0') {
		xd_trigger_requests(d);
		return;
	}
	if (*path++ != '/')
		return;
	len = strcspn(path, "/");
	if (len >= sizeof(id))
		return;
	(void)snprintf(id, sizeof(id), "%.*s", (int)len, path);
	/* What we write ourselves comes back as events: of those, none asks for anything. */
	path += len;
	if (*path == '/' && strcmp(path + 1, XD_NODE_DOMAIN) != 0 &&
	    strcmp(path + 1, XD_NODE_CANCEL) != 0)
		return;
	if (!d->stopping && xd_job_id_ok(id))
		look(d, id);
}
