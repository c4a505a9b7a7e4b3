/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpd.conf(5). */
#include "common/conf.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <uuid.h>

#include "base/domain.h"
#include "common/conf_syntax.h"
#include "common/spool.h"
#include "common/values.h"

struct loading {
	struct xl_ctx *x;
	const char *file;
	struct xd_config *c;
};

_printf_(3, 4) static int wrong(const struct loading *l, unsigned line, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return xl_fail(l->x, XLDUMP_CAUSE_USAGE, -EINVAL, "%s:%u: %s", l->file, line, text);
}

/* ---- overrides ---- */

/* "key=value" */
static int take_pair(const struct loading *l, const struct xd_value *v, struct xd_override *o)
{
	struct xd_settings trial = XD_SETTINGS_DEFAULT;
	const char *eq = v->text ? strchr(v->text, '=') : NULL, *why = "";
	struct xd_pair *p = &o->pair[o->n];
	int r;

	if (!eq || eq == v->text)
		return wrong(l, v->line, "a setting of a guest is written \"name=value\"");
	if ((size_t)(eq - v->text) >= sizeof(p->key) || strlen(eq + 1) >= sizeof(p->value))
		return wrong(l, v->line, "`%.64s' is too long", v->text);
	(void)snprintf(p->key, sizeof(p->key), "%.*s", (int)(eq - v->text), v->text);
	(void)snprintf(p->value, sizeof(p->value), "%s", eq + 1);
	r = xd_settings_set(&trial, p->key, p->value, &why);
	if (r == -ENOENT)
		return wrong(l, v->line, "unknown setting `%s' for a guest", p->key);
	if (r < 0)
		return wrong(l, v->line, "%s %s, not `%s'", p->key, why, p->value);
	o->n++;
	return 0;
}

static int take_override(const struct loading *l, const struct xd_value *v, struct xd_override *o)
{
	const char *who = v->n ? v->item[0].text : NULL;

	if (v->text || !who || !who[0])
		return wrong(l, v->line,
			     "each element of domains must be a list: [ \"name, pattern or uuid\", "
			     "\"setting=value\", ... ]");
	if (strlen(who) >= sizeof(o->pattern))
		return wrong(l, v->line, "the pattern `%.64s...' is too long", who);
	if (uuid_parse(who, o->uuid) < 0)
		(void)snprintf(o->pattern, sizeof(o->pattern), "%s", who);
	o->pair = calloc(v->n, sizeof(*o->pair));
	if (!o->pair)
		return xl_err(l->x, -ENOMEM, "read %s", l->file);
	for (size_t i = 1; i < v->n; i++) {
		int r = take_pair(l, &v->item[i], o);

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_domains(const struct loading *l, const struct xd_value *v)
{
	if (v->text)
		return wrong(l, v->line, "domains must be a list of lists");
	if (l->c->override)
		return wrong(l, v->line, "domains is set twice");
	l->c->override = calloc(v->n ? v->n : 1, sizeof(*l->c->override));
	if (!l->c->override)
		return xl_err(l->x, -ENOMEM, "read %s", l->file);
	for (size_t i = 0; i < v->n; i++) {
		int r = take_override(l, &v->item[i], &l->c->override[l->c->overrides++]);

		if (r < 0)
			return r;
	}
	return 0;
}

static bool fits(const struct xd_override *o, const struct xldump_domain *dom)
{
	if (o->pattern[0])
		return fnmatch(o->pattern, dom->name, 0) == 0;
	return xl_same_uuid(o->uuid, dom->uuid);
}

void xd_config_for(const struct xd_config *c, const struct xldump_domain *dom,
		   struct xd_settings *ret)
{
	struct xd_settings s = c->set;
	const char *why;

	for (size_t i = 0; i < c->overrides; i++) {
		const struct xd_override *o = &c->override[i];

		for (size_t k = 0; fits(o, dom) && k < o->n; k++)
			(void)xd_settings_set(&s, o->pair[k].key, o->pair[k].value, &why);
	}
	/* Two that are fine alone, an override's format and the general codec, may not go together. */
	if (xd_settings_conflict(&s)) {
		if (s.format != XLDUMP_FORMAT_KDUMP) {
			s.codec = XLDUMP_CODEC_DEFAULT;
			s.level = 0;
		}
		if (s.format == XLDUMP_FORMAT_XENCORE_RAW)
			s.dump_level = 0;
	}
	*ret = s;
}

/* ---- settings of the daemon itself ---- */

static int take_number(const struct loading *l, const struct xd_setting *s, unsigned min,
		       unsigned max, unsigned *ret)
{
	if (s->value.text && xd_parse_number(s->value.text, min, max, ret) == 0)
		return 0;
	return wrong(l, s->line, "%s must be a number from %u to %u", s->name, min, max);
}

static int take_keep_free(const struct loading *l, const struct xd_setting *s)
{
	unsigned mib;
	int r = take_number(l, s, 0, 1 << 30, &mib);

	if (r == 0)
		l->c->keep_free = (uint64_t)mib << 20;
	return r;
}

static int take_spool(const struct loading *l, const struct xd_setting *s)
{
	const char *v = s->value.text;

	if (!v || v[0] != '/' || strlen(v) >= sizeof(l->c->spool))
		return wrong(l, s->line, "spool must be the absolute path of a directory");
	(void)snprintf(l->c->spool, sizeof(l->c->spool), "%s", v);
	return 0;
}

static int take(const struct loading *l, const struct xd_setting *s)
{
	const char *why = "", *n = s->name;
	int r;

	if (!strcmp(n, "domains"))
		return take_domains(l, &s->value);
	if (!strcmp(n, "workers"))
		return take_number(l, s, 1, 64, &l->c->workers);
	if (!strcmp(n, "max_waiting"))
		return take_number(l, s, 1, 1000, &l->c->max_waiting);
	if (!strcmp(n, "timeout"))
		return take_number(l, s, 1, 7 * 86400, &l->c->timeout);
	if (!strcmp(n, "learn_after"))
		return take_number(l, s, 0, 86400, &l->c->learn_after);
	if (!strcmp(n, "keep_free_mib"))
		return take_keep_free(l, s);
	if (!strcmp(n, "spool"))
		return take_spool(l, s);
	r = s->value.text ? xd_settings_set(&l->c->set, n, s->value.text, &why) : -EINVAL;
	if (r == -ENOENT)
		return wrong(l, s->line, "unknown setting `%.64s'", n);
	if (r < 0 && !s->value.text)
		return wrong(l, s->line, "unknown setting %.64s, or one that cannot be a list", n);
	if (r < 0)
		return wrong(l, s->line, "%s %s, not `%.64s'", n, why, s->value.text);
	return 0;
}

void xd_config_deinit(struct xd_config *c)
{
	for (size_t i = 0; i < c->overrides; i++)
		free(c->override[i].pair);
	free(c->override);
	*c = (struct xd_config){ 0 };
}

int xd_config_parse(struct xl_ctx *x, const char *path, const char *text, size_t len,
		    struct xd_config *ret)
{
	_cleanup_(xd_conf_deinit) struct xd_conf conf = { 0 };
	_cleanup_(xd_config_deinit) struct xd_config c = {
		.set = XD_SETTINGS_DEFAULT,
		.workers = 2,
		.max_waiting = 32,
		.timeout = 3600,
		.learn_after = 60,
		.keep_free = (uint64_t)1024 << 20,
		.spool = XD_SPOOL_DIR,
	};
	const struct loading l = { .x = x, .file = path, .c = &c };
	int r = xd_conf_parse(x, path, text, len, &conf);

	for (size_t i = 0; r == 0 && i < conf.n; i++)
		r = take(&l, &conf.setting[i]);
	if (r == 0 && xd_settings_conflict(&c.set))
		r = xl_fail(x, XLDUMP_CAUSE_USAGE, -EINVAL, "%s: %s", path,
			    xd_settings_conflict(&c.set));
	if (r < 0)
		return r;
	*ret = c;
	c = (struct xd_config){ 0 };
	return 0;
}

int xd_config_load(struct xl_ctx *x, const char *path, struct xd_config *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return xd_config_parse(x, path, "", 0, ret);
	if (fd < 0)
		return xl_err(x, -errno, "open %s", path);
	text = malloc(XD_CONF_MAX + 1);
	if (!text)
		return xl_err(x, -ENOMEM, "read %s", path);
	while ((n = read(fd, text + len, XD_CONF_MAX + 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return xl_err(x, -errno, "read %s", path);
	if (len > XD_CONF_MAX)
		return xl_fail(x, XLDUMP_CAUSE_USAGE, -EFBIG, "%s is larger than %d bytes", path,
			       XD_CONF_MAX);
	return xd_config_parse(x, path, text, len, ret);
}
