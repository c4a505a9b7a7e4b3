/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public API: connecting to the hypervisor, finding a domain. */
#include "handle.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <uuid.h>

#include "base/domain.h"
#include "hv/recover.h"
#include "hv/undo.h"

struct xl_ctx *xl_handle_begin(struct xldump *xl)
{
	xl_err_clear(&xl->ctx);
	xl->ctx.cancel = NULL;
	xl->ctx.undo = NULL;
	return &xl->ctx;
}

static int explain_open(struct xl_ctx *x, int r, enum xl_hv_xen_step step, const char *xen)
{
	if (r == -ENOMEM)
		return xl_err(x, r, "connect to the hypervisor");
	if (step == XL_HV_XEN_PRIVCMD && (r == -EACCES || r == -EPERM))
		return xl_fail(x, XLDUMP_CAUSE_PERMISSION, r,
			       "no permission to use /dev/xen/privcmd: run as root in dom0");
	if (step == XL_HV_XEN_PRIVCMD)
		return xl_fail(x, XLDUMP_CAUSE_NO_XEN, r,
			       "cannot reach the hypervisor through /dev/xen/privcmd (%s): is this "
			       "dom0, and is the module xen-privcmd loaded?",
			       strerror(-r));
	if (step == XL_HV_XEN_DOMCTL && r == -EACCES)
		return xl_fail(x, XLDUMP_CAUSE_VERSION, r,
			       "the hypervisor speaks another version of its control interface than "
			       "the libraries of Xen %s, or its security policy refuses; install "
			       "libraries of the build of Xen that runs, and xldump built with them",
			       xen);
	if (step == XL_HV_XEN_DOMCTL)
		return xl_fail(x, XLDUMP_CAUSE_NO_XEN, r,
			       "the hypervisor refuses to be controlled from here (%s): run this in "
			       "dom0",
			       strerror(-r));
	return xl_fail(x, XLDUMP_CAUSE_NO_XEN, r,
		       "cannot reach xenstored (%s): is it running?", strerror(-r));
}

int xldump_open(struct xldump **ret, xldump_log_fn log, void *log_data)
{
	struct xldump *xl = calloc(1, sizeof(*xl));
	_cleanup_close_ int sys = -1;
	enum xl_hv_xen_step step;
	int r;

	*ret = xl;
	if (!xl)
		return -ENOMEM;
	xl->ctx.log = log;
	xl->ctx.log_data = log_data;
	sys = open("/sys/hypervisor", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = xl_backend_load(&xl->ctx, XL_BACKEND_DIR, sys, &xl->backend);
	if (r < 0)
		return r;
	r = xl->backend.open(&xl->hv, &step);
	if (r < 0)
		return explain_open(&xl->ctx, r, step, xl->backend.xen);
	xl_handle_recover(xl);
	return 0;
}

int xldump_recover(struct xldump *xl, unsigned *ret_undone)
{
	struct xl_ctx *x = xl_handle_begin(xl);

	return xl_recover(x, xl->hv, XL_UNDO_DIR, ret_undone);
}

void xl_handle_recover(struct xldump *xl)
{
	struct xl_ctx *x = &xl->ctx;

	if (xl_recover(x, xl->hv, XL_UNDO_DIR, NULL) < 0)
		xl_log(x, XLDUMP_LOG_WARNING, "%s", x->err);
	xl_err_clear(x);
}

void xldump_close(struct xldump *xl)
{
	if (!xl)
		return;
	if (xl->hv)
		xl->hv->ops->close(xl->hv);
	xl_backend_unload(&xl->backend);
	free(xl);
}

const char *xldump_error(const struct xldump *xl)
{
	return xl->ctx.err;
}

enum xldump_cause xldump_error_cause(const struct xldump *xl)
{
	if (xl->ctx.cause == XLDUMP_CAUSE_NONE && xl->ctx.err[0])
		return XLDUMP_CAUSE_OTHER;
	return xl->ctx.cause;
}

/* ---- finding a domain ---- */

/* Names come from xenstore: nothing that a terminal would obey. */
static void copy_name(char *dst, const char *src, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && src[i]; i++)
		dst[i] = iscntrl((unsigned char)src[i]) ? '?' : src[i];
	dst[i] = '\0';
}

static void describe(const struct xl_domain *dom, struct xldump_domain *ret)
{
	ret->domid = dom->domid;
	memcpy(ret->uuid, dom->uuid, sizeof(ret->uuid));
	ret->type = dom->pv	     ? XLDUMP_GUEST_PV :
		    dom->hvm_devices ? XLDUMP_GUEST_HVM :
				       XLDUMP_GUEST_PVH;
	ret->memory = dom->tot_pages * XL_PAGE_SIZE;
	ret->vcpus = dom->online_vcpus;
	ret->name[0] = '\0';
}

void xl_handle_describe(struct xldump *xl, const struct xl_domain *dom, struct xldump_domain *ret)
{
	char name[XLDUMP_NAME_MAX];

	describe(dom, ret);
	if (xl->hv->ops->domain_name(xl->hv, dom->domid, name, sizeof(name)) == 0)
		copy_name(ret->name, name, sizeof(ret->name));
}

/* How many domains are asked for in one go. */
#define LIST_STEP 64

typedef bool (*match_fn)(struct xldump *xl, const struct xl_domain *dom, const void *what);

static bool match_uuid(struct xldump *xl, const struct xl_domain *dom, const void *what)
{
	(void)xl;
	return xl_same_uuid(dom->uuid, what);
}

static bool match_name(struct xldump *xl, const struct xl_domain *dom, const void *what)
{
	char name[XLDUMP_NAME_MAX];

	return xl->hv->ops->domain_name(xl->hv, dom->domid, name, sizeof(name)) == 0 &&
	       strcmp(name, what) == 0;
}

/* The number of domains that match, and the first of them. */
static int find_all(struct xldump *xl, match_fn match, const void *what, struct xl_domain *ret)
{
	struct xl_domain dom[LIST_STEP];
	uint32_t first = 0;
	int found = 0;

	for (;;) {
		size_t n;
		int r = xl->hv->ops->domain_list(xl->hv, first, dom, LIST_STEP, &n);

		if (r < 0)
			return xl_err(&xl->ctx, r, "list the domains");
		for (size_t i = 0; i < n; i++) {
			if (match(xl, &dom[i], what) && found++ == 0)
				*ret = dom[i];
		}
		if (n < LIST_STEP)
			return found;
		first = dom[n - 1].domid + 1;
	}
}

static int find_number(struct xldump *xl, const char *spec, struct xl_domain *ret)
{
	char *end;
	unsigned long id;
	int r;

	errno = 0;
	id = strtoul(spec, &end, 10);
	if (errno || *end || id > UINT16_MAX)
		return 0;
	r = xl->hv->ops->domain_info(xl->hv, (uint32_t)id, ret);
	if (r == -ESRCH)
		return 0;
	return r < 0 ? xl_err(&xl->ctx, r, "look at domain %lu", id) : 1;
}

/* 1 found, 0 not found, more: ambiguous. */
static int find(struct xldump *xl, const char *spec, struct xl_domain *ret)
{
	uuid_t uuid;

	/* A name may look like a number, too, or like a uuid. */
	if (spec[0] && strspn(spec, "0123456789") == strlen(spec)) {
		int r = find_number(xl, spec, ret);

		if (r)
			return r;
	}
	if (uuid_parse(spec, uuid) == 0) {
		int r = find_all(xl, match_uuid, uuid, ret);

		if (r)
			return r;
	}
	return find_all(xl, match_name, spec, ret);
}

int xldump_domain_find(struct xldump *xl, const char *spec, struct xldump_domain *ret)
{
	struct xl_ctx *x = xl_handle_begin(xl);
	struct xldump_domain out = { .sz = sizeof(out) };
	struct xl_domain dom;
	int r = find(xl, spec, &dom);

	if (r < 0)
		return r;
	if (r == 0)
		return xl_fail(x, XLDUMP_CAUSE_NO_DOMAIN, -ESRCH,
			       "no domain `%s': give a name, an id or a uuid of `xl list'", spec);
	if (r > 1)
		return xl_fail(x, XLDUMP_CAUSE_NO_DOMAIN, -ENOTUNIQ,
			       "%d domains are called `%s': give the id or the uuid", r, spec);
	if (dom.domid == 0)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "domain 0 cannot dump itself");
	xl_handle_describe(xl, &dom, &out);
	out.sz = ret->sz < sizeof(out) ? ret->sz : sizeof(out);
	memcpy(ret, &out, out.sz);
	return 0;
}

int xldump_domains(struct xldump *xl, xldump_domain_fn fn, void *data)
{
	struct xl_ctx *x = xl_handle_begin(xl);
	struct xl_domain dom[LIST_STEP];
	uint32_t first = 1;
	size_t n;

	do {
		int r = xl->hv->ops->domain_list(xl->hv, first, dom, LIST_STEP, &n);

		if (r < 0)
			return xl_err(x, r, "list the domains");
		for (size_t i = 0; i < n; i++) {
			const struct xldump_domain_state state = {
				.sz = sizeof(state),
				.paused = dom[i].paused,
				.shut_down = dom[i].shutdown,
				.shutdown_reason = dom[i].shutdown_reason,
				.dying = dom[i].dying,
			};
			struct xldump_domain out = { .sz = sizeof(out) };

			describe(&dom[i], &out);
			fn(data, &out, &state);
		}
		first = n ? dom[n - 1].domid + 1 : 0;
	} while (n == LIST_STEP);
	return 0;
}
