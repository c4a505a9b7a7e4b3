/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was asked for through xenstore. */
#include "common/request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "xldump_schema.h"

/* Nodes that are not of our concern here: the daemon's own, and the one that ends it. */
static const char *const others[] = {
	XD_NODE_CANCEL, XD_NODE_STATE, XD_NODE_PROGRESS, XD_NODE_RESULT, XD_NODE_ERROR,
	XD_NODE_REASON, XD_NODE_NAME,  XD_NODE_UUID,	 XD_NODE_DOMID,	 XD_NODE_SINCE,
};

_printf_(3, 4) static enum xd_refusal bad(char *error, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(error, size, fmt, ap);
	va_end(ap);
	return XD_REFUSED_BAD_VALUE;
}

static bool is_other(const char *node)
{
	for (size_t i = 0; i < XL_ARRAY_SIZE(others); i++)
		if (!strcmp(node, others[i]))
			return true;
	return false;
}

static enum xd_refusal take(struct xd_request *q, const struct xd_raw *raw, char *error,
			    size_t size)
{
	const char *why;
	int r;

	if (is_other(raw->node))
		return XD_OK;
	if (!strcmp(raw->node, XD_NODE_DOMAIN)) {
		if (!raw->value[0] || strlen(raw->value) > XD_VALUE_MAX)
			return bad(error, size, "%s is empty, or too long", raw->node);
		(void)snprintf(q->domain, sizeof(q->domain), "%s", raw->value);
		return XD_OK;
	}
	if (!strcmp(raw->node, XD_NODE_TRIGGER)) {
		if (!strcmp(raw->value, xd_trigger_name(XD_TRIGGER_TIMER)))
			q->trigger = XD_TRIGGER_TIMER;
		else if (strcmp(raw->value, xd_trigger_name(XD_TRIGGER_REQUEST)) != 0)
			return bad(error, size,
				   "%s must be request or timer, not `%.64s'", raw->node,
				   raw->value);
		return XD_OK;
	}
	r = xd_settings_set_node(&q->set, raw->node, raw->value, &why);
	if (r == -ENOENT)
		return bad(error, size, "unknown node `%.64s' in a request", raw->node);
	if (r < 0)
		return bad(error, size, "%s %s, not `%.64s'", raw->node, why, raw->value);
	return XD_OK;
}

enum xd_refusal xd_request_parse(const struct xd_raw *raw, size_t n,
				 const struct xd_settings *defaults, struct xd_request *ret,
				 char *error, size_t size)
{
	struct xd_request q = { .trigger = XD_TRIGGER_REQUEST, .set = *defaults };
	const char *conflict;

	error[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		enum xd_refusal r = take(&q, &raw[i], error, size);

		if (r != XD_OK)
			return r;
	}
	if (!q.domain[0])
		return XD_REFUSED_INCOMPLETE;
	conflict = xd_settings_conflict(&q.set);
	if (conflict)
		return bad(error, size, "%s", conflict);
	*ret = q;
	return XD_OK;
}
