/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The domains of the host, as they were seen last. */
#include "known.h"

#include <stdlib.h>
#include <string.h>
#include <uuid.h>

#include "base/domain.h"
#include "base/json.h"

struct xd_known *xd_known_find(const struct xd_known_all *all, uint32_t domid, const uint8_t uuid[16])
{
	for (size_t i = 0; i < all->n; i++)
		if (all->domain[i].domid == domid && xl_same_uuid(all->domain[i].uuid, uuid))
			return &all->domain[i];
	return NULL;
}

struct xd_known *xd_known_add(struct xd_known_all *all, const struct xldump_domain *dom, uint64_t learn_at)
{
	struct xd_known *k = xd_known_find(all, dom->domid, dom->uuid), *p;

	if (k)
		return k;
	p = reallocarray(all->domain, all->n + 1, sizeof(*p));
	if (!p)
		return NULL;
	all->domain = p;
	k = &p[all->n++];
	*k = (struct xd_known){ .domid = dom->domid, .type = dom->type, .learn_at = learn_at };
	memcpy(k->uuid, dom->uuid, sizeof(dom->uuid));
	return k;
}

void xd_known_forget_gone(struct xd_known_all *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		if (!all->domain[i].seen)
			continue;
		all->domain[n] = all->domain[i];
		all->domain[n++].seen = false;
	}
	all->n = n;
}

void xd_known_look(struct xd_known_all *all, const char *libxl_dir)
{
	for (size_t i = 0; i < all->n; i++) {
		struct xd_known *k = &all->domain[i];

		if (!k->shut_down)
			xd_libxl_look(libxl_dir, k->domid, k->uuid, &k->config);
	}
}

void xd_mark_to_json(struct json_object *o, const struct xldump_panic_mark *mark)
{
	xl_json_put_u64(o, "panic_paddr", mark->panic_paddr);
	xl_json_put_u64(o, "info_paddr", mark->info_paddr);
	xl_json_put_u64(o, "info_sum", mark->info_sum);
}

bool xd_mark_from_json(struct json_object *o, struct xldump_panic_mark *ret)
{
	struct xldump_panic_mark m = { .sz = sizeof(m) };

	if (!xl_json_u64(o, "panic_paddr", &m.panic_paddr) ||
	    !xl_json_u64(o, "info_paddr", &m.info_paddr) || !xl_json_u64(o, "info_sum", &m.info_sum))
		return false;
	*ret = m;
	return true;
}

/* ---- on disk ---- */

#define FILE_NAME "kernels"
#define FILE_MAX (1 << 20)

int xd_known_save(const struct xd_known_all *all, int dirfd, const char *boot)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct json_object *kernels = json_object_new_array();

	for (size_t i = 0; i < all->n; i++) {
		const struct xd_known *k = &all->domain[i];
		struct json_object *e;
		char uuid[XD_UUID_MAX];

		if (!k->marked)
			continue;
		e = json_object_new_object();
		uuid_unparse_lower(k->uuid, uuid);
		xl_json_put_u64(e, "domid", k->domid);
		xl_json_put_text(e, "uuid", uuid);
		xd_mark_to_json(e, &k->mark);
		(void)json_object_array_add(kernels, e);
	}
	xl_json_put_text(o, "boot", boot);
	xl_json_put(o, "kernels", kernels);
	return xl_json_write(dirfd, FILE_NAME, o);
}

static void load_one(struct xd_known_all *all, struct json_object *e)
{
	struct xldump_domain dom = { .sz = sizeof(dom), .type = XLDUMP_GUEST_HVM };
	struct xldump_panic_mark mark;
	char uuid[XD_UUID_MAX];
	struct xd_known *k;
	uint64_t domid;

	if (!xl_json_u64(e, "domid", &domid) || domid < 1 || domid > UINT16_MAX ||
	    !xl_json_text(e, "uuid", uuid, sizeof(uuid)) || uuid_parse(uuid, dom.uuid) < 0 ||
	    !xd_mark_from_json(e, &mark))
		return;
	dom.domid = (uint32_t)domid;
	k = xd_known_add(all, &dom, 0);
	if (!k)
		return;
	k->marked = true;
	k->mark = mark;
}

void xd_known_load(struct xd_known_all *all, int dirfd, const char *boot)
{
	_cleanup_json_ struct json_object *o = xl_json_read(dirfd, FILE_NAME, FILE_MAX);
	struct json_object *kernels = xl_json_get(o, "kernels");
	char text[XD_UUID_MAX];

	if (!boot[0] || !xl_json_text(o, "boot", text, sizeof(text)) || strcmp(text, boot) != 0 ||
	    !json_object_is_type(kernels, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(kernels); i++)
		load_one(all, json_object_array_get_idx(kernels, i));
}

void xd_known_deinit(struct xd_known_all *all)
{
	free(all->domain);
	*all = (struct xd_known_all){ 0 };
}
