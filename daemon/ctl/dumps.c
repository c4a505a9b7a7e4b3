/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding dumps that xldumpd has made. */
#include "ctl/dumps.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/conf.h"
#include "base/json.h"
#include "base/text.h"

static void text_of(struct json_object *o, const char *key, char *ret, size_t size)
{
	char text[XL_ESCAPED_MAX(XLDUMP_NAME_MAX)] = "-";

	/* Escaped in the file, but for those of older ones. */
	(void)xl_json_text(o, key, text, sizeof(text));
	(void)xl_printable(text, xl_unescape(text), ret, size);
}

void dumps_describe(const struct xd_dump *d, struct dump_row *ret)
{
	struct json_object *dom = xl_json_get(d->about, "domain");

	text_of(dom, "name", ret->guest, sizeof(ret->guest));
	text_of(dom, "uuid", ret->uuid, sizeof(ret->uuid));
	text_of(d->about, "trigger", ret->trigger, sizeof(ret->trigger));
	text_of(xl_json_get(d->about, "result"), "kernel", ret->kernel, sizeof(ret->kernel));
	if (!ret->kernel[0])
		(void)snprintf(ret->kernel, sizeof(ret->kernel), "-");
}

/* A name may have in it what is special in a pattern. */
static bool fits(const char *pattern, const char *name)
{
	return !strcmp(pattern, name) || fnmatch(pattern, name, 0) == 0;
}

/* The name as it is, whatever the terminal can show, or as it is shown. */
static bool is_guest(const char *pattern, const struct xd_dump *d, const struct dump_row *row)
{
	char name[XL_ESCAPED_MAX(XLDUMP_NAME_MAX)] = "";

	(void)xl_json_text(xl_json_get(d->about, "domain"), "name", name, sizeof(name));
	if (fits(pattern, row->guest) || !strcmp(pattern, name))
		return true;
	(void)xl_unescape(name);
	return name[0] && fits(pattern, name);
}

static bool is_wanted(const struct xd_dump *d, const struct dumps_wanted *w)
{
	struct dump_row row;

	if ((w->since && d->time < *w->since) || (w->until && d->time > *w->until))
		return false;
	dumps_describe(d, &row);
	for (int i = 0; i < w->matches; i++)
		if (is_guest(w->match[i], d, &row) || !strcmp(w->match[i], row.uuid) ||
		    !strcmp(w->match[i], row.trigger) || fits(w->match[i], d->name))
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

const char *dumps_spool(const char *asked, char *buf, size_t size)
{
	struct xl_ctx x = { 0 };
	struct xd_config c;

	if (asked)
		return asked;
	/* What is wrong with it is the daemon's to say. */
	if (xd_config_load(&x, XD_CONFIG_FILE, &c) < 0)
		return XD_SPOOL_DIR;
	(void)snprintf(buf, size, "%s", c.spool);
	xd_config_deinit(&c);
	return buf;
}

int dumps_find(struct xl_ctx *x, const char *spool, const struct dumps_wanted *w,
	       struct xd_dump **ret, size_t *ret_n)
{
	_cleanup_close_ int dirfd = -1;
	struct xd_dump *d;
	char buf[XD_PATH_MAX];
	size_t n, kept = 0;
	int r = xd_spool_look(x, dumps_spool(spool, buf, sizeof(buf)), &dirfd);

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

/* Whatever has that name is meant, and what is wrong with it is said by who opens it; but a folder
 * is no dump, and may well be called as a guest is.  `-' is the name of no guest: elsewhere it is a
 * stream. */
static bool means_file(const char *arg)
{
	struct stat st;

	if (!arg[0] || strchr(arg, '/') || !strcmp(arg, "-"))
		return true;
	if (lstat(arg, &st) < 0)
		return errno != ENOENT;
	return !S_ISDIR(st.st_mode);
}

int dumps_path(struct xl_ctx *x, const struct cmd *cmd, const char *spool, char *arg, char **ret)
{
	struct dumps_wanted wanted = { .match = &arg, .matches = 1, .newest = 1 };
	char name[XL_ESCAPED_MAX(NAME_MAX)], buf[XD_PATH_MAX];
	struct xd_dump *d;
	size_t n;
	int r;

	if (means_file(arg)) {
		*ret = strdup(arg);
		return *ret ? 0 : xl_err(x, -ENOMEM, "open %s", arg);
	}
	spool = dumps_spool(spool, buf, sizeof(buf));
	r = dumps_find(x, spool, &wanted, &d, &n);
	if (r < 0)
		return xl_err(x, r,
			      "there is no file `%s', and the dumps of xldumpd cannot be searched",
			      arg);
	if (!n)
		r = xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT,
			    "there is no file `%s', and no dump in %s matches; `xldumpctl list' "
			    "shows all dumps", arg, spool);
	else if (asprintf(ret, "%s/%s", spool, d->name) < 0)
		r = xl_err(x, -ENOMEM, "open %s", d->name);
	else
		(void)fprintf(stderr, "xldumpctl %s: %s\n", cmd->name,
			      xl_printable(d->name, strlen(d->name), name, sizeof(name)));
	xd_dumps_free(d, n);
	return r;
}
