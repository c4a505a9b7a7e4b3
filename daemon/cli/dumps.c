/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding dumps that xldumpd has made. */
#include "dumps.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "values.h"

static void text_of(struct json_object *o, const char *key, char *ret, size_t size)
{
	char text[XLDUMP_NAME_MAX] = "-";

	(void)xd_json_text(o, key, text, sizeof(text));
	(void)xd_printable(text, ret, size);
}

void dumps_describe(const struct xd_dump *d, struct dump_row *ret)
{
	struct json_object *dom = xd_json_get(d->about, "domain");

	text_of(dom, "name", ret->guest, sizeof(ret->guest));
	text_of(dom, "uuid", ret->uuid, sizeof(ret->uuid));
	text_of(d->about, "trigger", ret->trigger, sizeof(ret->trigger));
	text_of(xd_json_get(d->about, "result"), "kernel", ret->kernel, sizeof(ret->kernel));
	if (!ret->kernel[0])
		(void)snprintf(ret->kernel, sizeof(ret->kernel), "-");
}

static bool is_wanted(const struct xd_dump *d, const struct dumps_wanted *w)
{
	struct dump_row row;

	if ((w->since && d->time < *w->since) || (w->until && d->time > *w->until))
		return false;
	dumps_describe(d, &row);
	for (int i = 0; i < w->matches; i++)
		if (fnmatch(w->match[i], row.guest, 0) == 0 || !strcmp(w->match[i], row.uuid) ||
		    !strcmp(w->match[i], row.trigger) || fnmatch(w->match[i], d->name, 0) == 0)
			return true;
	return w->matches == 0;
}

/* Drop all but the last n. */
static void keep_last(struct xd_dump *d, size_t *count, size_t n)
{
	size_t first = *count - n;

	for (size_t i = 0; i < first; i++)
		xd_dump_deinit(&d[i]);
	memmove(d, d + first, n * sizeof(*d));
	*count = n;
}

int dumps_find(struct xl_ctx *x, const char *spool, const struct dumps_wanted *w,
	       struct xd_dump **ret, size_t *ret_n)
{
	_cleanup_close_ int dirfd = -1;
	struct xd_dump *d;
	size_t n, kept = 0;
	int r = xd_spool_look(x, spool, &dirfd);

	if (r == 0)
		r = xd_spool_list(x, dirfd, &d, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (is_wanted(&d[i], w))
			d[kept++] = d[i];
		else
			xd_dump_deinit(&d[i]);
	}
	if (w->newest && kept > w->newest)
		keep_last(d, &kept, w->newest);
	*ret = d;
	*ret_n = kept;
	return 0;
}
