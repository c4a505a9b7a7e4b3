/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxl's lock while a guest waits for its dump. */
#include "hold.h"

#include <sys/file.h>
#include <systemd/sd-daemon.h>
#include <uuid.h>

#include "base/domain.h"
#include "libxl_lock.h"
#include "common/log.h"

#define NAME "libxl-"

static bool managed(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

/* Names are at most 255 characters, without colons. */
static void name_of(const struct xldump_domain *dom, char ret[64])
{
	char uuid[XD_UUID_MAX];

	uuid_unparse_lower(dom->uuid, uuid);
	(void)snprintf(ret, 64, NAME "%u-%s", dom->domid, uuid);
}

static bool parse_name(const char *name, struct xldump_domain *ret)
{
	char uuid[XD_UUID_MAX];

	return sscanf(name, NAME "%" SCNu32 "-%36s", &ret->domid, uuid) == 2 &&
	       uuid_parse(uuid, ret->uuid) == 0;
}

void xd_hold_keep(const struct xldump_domain *dom, int fd)
{
	char name[64], text[128];

	if (fd < 0 || !managed())
		return;
	name_of(dom, name);
	(void)snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
	if (sd_pid_notify_with_fds(0, 0, text, &fd, 1) < 0)
		xd_log(LOG_WARNING,
		       "the service manager did not take libxl's lock of domain %u; a restart of "
		       "xldumpd would release it", dom->domid);
}

void xd_hold_release(const char *libxl_dir, const struct xldump_domain *dom, int *fd)
{
	char name[64];

	if (*fd < 0)
		return;
	xd_libxl_unlock(libxl_dir, dom->domid, dom->uuid, fd);
	name_of(dom, name);
	if (managed())
		(void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void xd_hold_leave(const char *libxl_dir, const struct xldump_domain *dom, int *fd)
{
	if (managed())
		xl_closep(fd);
	else
		xd_hold_release(libxl_dir, dom, fd);
	*fd = -1;
}

void xd_holds_receive(struct xd_holds *h)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	h->hold = n > 0 ? calloc((size_t)n, sizeof(*h->hold)) : NULL;
	for (int i = 0; i < n; i++) {
		struct xd_hold *l = h->hold ? &h->hold[h->n] : NULL;
		int fd = SD_LISTEN_FDS_START + i;

		if (l && parse_name(names[i], &l->dom)) {
			l->fd = fd;
			h->n++;
		} else {
			(void)flock(fd, LOCK_UN); /* the service manager has it, too */
			xl_closep(&fd);
		}
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

int xd_holds_take(struct xd_holds *h, const struct xldump_domain *dom)
{
	for (size_t i = 0; i < h->n; i++) {
		struct xd_hold *l = &h->hold[i];

		if (l->fd >= 0 && xl_same_domain(&l->dom, dom))
			return xl_take_fd(&l->fd);
	}
	return -1;
}

void xd_holds_release(struct xd_holds *h, const char *libxl_dir)
{
	for (size_t i = 0; i < h->n; i++)
		xd_hold_release(libxl_dir, &h->hold[i].dom, &h->hold[i].fd);
	free(h->hold);
	*h = (struct xd_holds){ 0 };
}
