/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxl's lock while a guest waits for its dump. */
#include "hold.h"

#include <string.h>
#include <systemd/sd-daemon.h>
#include <uuid.h>

#include "libxl_lock.h"
#include "log.h"

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
	(void)sd_pid_notify_with_fds(0, 0, text, &fd, 1);
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

void xd_hold_resume(const char *libxl_dir, struct xd_queue *q)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < n; i++) {
		struct xldump_domain dom = { .sz = sizeof(dom) };
		int fd = SD_LISTEN_FDS_START + i;
		struct xd_job *job;

		if (!parse_name(names[i], &dom)) {
			xl_closep(&fd);
			continue;
		}
		job = xd_queue_by_domain(q, &dom, NULL);
		if (job && job->hold < 0) {
			xd_log(LOG_INFO, "%s (domain %u): libxl still waits for its dump", job->dom.name,
			       dom.domid);
			job->hold = fd;
		} else {
			xd_hold_release(libxl_dir, &dom, &fd);
		}
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}
